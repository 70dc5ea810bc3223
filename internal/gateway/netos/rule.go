package netos

import (
	"fmt"
	"net/netip"
	"strings"
)

// Rule is what one line of nft(8) says: conditions, then what is done.
type Rule []Stmt

// String prints the rule in the syntax of nft(8).
func (r Rule) String() string {
	words := make([]string, len(r))
	for i, s := range r {
		words[i] = s.String()
	}
	return strings.Join(words, " ")
}

// Stmt is one condition or action of a rule. The set of them is closed.
type Stmt interface {
	fmt.Stringer
	stmt()
}

// L4 is a transport protocol number (IANA) with its name in nft(8).
type L4 uint8

// The transport protocols rules speak of.
const (
	ICMPv4 L4 = 1
	TCP    L4 = 6
	UDP    L4 = 17
	ICMPv6 L4 = 58
)

func (p L4) String() string {
	switch p {
	case ICMPv4:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "ipv6-icmp"
	}
	return fmt.Sprint(uint8(p))
}

type (
	// In matches the interface a packet came in by.
	In struct{ Link string }
	// Out matches the interface a packet leaves by.
	Out struct{ Link string }
)

func (m In) String() string  { return fmt.Sprintf("iifname %q", m.Link) }
func (m Out) String() string { return fmt.Sprintf("oifname %q", m.Link) }

// IPVersion matches packets of one version in an inet table.
type IPVersion struct{ Family Family }

func (m IPVersion) String() string {
	if m.Family == FamilyIPv6 {
		return "meta nfproto ipv6"
	}
	return "meta nfproto ipv4"
}

// Protocol matches the transport protocol.
type Protocol struct{ L4 L4 }

func (m Protocol) String() string { return "meta l4proto " + m.L4.String() }

type (
	// ToPort matches the destination port.
	ToPort struct {
		L4   L4
		Port uint16
	}
	// ToPorts matches a destination port that is in a set.
	ToPorts struct {
		L4  L4
		Set string
	}
)

func (m ToPort) String() string  { return fmt.Sprintf("%s dport %d", m.L4, m.Port) }
func (m ToPorts) String() string { return fmt.Sprintf("%s dport @%s", m.L4, m.Set) }

// Conditions on addresses; Not turns a match round.
type (
	// From matches a source in a network.
	From struct {
		Prefix netip.Prefix
		Not    bool
	}
	// To matches a destination in a network.
	To struct {
		Prefix netip.Prefix
		Not    bool
	}
	// FromSet matches a source in a set.
	FromSet struct {
		Family Family
		Set    string
		Not    bool
	}
	// ToSet matches a destination in a set.
	ToSet struct {
		Family Family
		Set    string
		Not    bool
	}
)

func (m From) String() string {
	return fmt.Sprintf("%s saddr %s%s", familyOf(m.Prefix), not(m.Not), host(m.Prefix))
}
func (m To) String() string {
	return fmt.Sprintf("%s daddr %s%s", familyOf(m.Prefix), not(m.Not), host(m.Prefix))
}
func (m FromSet) String() string { return fmt.Sprintf("%s saddr %s@%s", m.Family, not(m.Not), m.Set) }
func (m ToSet) String() string   { return fmt.Sprintf("%s daddr %s@%s", m.Family, not(m.Not), m.Set) }

// ICMPType matches a message type of ICMP (RFC 792) or ICMPv6 (RFC 4443).
type ICMPType struct {
	Family Family
	Type   uint8
}

func (m ICMPType) String() string {
	if m.Family == FamilyIPv6 {
		return fmt.Sprintf("icmpv6 type %d", m.Type)
	}
	return fmt.Sprintf("icmp type %d", m.Type)
}

// HopLimit matches the hop limit: neighbour discovery must arrive with 255 (RFC 4861 section 6.1).
type HopLimit struct{ Value uint8 }

func (m HopLimit) String() string { return fmt.Sprintf("ip6 hoplimit %d", m.Value) }

// State is what connection tracking knows of a packet's connection.
type State uint32

// The bits of State, as in the kernel's nf_tables.h.
const (
	StateInvalid     State = 1
	StateEstablished State = 2
	StateRelated     State = 4
	StateNew         State = 8
)

// Tracked matches packets whose connection is in one of the states.
type Tracked struct{ States State }

