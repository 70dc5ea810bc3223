package netos

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// known are the families of tables this package speaks of.
var known = []Family{FamilyIPv4, FamilyIPv6, FamilyInet}

// nft runs f with a connection to nf_tables inside the namespace. A fresh one
// each time: a refused batch leaves unread answers on the socket.
func (k *Real) nft(f func(*nftables.Conn) error) error {
	return k.do(func() error {
		conn, err := nftables.New(nftables.AsLasting())
		if err != nil {
			return fmt.Errorf("cannot open a netfilter socket: %w", err)
		}
		return errors.Join(f(conn), conn.CloseLasting())
	})
}

func familyNumber(f Family) nftables.TableFamily {
	switch f {
	case FamilyIPv4:
		return nftables.TableFamilyIPv4
	case FamilyIPv6:
		return nftables.TableFamilyIPv6
	default:
		return nftables.TableFamilyINet
	}
}

// Tables lists the nftables tables of the families this package knows.
func (k *Real) Tables() ([]TableName, error) {
	var out []TableName
	err := k.nft(func(c *nftables.Conn) error {
		for _, f := range known {
			tables, err := c.ListTablesOfFamily(familyNumber(f))
			if err != nil {
				return fmt.Errorf("cannot list the tables of nftables: %w", err)
			}
			for _, t := range tables {
				out = append(out, TableName{f, t.Name})
			}
		}
		return nil
	})
	return out, err
}

// ReplaceTable puts t in the place of the table of that name and reads it back.
func (k *Real) ReplaceTable(t Table) error {
	before, err := k.Counters(t.TableName)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return err
	}
	err = k.nft(func(c *nftables.Conn) error {
		if err := addTable(c, t, before); err != nil {
			return err
		}
		return c.Flush()
	})
	if err != nil {
		return fmt.Errorf("cannot set the table %s of nftables: %w", t.TableName, err)
	}
	return k.CheckTable(t)
}

// addTable fills one transaction: the old table goes, the new one comes.
func addTable(c *nftables.Conn, t Table, before map[string]Count) error {
	table := &nftables.Table{Name: t.Name, Family: familyNumber(t.Family)}
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	c.AddTable(table)
	for _, name := range slices.Sorted(slices.Values(t.Counters)) {
		n := before[name]
		c.AddObj(&nftables.NamedObj{Table: table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{Packets: n.Packets, Bytes: n.Bytes}})
	}
	for i, s := range t.Sets {
		if err := c.AddSet(setOf(table, s, uint32(i+1)), elementsOf(s)); err != nil {
			return err
		}
	}
	for _, ch := range t.Chains {
		c.AddChain(chainOf(table, ch))
	}
	for _, ch := range t.Chains {
		for _, r := range ch.Rules {
			exprs, err := compile(r)
			if err != nil {
				return err
			}
			c.AddRule(&nftables.Rule{Table: table, Chain: &nftables.Chain{Name: ch.Name, Table: table}, Exprs: exprs})
		}
	}
	return nil
}

func chainOf(t *nftables.Table, c Chain) *nftables.Chain {
	out := &nftables.Chain{Name: c.Name, Table: t}
	if c.Hook == "" {
		return out
	}
	policy := nftables.ChainPolicyAccept
	if c.DropRest {
		policy = nftables.ChainPolicyDrop
	}
	out.Type, out.Policy = nftables.ChainType(c.Type), &policy
	out.Hooknum, out.Priority = hookNumber(c.Hook), nftables.ChainPriorityRef(nftables.ChainPriority(c.Priority))
	return out
}

func hookNumber(h Hook) *nftables.ChainHook {
	switch h {
	case HookPrerouting:
		return nftables.ChainHookPrerouting
	case HookInput:
		return nftables.ChainHookInput
	case HookForward:
		return nftables.ChainHookForward
	default:
		return nftables.ChainHookPostrouting
	}
}

