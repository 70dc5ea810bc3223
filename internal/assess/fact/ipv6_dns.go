package fact

import (
	"net/netip"

	"assay/internal/assess/event"
)

func ipv6DNSSchema() []Decl {
	return []Decl{
		{"rdnss.offered", List, "DNS servers that routers advertised while the device was there"},
		{"rdnss.by_dhcp6", List, "DNS servers that DHCPv6 told the device"},
		{"rdnss.by_dhcp4", List, "DNS servers that DHCPv4 told the device"},
		{"rdnss.queries", Int, "DNS questions to a server that a router advertised and, in the same network, no DHCPv6 answer named"},
		{"rdnss.queries_shared", Int, "DNS questions to a server that both a router and DHCPv6 named"},
		{"rdnss.queries_dhcp6", Int, "DNS questions to a server that only DHCPv6 named"},
		{"rdnss.queries_v6", Int, "DNS questions over IPv6, to whatever server"},
		{"rdnss.queries_v4", Int, "DNS questions over IPv4, to whatever server"},
	}
}

// rdnssLimit bounds each list of servers.
const rdnssLimit = 32

// rdnssLens watches whether a host uses the DNS servers of the router's
// advertisement (RFC 8106).
type rdnssLens struct {
	offered, dhcp6, dhcp4 addrSet
	// named are the servers of the network that is offered now, by who named them.
	named map[netip.Addr]rdnssSource
	turn  int // of the stage that was last seen
	// router, shared and dhcp are questions in earlier networks.
	router, shared, dhcp, past Because
	asked                      map[netip.Addr]*Because // questions by server
	others                     Because                 // over IPv6, to servers beyond the limit
	v4                         Because
}

// rdnssSource says who named a server.
type rdnssSource struct{ router, dhcp6 bool }

// addrSet is a bounded set of addresses with its evidence.
type addrSet struct {
	known   map[netip.Addr]bool
	because Because
}

func (s *addrSet) add(ev *sighting, addrs []netip.Addr) {
	for _, a := range addrs {
		if a = a.WithZone(""); s.known[a] || len(s.known) >= rdnssLimit || !a.IsValid() {
			continue
		}
		if s.known == nil {
			s.known = map[netip.Addr]bool{}
		}
		s.known[a] = true
		s.because.See(ev)
	}
}

func (s *addrSet) list() []string {
	var out []string
	for _, a := range sortedAddrs(s.known) {
		out = append(out, a.String())
	}
	return out
}

func (*rdnssLens) wants() wanted {
	return wanted{
		Actor:     {event.DHCP4{}, event.DHCP6{}, event.DNSAsked{}, event.NoteSeen{}},
		Other:     {event.RouterAdvertised{}, event.NoteSeen{}},
		Bystander: {event.RouterAdvertised{}, event.NoteSeen{}},
	}
}

func (l *rdnssLens) see(w *world, ev *sighting, role Role) {
	if l.turn != w.stage.turn {
		l.turn = w.stage.turn
		l.router, l.shared, l.dhcp, l.past = l.sums()
		l.asked, l.named = nil, nil
	}
	if role == Actor {
		l.seeOwn(ev)
		return
	}
	if b, ok := ev.Body.(event.RouterAdvertised); ok && b.HopLimit == 255 {
		l.offered.add(ev, b.RDNSS)
		l.name(b.RDNSS, rdnssSource{router: true})
	}
}

// seeOwn takes what a host asks and what DHCP tells it.
func (l *rdnssLens) seeOwn(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DHCP4:
		if b.FromServer {
			l.dhcp4.add(ev, b.DNS)
		}
	case event.DHCP6:
		if b.FromServer {
			l.dhcp6.add(ev, b.DNS)
			l.name(b.DNS, rdnssSource{dhcp6: true})
		}
	case event.DNSAsked:
		if b.Kind == event.DNSUnicast {
			l.seeAsked(ev)
		}
	}
}

// name remembers who named servers in the network that is offered now.
func (l *rdnssLens) name(servers []netip.Addr, by rdnssSource) {
	for _, a := range servers {
		a = a.WithZone("")
		known, ok := l.named[a]
		if !a.IsValid() || !ok && len(l.named) >= rdnssLimit {
			continue
		}
		if l.named == nil {
			l.named = map[netip.Addr]rdnssSource{}
		}
		l.named[a] = rdnssSource{known.router || by.router, known.dhcp6 || by.dhcp6}
	}
}

func (l *rdnssLens) seeAsked(ev *sighting) {
	to := ev.Server.Addr().WithZone("")
	if !to.Is6() || to.Is4In6() {
		l.v4.See(ev)
		return
	}
	b, known := l.asked[to]
	if !known {
		if len(l.asked) >= rdnssLimit {
			l.others.See(ev)
			return
		}
		if l.asked == nil {
			l.asked = map[netip.Addr]*Because{}
		}
		b = &Because{}
		l.asked[to] = b
	}
	b.See(ev)
}

func (l *rdnssLens) state(_ *world, out *Sheet) {
	out.List("rdnss.offered", l.offered.list(), l.offered.because)
	out.List("rdnss.by_dhcp6", l.dhcp6.list(), l.dhcp6.because)
	out.List("rdnss.by_dhcp4", l.dhcp4.list(), l.dhcp4.because)
	router, shared, dhcp, all := l.sums()
	all.Join(l.others)
	out.Int("rdnss.queries", router.Seen(), router)
	out.Int("rdnss.queries_shared", shared.Seen(), shared)
	out.Int("rdnss.queries_dhcp6", dhcp.Seen(), dhcp)
	out.Int("rdnss.queries_v6", all.Seen(), all)
	out.Int("rdnss.queries_v4", l.v4.Seen(), l.v4)
}

// sums counts the questions by who named the server in the network in which it was
// asked.
func (l *rdnssLens) sums() (router, shared, dhcp, all Because) {
	router, shared, dhcp, all = l.router, l.shared, l.dhcp, l.past
	for _, to := range sortedAddrs(l.asked) {
		b := *l.asked[to]
		all.Join(b)
		switch by := l.named[to]; {
		case by.router && by.dhcp6:
			shared.Join(b)
		case by.router:
			router.Join(b)
		case by.dhcp6:
			dhcp.Join(b)
		}
	}
	return router, shared, dhcp, all
}
