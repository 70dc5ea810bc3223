package netos

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Family is an nftables family; its text is the word nft(8) uses.
type Family string

// The families in use. Netdev and bridge are left out: small kernels lack them.
const (
	FamilyIPv4 Family = "ip"
	FamilyIPv6 Family = "ip6"
	FamilyInet Family = "inet"
)

// TableName names a table.
type TableName struct {
	Family Family
	Name   string
}

// String prints "inet assay_lan".
func (n TableName) String() string { return string(n.Family) + " " + n.Name }

// Table is a whole nftables table. It is kept small: one transaction must fit
// one netlink message buffer, so many addresses go into a set, not into rules.
type Table struct {
	TableName
	Counters []string
	Sets     []Set
	Chains   []Chain
}

// SetType is the type of a set's elements, in the word of nft(8).
type SetType string

// The types of elements in use.
const (
	SetIPv4  SetType = "ipv4_addr"
	SetIPv6  SetType = "ipv6_addr"
	SetPort  SetType = "inet_service"
	SetEther SetType = "ether_addr"
)

// Set is a named set: of networks (Prefixes), of ports (Ports), or, with Size,
// one that rules fill while packets pass (Meter).
type Set struct {
	Name     string
	Type     SetType
	Prefixes []netip.Prefix
	Ports    []uint16
	Size     uint32        // the most elements a dynamic set may hold
	Timeout  time.Duration // a dynamic element is forgotten after that time without packets
}

func (s Set) dynamic() bool { return s.Size > 0 }

// interval says whether the elements are networks.
func (s Set) interval() bool { return !s.dynamic() && (s.Type == SetIPv4 || s.Type == SetIPv6) }

// Hook is where a base chain is called.
type Hook string

// The hooks in use.
const (
	HookPrerouting  Hook = "prerouting"
	HookInput       Hook = "input"
	HookForward     Hook = "forward"
	HookPostrouting Hook = "postrouting"
)

// ChainType is the kind of a base chain.
type ChainType string

// The chain types in use.
const (
	ChainFilter ChainType = "filter"
	ChainNAT    ChainType = "nat"
)

// Chain is a base chain, or, with no Hook, one that rules jump to.
type Chain struct {
	Name     string
	Type     ChainType
	Hook     Hook
	Priority int
	DropRest bool // policy drop
	Rules    []Rule
}

// String prints the table in the syntax of nft(8); `nft -f` takes it.
func (t Table) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "table %s {\n", t.TableName)
	for _, c := range slices.Sorted(slices.Values(t.Counters)) {
		fmt.Fprintf(&s, "\tcounter %s {\n\t}\n", c)
	}
	for _, set := range t.Sets {
		set.print(&s)
	}
	for _, c := range t.Chains {
		c.print(&s)
	}
	s.WriteString("}\n")
	return s.String()
}

func (s Set) print(out *strings.Builder) {
	fmt.Fprintf(out, "\tset %s {\n\t\ttype %s\n", s.Name, s.Type)
	switch {
	case s.dynamic():
		fmt.Fprintf(out, "\t\tsize %d\n\t\tflags dynamic,timeout\n\t\ttimeout %ds\n", s.Size, int(s.Timeout.Seconds()))
	case s.interval():
		out.WriteString("\t\tflags interval\n\t\tauto-merge\n")
	}
	if e := s.elements(); len(e) > 0 {
		fmt.Fprintf(out, "\t\telements = { %s }\n", strings.Join(e, ", "))
	}
	out.WriteString("\t}\n")
}

func (s Set) elements() []string {
	var out []string
	for _, p := range distinct(s.Prefixes) {
		out = append(out, p.String())
	}
	for _, p := range slices.Sorted(slices.Values(s.Ports)) {
		out = append(out, fmt.Sprint(p))
	}
	return out
}

func (c Chain) print(out *strings.Builder) {
	fmt.Fprintf(out, "\tchain %s {\n", c.Name)
	if c.Hook != "" {
		policy := "accept"
		if c.DropRest {
			policy = "drop"
		}
		fmt.Fprintf(out, "\t\ttype %s hook %s priority %d; policy %s;\n", c.Type, c.Hook, c.Priority, policy)
	}
	for _, r := range c.Rules {
		fmt.Fprintf(out, "\t\t%s\n", r)
	}
	out.WriteString("\t}\n")
}

// distinct masks and sorts prefixes and leaves out those inside another one:
// the kernel refuses sets whose intervals overlap.
func distinct(in []netip.Prefix) []netip.Prefix {
	sorted := make([]netip.Prefix, 0, len(in))
	for _, p := range in {
		sorted = append(sorted, p.Masked())
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var out []netip.Prefix
	for _, p := range sorted {
		if len(out) == 0 || !out[len(out)-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}