func setOf(t *nftables.Table, s Set, id uint32) *nftables.Set {
	out := &nftables.Set{
		Table: t, ID: id, Name: s.Name, KeyType: keyType(s.Type), KeyByteOrder: binaryutil.BigEndian,
		Dynamic: s.dynamic(), Size: s.Size, HasTimeout: s.dynamic(), Timeout: s.Timeout,
	}
	out.Interval = s.interval()
	out.AutoMerge = s.interval()
	return out
}

func keyType(t SetType) nftables.SetDatatype {
	switch t {
	case SetIPv4:
		return nftables.TypeIPAddr
	case SetIPv6:
		return nftables.TypeIP6Addr
	case SetEther:
		return nftables.TypeEtherAddr
	default:
		return nftables.TypeInetService
	}
}

// elementsOf gives the elements; a network is its first address and, marked as
// an end, the first one behind it. Networks that touch are one: the kernel
// refuses an end where another one begins. The last network of all has no end.
func elementsOf(s Set) []nftables.SetElement {
	var out []nftables.SetElement
	for _, port := range s.Ports {
		out = append(out, nftables.SetElement{Key: binaryutil.BigEndian.PutUint16(port)})
	}
	var end netip.Addr
	for _, p := range distinct(s.Prefixes) {
		if p.Addr() != end {
			out = append(endOf(out, end), nftables.SetElement{Key: p.Addr().AsSlice()})
		}
		end = lastOf(p).Next()
	}
	return endOf(out, end)
}

func endOf(elements []nftables.SetElement, end netip.Addr) []nftables.SetElement {
	if !end.IsValid() {
		return elements
	}
	return append(elements, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
}

// lastOf is the highest address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// RemoveTable removes a table; one that is not there is no error.
func (k *Real) RemoveTable(n TableName) error {
	err := k.nft(func(c *nftables.Conn) error {
		table := &nftables.Table{Name: n.Name, Family: familyNumber(n.Family)}
		c.AddTable(table)
		c.DelTable(table)
		return c.Flush()
	})
	if err != nil {
		return fmt.Errorf("cannot remove the table %s of nftables: %w", n, err)
	}
	if there, err := k.hasTable(n); err != nil || there {
		return errors.Join(err, fmt.Errorf("cannot remove the table %s of nftables: the kernel still has it", n))
	}
	return nil
}

func (k *Real) hasTable(n TableName) (bool, error) {
	all, err := k.Tables()
	for _, t := range all {
		if t == n {
			return true, err
		}
	}
	return false, err
}

// Counters reads the named counters of a table.
func (k *Real) Counters(n TableName) (map[string]Count, error) {
	if there, err := k.hasTable(n); err != nil || !there {
		return nil, errors.Join(err, fmt.Errorf("table %s of nftables is %w", n, ErrAbsent))
	}
	out := map[string]Count{}
	err := k.nft(func(c *nftables.Conn) error {
		objs, err := c.GetNamedObjects(&nftables.Table{Name: n.Name, Family: familyNumber(n.Family)})
		for _, o := range objs {
			if named, ok := o.(*nftables.NamedObj); ok {
				if count, ok := named.Obj.(*expr.Counter); ok {
					out[named.Name] = Count{count.Packets, count.Bytes}
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the counters of table %s: %w", n, err)
	}
	return out, nil
}

// Elements reads the addresses in a dynamic set, sorted.
func (k *Real) Elements(n TableName, set string) ([]netip.Addr, error) {
	if there, err := k.hasTable(n); err != nil || !there {
		return nil, errors.Join(err, fmt.Errorf("table %s of nftables is %w", n, ErrAbsent))
	}
	var out []netip.Addr
	err := k.nft(func(c *nftables.Conn) error {
		table := &nftables.Table{Name: n.Name, Family: familyNumber(n.Family)}
		sets, err := c.GetSets(table)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(sets, func(s *nftables.Set) bool { return s.Name == set }) {
			return ErrAbsent
		}
		elements, err := c.GetSetElements(&nftables.Set{Table: table, Name: set})
		for _, e := range elements {
			if a, ok := netip.AddrFromSlice(e.Key); ok && !e.IntervalEnd {
				out = append(out, a)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the set %s of table %s: %w", set, n, err)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out, nil
}
