package lan

import (
	"net/netip"
	"time"

	"assay/internal/gateway/netos"
)

// How long the sets remember.
const (
	talkersTimeout = time.Minute
	triedTimeout   = 24 * time.Hour
)

// neighbourTypes are router solicitation and advertisement, neighbour
// solicitation and advertisement (RFC 4861 section 4).
var neighbourTypes = []uint8{133, 134, 135, 136}

// listenerTypes are those of multicast listener discovery (RFC 3810 section 5).
var listenerTypes = []uint8{130, 131, 132, 143}

const echoRequest4, echoRequest6 = 8, 128

// toBox lets devices reach what the box offers them and nothing else: DHCP, DNS,
// NTP, neighbour discovery and ping. DHCPv4 stays open on a network without
// IPv4: there the answer is "IPv6-only preferred" (RFC 8925).
func (w wanted) toBox() []netos.Rule {
	refuse := func(match ...netos.Stmt) netos.Rule {
		return append(netos.Rule(match), netos.Counted{Counter: cInput}, netos.Drop{})
	}
	out := []netos.Rule{
		{netos.Tracked{States: netos.StateEstablished | netos.StateRelated}, netos.Accept{}},
		{netos.IPVersion{Family: netos.FamilyIPv4}, netos.ToPort{L4: netos.UDP, Port: 67}, netos.Accept{}},
	}
	out = append(out, w.offered(netos.Drop{})...)
	out = append(out,
		netos.Rule{netos.Redirected{}, netos.Accept{}},
		refuse(netos.ToSet{Family: netos.FamilyIPv4, Set: "box4", Not: true}),
		refuse(netos.ToSet{Family: netos.FamilyIPv6, Set: "box6", Not: true}),
	)
	out = append(out, icmpRules(w.limits)...)
	return append(out,
		netos.Rule{netos.IPVersion{Family: netos.FamilyIPv6}, netos.ToPort{L4: netos.UDP, Port: 547}, netos.Accept{}},
		netos.Rule{netos.ToPort{L4: netos.UDP, Port: 53}, netos.Accept{}},
		netos.Rule{netos.ToPort{L4: netos.TCP, Port: 53}, netos.Accept{}},
		netos.Rule{netos.ToPort{L4: netos.UDP, Port: 123}, netos.Accept{}},
		netos.Rule{netos.Counted{Counter: cInput}, netos.Reject{}},
	)
}

func icmpRules(l Limits) []netos.Rule {
	var out []netos.Rule
	for _, t := range neighbourTypes {
		out = append(out, netos.Rule{netos.HopLimit{Value: 255}, netos.ICMPType{Family: netos.FamilyIPv6, Type: t}, netos.Accept{}})
	}
	for _, t := range listenerTypes {
		out = append(out, netos.Rule{netos.ICMPType{Family: netos.FamilyIPv6, Type: t}, netos.Accept{}})
	}
	for _, m := range []netos.ICMPType{{Family: netos.FamilyIPv4, Type: echoRequest4}, {Family: netos.FamilyIPv6, Type: echoRequest6}} {
		out = append(out,
			netos.Rule{m, netos.Over{Limit: l.ICMP}, netos.Counted{Counter: cICMP}, netos.Drop{}},
			netos.Rule{m, netos.Accept{}})
	}
	return out
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// broadcast is the highest address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

func ofIPv4(in []netip.Prefix) []netip.Prefix {
	return only(in, func(p netip.Prefix) bool { return p.Addr().Is4() })
}

func ofIPv6(in []netip.Prefix) []netip.Prefix {
	return only(in, func(p netip.Prefix) bool { return p.Addr().Is6() })
}

func only(in []netip.Prefix, keep func(netip.Prefix) bool) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range in {
		if keep(p) {
			out = append(out, p)
		}
	}
	return out
}
