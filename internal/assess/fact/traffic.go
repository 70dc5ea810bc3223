package fact

import (
	"net/netip"
	"time"

	"assay/internal/assess/event"
)

func trafficSchema() []Decl {
	return []Decl{
		{"traffic.plan_seen", Bool, "the log tells which addresses are the device's: a lease, a DHCPv6 answer, a prefix of a router, or ARP for its own address"},
		{"traffic.foreign_sources", List, "source addresses of the device's packets that lie outside the local network and that it never leased, claimed or checked, used after it had an address of its own"},
		{"traffic.forwards", Bool, "the device passes on other hosts' traffic (router, bridge or address translation), so foreign addresses are no proof of forgery"},
		{"traffic.lan_scan", Int, "most local hosts to which it opened TCP conversations on one port within one minute"},
		{"traffic.far_scan", Int, "most internet hosts to which it opened TCP conversations on one port within one minute"},
		{"traffic.port_scan", Int, "most ports of one host to which it opened TCP conversations within one minute"},
		{"traffic.arp_sweep", Int, "most local addresses that it looked up by ARP within one minute"},
	}
}

// foreignLimit is how many foreign source addresses of one host are told apart.
const foreignLimit = 64

// trafficLens looks for forged sources and for scans.
type trafficLens struct {
	claimed  map[netip.Addr]bool // leased, announced or checked by the host
	plan     Because
	settled  [2]bool // it has an address of its own, by family: IPv4, IPv6
	foreign  map[netip.Addr]*event.Event
	forwards Because
	lan, far sweep
	arp      sweep
}

func (*trafficLens) wants() wanted {
	return wanted{
		Actor: {
			event.RouterAdvertised{}, event.FlowStarted{}, event.FlowEstablished{}, event.DHCP4{},
			event.DHCP6{}, event.ARPSeen{}, event.NeighbourSolicited{}, event.NeighbourAdvertised{},
			event.AddressUsed{},
		},
		Other:     {event.RouterAdvertised{}, event.FlowStarted{}},
		Bystander: {event.RouterAdvertised{}},
	}
}

func (l *trafficLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.RouterAdvertised:
		l.seeRouter(ev, b, role)
	case event.FlowStarted:
		l.seeFlow(w, ev, b, role)
	case event.FlowEstablished:
		if _, foreign := l.foreign[ev.Client.Addr()]; role == Actor && foreign {
			l.forwards.See(ev) // answers came back through it: it routes
		}
	default:
		if role == Actor {
			l.seeClaims(w, ev)
		}
	}
}

func (l *trafficLens) seeRouter(ev *sighting, b event.RouterAdvertised, role Role) {
	switch {
	case role == Actor:
		l.forwards.See(ev)
	case b.HopLimit == 255 && len(b.Prefixes) > 0:
		l.plan.See(ev)
	}
}

// seeClaims gathers the addresses that the host makes known as its own, in the
// ways in which a host does so before it uses them.
func (l *trafficLens) seeClaims(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DHCP4:
		l.seeLease(ev, b)
	case event.DHCP6:
		l.claim(ev, b.Addresses...)
	case event.ARPSeen:
		l.claim(ev, b.Sender)
		if !b.Reply && !b.IsAnnouncement() {
			l.arp.add(ev, netip.AddrPortFrom(b.Target, 0))
		}
	case event.NeighbourSolicited:
		l.claim(ev, b.From)
		if b.IsDAD() {
			l.claim(ev, b.Target)
		}
	case event.NeighbourAdvertised:
		l.claim(ev, b.Target)
	case event.AddressUsed:
		l.seeSource(w, ev, b.Addr)
	}
}

// seeLease takes the address that a server acknowledged, or that the host says it
// has.
func (l *trafficLens) seeLease(ev *sighting, b event.DHCP4) {
	const ack = 5
	switch {
	case !b.FromServer:
		l.claim(ev, b.ClientAt)
	case b.Type == ack:
		l.claim(ev, b.YourAddr)
		l.claim(ev, b.ClientAt)
	}
}

func (l *trafficLens) claim(ev *sighting, addrs ...netip.Addr) {
	for _, a := range addrs {
		l.claimOne(ev, a)
	}
}

func (l *trafficLens) claimOne(ev *sighting, a netip.Addr) {
	if !a.IsValid() || a.IsUnspecified() || len(l.claimed) >= addrLimit {
		return
	}
	if l.claimed == nil {
		l.claimed = map[netip.Addr]bool{}
	}
	if !l.claimed[a] {
		l.claimed[a] = true
		l.plan.See(ev)
	}
	if !a.IsLinkLocalUnicast() {
		l.settled[family(a)] = true
	}
}

// family is 0 for IPv4 and 1 for IPv6.
func family(a netip.Addr) int {
	if a.Is4() || a.Is4In6() {
		return 0
	}
	return 1
}

// seeSource notes a source outside of the local network. What was used before
// the host had an address may be left over from another network.
func (l *trafficLens) seeSource(w *world, ev *sighting, a netip.Addr) {
	near := a.IsUnspecified() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast()
	if near || l.isOwn(w, a) || !l.settled[family(a)] || len(l.foreign) >= foreignLimit {
		return
	}
	if l.foreign == nil {
		l.foreign = map[netip.Addr]*event.Event{}
	}
	l.foreign[a] = ev.keep()
}

