package netos

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// CheckTable reads the kernel's table back and compares it with t, since the
// kernel may refuse a transaction without the library's noticing.
func (k *Real) CheckTable(t Table) error {
	there, err := k.hasTable(t.TableName)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("table %s of nftables is %w: the kernel refused it or somebody removed it", t.TableName, ErrAbsent)
	}
	counters, err := k.Counters(t.TableName)
	if err != nil {
		return err
	}
	for _, name := range t.Counters {
		if _, ok := counters[name]; !ok {
			return fmt.Errorf("table %s of nftables lacks the counter %s", t.TableName, name)
		}
	}
	return k.nft(func(c *nftables.Conn) error {
		table := &nftables.Table{Name: t.Name, Family: familyNumber(t.Family)}
		return errors.Join(checkSets(c, table, t.Sets), checkChains(c, table, t.Chains))
	})
}

func checkSets(c *nftables.Conn, table *nftables.Table, want []Set) error {
	got, err := c.GetSets(table)
	if err != nil {
		return fmt.Errorf("cannot read the sets of table %s: %w", table.Name, err)
	}
	if len(got) != len(want) {
		return fmt.Errorf("table %s of nftables has %d sets, wanted %d", table.Name, len(got), len(want))
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(s *nftables.Set) bool { return s.Name == w.Name })
		if i < 0 {
			return fmt.Errorf("table %s of nftables lacks the set %s", table.Name, w.Name)
		}
		if w.dynamic() {
			continue // its elements come and go
		}
		have, err := c.GetSetElements(&nftables.Set{Table: table, Name: w.Name})
		if err != nil {
			return fmt.Errorf("cannot read the set %s of table %s: %w", w.Name, table.Name, err)
		}
		if a, b := keys(have), keys(elementsOf(w)); !slices.Equal(a, b) {
			return fmt.Errorf("set %s of table %s holds %v, wanted %v", w.Name, table.Name, a, b)
		}
	}
	return nil
}

// keys prints elements in order. The kernel puts an end at zero before the first
// network of all; it says nothing.
func keys(elements []nftables.SetElement) []string {
	var out []string
	for _, e := range elements {
		if e.IntervalEnd && len(bytes.Trim(e.Key, "\x00")) == 0 {
			continue
		}
		out = append(out, fmt.Sprintf("%x end=%v", e.Key, e.IntervalEnd))
	}
	slices.Sort(out)
	return out
}

func checkChains(c *nftables.Conn, table *nftables.Table, want []Chain) error {
	all, err := c.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return fmt.Errorf("cannot read the chains of table %s: %w", table.Name, err)
	}
	got := map[string]*nftables.Chain{}
	for _, ch := range all {
		if ch.Table.Name == table.Name {
			got[ch.Name] = ch
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("table %s of nftables has %d chains, wanted %d", table.Name, len(got), len(want))
	}
	for _, w := range want {
		ch, ok := got[w.Name]
		if !ok {
			return fmt.Errorf("table %s of nftables lacks the chain %s", table.Name, w.Name)
		}
		if a, b := base(ch), base(chainOf(table, w)); a != b {
			return fmt.Errorf("chain %s of table %s is %q, wanted %q", w.Name, table.Name, a, b)
		}
		if err := checkRules(c, table, w); err != nil {
			return err
		}
	}
	return nil
}

// base prints what makes a base chain.
func base(c *nftables.Chain) string {
	if c.Hooknum == nil || c.Priority == nil || c.Policy == nil {
		return "no hook"
	}
	return fmt.Sprintf("%s hook %d priority %d policy %d", c.Type, *c.Hooknum, *c.Priority, *c.Policy)
}

func checkRules(c *nftables.Conn, table *nftables.Table, want Chain) error {
	got, err := c.GetRules(table, &nftables.Chain{Name: want.Name, Table: table})
	if err != nil {
		return fmt.Errorf("cannot read the rules of chain %s: %w", want.Name, err)
	}
	if len(got) != len(want.Rules) {
		return fmt.Errorf("chain %s of table %s has %d rules, wanted %d", want.Name, table.Name, len(got), len(want.Rules))
	}
	for i, r := range want.Rules {
		exprs, err := compile(r)
		if err != nil {
			return err
		}
		a, errA := encode(byte(table.Family), got[i].Exprs)
		b, errB := encode(byte(table.Family), exprs)
		if err := errors.Join(errA, errB); err != nil {
			return fmt.Errorf("cannot compare rule %d of chain %s: %w", i+1, want.Name, err)
		}
		if a != b {
			return fmt.Errorf("rule %d of chain %s of table %s is not %q: the kernel has %s, wanted %s", i+1, want.Name, table.Name, r, a, b)
		}
	}
	return nil
}

// encode writes expressions the way they go to the kernel.
func encode(family byte, exprs []expr.Any) (string, error) {
	var out []string
	for _, e := range exprs {
		b, err := expr.Marshal(family, settle(e))
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("%x", b))
	}
	return strings.Join(out, " "), nil
}

// settle clears what the kernel fills in, the identity of a set named by a rule, and
// fills in what the library does not read.
func settle(e expr.Any) expr.Any {
	switch e := e.(type) {
	case *expr.Ct:
		c := *e
		if c.Register == 0 { // no register for data: the library does not read the one that is written from
			c.Register, c.SourceRegister = reg, true
		}
		return &c
	case *expr.Lookup:
		c := *e
		c.SetID = 0
		return &c
	case *expr.Dynset:
		c := *e
		c.SetID = 0
		return &c
	default:
		return e
	}
}