func (m Tracked) String() string {
	var words []string
	for _, s := range []struct {
		bit  State
		word string
	}{{StateInvalid, "invalid"}, {StateEstablished, "established"}, {StateRelated, "related"}, {StateNew, "new"}} {
		if m.States&s.bit != 0 {
			words = append(words, s.word)
		}
	}
	return "ct state " + strings.Join(words, ",")
}

// Redirected matches packets whose destination a Redirect of ours changed.
type Redirected struct{}

func (Redirected) String() string { return "ct status dnat" }

// Limit is a rate with a burst.
type Limit struct {
	Rate      uint64
	PerMinute bool // instead of per second
	Burst     uint32
}

// Over matches packets beyond the rate.
type Over struct{ Limit Limit }

func (m Over) String() string {
	per := "second"
	if m.Limit.PerMinute {
		per = "minute"
	}
	return fmt.Sprintf("limit rate over %d/%s burst %d packets", m.Limit.Rate, per, m.Limit.Burst)
}

// OverEach matches packets beyond the rate, counted for each Ethernet source by
// itself in a dynamic set of type SetEther. When the set is full, new sources
// are not matched: a rule with Over must stand behind it.
type OverEach struct {
	Set   string
	Limit Limit
}

func (m OverEach) String() string {
	return fmt.Sprintf("update @%s { ether saddr %s }", m.Set, Over{m.Limit})
}

// Remember puts the destination into a dynamic set of addresses. When the set is
// full the rule ends there, so nothing else belongs into the rule behind it.
type Remember struct {
	Family Family
	Set    string
}

func (m Remember) String() string { return fmt.Sprintf("update @%s { %s daddr }", m.Set, m.Family) }

// Counted adds the packet to a named counter of the table.
type Counted struct{ Counter string }

func (m Counted) String() string { return fmt.Sprintf("counter name %q", m.Counter) }

// What becomes of a packet.
type (
	// Accept lets the packet pass this chain.
	Accept struct{}
	// Drop throws the packet away without a word.
	Drop struct{}
	// Reject throws it away and says "administratively prohibited".
	Reject struct{}
	// Return leaves a chain that was jumped to.
	Return struct{}
	// Jump goes on in another chain.
	Jump struct{ Chain string }
	// Masquerade gives the packet the address of the link it leaves by.
	Masquerade struct{}
	// Redirect sends the packet to a port of the box itself, or to one of those from
	// Port to Last, where Last is not 0. With several the kernel has room for
	// conversations that one host began from one port with different servers; with a
	// single one it has to give such a conversation another port of the host's.
	Redirect struct{ Port, Last uint16 }
)

func (Accept) String() string     { return "accept" }
func (Drop) String() string       { return "drop" }
func (Reject) String() string     { return "reject with icmpx admin-prohibited" }
func (Return) String() string     { return "return" }
func (j Jump) String() string     { return "jump " + j.Chain }
func (Masquerade) String() string { return "masquerade" }
func (r Redirect) String() string {
	if r.Last == 0 {
		return fmt.Sprintf("redirect to :%d", r.Port)
	}
	return fmt.Sprintf("redirect to :%d-%d", r.Port, r.Last)
}

func (In) stmt()         {}
func (Out) stmt()        {}
func (IPVersion) stmt()  {}
func (Protocol) stmt()   {}
func (ToPort) stmt()     {}
func (ToPorts) stmt()    {}
func (From) stmt()       {}
func (To) stmt()         {}
func (FromSet) stmt()    {}
func (ToSet) stmt()      {}
func (ICMPType) stmt()   {}
func (HopLimit) stmt()   {}
func (Tracked) stmt()    {}
func (Marked) stmt()     {}
func (Mark) stmt()       {}
func (Redirected) stmt() {}
func (Over) stmt()       {}
func (OverEach) stmt()   {}
func (Remember) stmt()   {}
func (Counted) stmt()    {}
func (Accept) stmt()     {}
func (Drop) stmt()       {}
func (Reject) stmt()     {}
func (Return) stmt()     {}
func (Jump) stmt()       {}
func (Masquerade) stmt() {}
func (Redirect) stmt()   {}

func familyOf(p netip.Prefix) Family {
	if p.Addr().Is4() {
		return FamilyIPv4
	}
	return FamilyIPv6
}

func not(b bool) string {
	if b {
		return "!= "
	}
	return ""
}

// host prints a network, one that is a single address without its length.
func host(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.Masked().String()
}