// isOwn says that an address is the host's or may well be: a neighbour of one
// that it claimed is taken for an older address of its own.
func (l *trafficLens) isOwn(w *world, a netip.Addr) bool {
	if l.claimed[a] || w.isOnLink(a) {
		return true
	}
	near := [2]int{24, 64}[family(a)]
	for c := range l.claimed {
		if p, err := c.Prefix(near); err == nil && p.Contains(a) {
			return true
		}
	}
	return false
}

func (l *trafficLens) seeFlow(w *world, ev *sighting, b event.FlowStarted, role Role) {
	to := ev.Server.Addr()
	far := w.scope(to) == ScopeInternet
	if role == Other {
		if far && !l.isOwn(w, to) {
			l.forwards.See(ev) // an internet host is reached through it
		}
		return
	}
	if role != Actor || b.Transport != event.TCP || b.Midway {
		return
	}
	switch {
	case far:
		l.far.add(ev, ev.Server)
	case w.scope(to) == ScopeLocal || w.scope(to) == ScopeLinkLocal:
		l.lan.add(ev, ev.Server)
	}
}

func (l *trafficLens) state(w *world, out *Sheet) {
	var list []string
	var because Because
	for _, a := range sortedAddrs(l.foreign) {
		if !l.isOwn(w, a) {
			list = append(list, a.String())
			because.Add(l.foreign[a])
		}
	}
	out.Bool("traffic.plan_seen", l.plan.Seen() > 0, l.plan)
	out.List("traffic.foreign_sources", list, because)
	out.Bool("traffic.forwards", l.forwards.Seen() > 0 || w.routers[w.host], l.forwards)
	out.Int("traffic.lan_scan", l.lan.most, l.lan.because)
	out.Int("traffic.far_scan", l.far.most, l.far.because)
	scan := &l.lan
	if l.far.ports > scan.ports {
		scan = &l.far
	}
	out.Int("traffic.port_scan", scan.ports, scan.portsOf)
	out.Int("traffic.arp_sweep", l.arp.most, l.arp.because)
}

// sweep counts how many different hosts were met at one port, and ports at one
// host, within a minute, at most. It remembers sweepLimit meetings: more than any rule asks about.
type sweep struct {
	meetings []meeting // of the last minute, oldest first
	hosts    map[netip.AddrPort]int
	perPort  map[uint16]int     // different hosts
	perHost  map[netip.Addr]int // different ports
	most     int
	because  Because // of the busiest minute so far, its first meetings
	ports    int     // of one host, met within a minute, at most
	portsOf  Because
}

type meeting struct {
	at    time.Time
	whom  netip.AddrPort
	event *event.Event
}

const (
	sweepLimit  = 1024
	sweepWindow = time.Minute
)

func (b *sweep) add(ev *sighting, whom netip.AddrPort) {
	if b.hosts == nil {
		b.hosts, b.perPort, b.perHost = map[netip.AddrPort]int{}, map[uint16]int{}, map[netip.Addr]int{}
	}
	b.forget(ev.At.Add(-sweepWindow))
	if len(b.meetings) >= sweepLimit {
		b.drop()
	}
	b.meetings = append(b.meetings, meeting{ev.At, whom, ev.keep()})
	if b.hosts[whom]++; b.hosts[whom] == 1 {
		b.perPort[whom.Port()]++
		b.perHost[whom.Addr()]++
	}
	if n := b.perPort[whom.Port()]; n > b.most {
		b.most = n
		b.because = b.evidence(func(w netip.AddrPort) bool { return w.Port() == whom.Port() })
	}
	if n := b.perHost[whom.Addr()]; n > b.ports {
		b.ports = n
		b.portsOf = b.evidence(func(w netip.AddrPort) bool { return w.Addr() == whom.Addr() })
	}
}

func (b *sweep) forget(before time.Time) {
	for len(b.meetings) > 0 && !b.meetings[0].at.After(before) {
		b.drop()
	}
}

// drop takes the oldest meeting out.
func (b *sweep) drop() {
	whom := b.meetings[0].whom
	b.meetings = b.meetings[1:]
	if b.hosts[whom]--; b.hosts[whom] > 0 {
		return
	}
	delete(b.hosts, whom)
	if b.perHost[whom.Addr()]--; b.perHost[whom.Addr()] == 0 {
		delete(b.perHost, whom.Addr())
	}
	if b.perPort[whom.Port()]--; b.perPort[whom.Port()] == 0 {
		delete(b.perPort, whom.Port())
	}
}

// evidence gathers the meetings of one kind, each far end once.
func (b *sweep) evidence(of func(netip.AddrPort) bool) Because {
	var out Because
	met := map[netip.AddrPort]bool{}
	for _, m := range b.meetings {
		if of(m.whom) && !met[m.whom] {
			met[m.whom] = true
			out.Add(m.event)
		}
	}
	return out
}
