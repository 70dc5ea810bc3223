package netos

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Tables lists the tables.
func (f *Fake) Tables() ([]TableName, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.names(), nil
}

func (f *Fake) names() []TableName {
	return slices.SortedFunc(maps.Keys(f.tables), func(a, b TableName) int { return cmp.Compare(a.String(), b.String()) })
}

// ReplaceTable keeps t; counters that the old table has too go on.
func (f *Fake) ReplaceTable(t Table) error {
	return f.change("table "+t.String(), func() error {
		if err := t.check(); err != nil {
			return fmt.Errorf("cannot set the table %s of nftables: %w", t.TableName, err)
		}
		counts := map[string]Count{}
		for _, c := range t.Counters {
			counts[c] = f.counters[t.TableName][c]
		}
		f.tables[t.TableName], f.counters[t.TableName] = t, counts
		return nil
	})
}

// check finds what the kernel would refuse: a rule that names what is not there.
func (t Table) check() error {
	for _, c := range t.Chains {
		for _, r := range c.Rules {
			for _, s := range r {
				if err := t.checkStmt(s); err != nil {
					return fmt.Errorf("rule %q of chain %s: %w", r, c.Name, err)
				}
			}
		}
	}
	return nil
}

func (t Table) checkStmt(s Stmt) error {
	switch s := s.(type) {
	case Counted:
		return named(slices.Contains(t.Counters, s.Counter), "counter", s.Counter)
	case ToPorts:
		return named(t.hasSet(s.Set), "set", s.Set)
	case FromSet:
		return named(t.hasSet(s.Set), "set", s.Set)
	case ToSet:
		return named(t.hasSet(s.Set), "set", s.Set)
	case Remember:
		return named(t.hasSet(s.Set), "set", s.Set)
	case OverEach:
		return named(t.hasSet(s.Set), "set", s.Set)
	case Jump:
		return named(slices.ContainsFunc(t.Chains, func(c Chain) bool { return c.Name == s.Chain }), "chain", s.Chain)
	default:
		return nil
	}
}

func (t Table) hasSet(name string) bool {
	return slices.ContainsFunc(t.Sets, func(s Set) bool { return s.Name == name })
}

func named(ok bool, kind, name string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s %s is %w", kind, name, ErrAbsent)
}

// RemoveTable removes a table.
func (f *Fake) RemoveTable(n TableName) error {
	return f.change("no table "+n.String(), func() error {
		delete(f.tables, n)
		delete(f.counters, n)
		return nil
	})
}

// CheckTable compares the table with t.
func (f *Fake) CheckTable(t Table) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	got, ok := f.tables[t.TableName]
	if !ok {
		return fmt.Errorf("table %s of nftables is %w: the kernel refused it or somebody removed it", t.TableName, ErrAbsent)
	}
	if got.String() != t.String() {
		return fmt.Errorf("table %s of nftables is not as wanted:\n%s", t.TableName, got)
	}
	return nil
}

// Counters reads the counters of a table.
func (f *Fake) Counters(n TableName) (map[string]Count, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts, ok := f.counters[n]
	if !ok {
		return nil, fmt.Errorf("table %s of nftables is %w", n, ErrAbsent)
	}
	return maps.Clone(counts), nil
}

// Elements reads what Meet put into a set.
func (f *Fake) Elements(n TableName, set string) ([]netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tables[n]
	if !ok || !t.hasSet(set) {
		return nil, fmt.Errorf("set %s of table %s of nftables is %w", set, n, ErrAbsent)
	}
	return slices.SortedFunc(slices.Values(f.met[set]), netip.Addr.Compare), nil
}

// Meet puts an address into a dynamic set, as traffic does.
func (f *Fake) Meet(set string, a netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.met[set] = append(f.met[set], a)
}

// Count adds packets to a counter, as traffic does.
func (f *Fake) Count(n TableName, counter string, c Count) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.counters[n][counter]
	f.counters[n][counter] = Count{now.Packets + c.Packets, now.Bytes + c.Bytes}
}

func (f *Fake) printTables(s *strings.Builder) {
	for _, n := range f.names() {
		s.WriteString(f.tables[n].String())
	}
}
