package fact

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

func ipv6Schema() []Decl {
	return []Decl{
		{"ipv6.offered", Bool, "a router advertised a global IPv6 prefix for self-made addresses while the device was there"},
		{"ipv6.offered_minutes", Double, "minutes from that first advertisement to the device's last frame, in each network for itself and summed up; 0 without one"},
		{"ipv6.join_seen", Bool, "the log holds the device joining: DHCP DISCOVER or REQUEST without an address of its own, SOLICIT, router solicitation or address detection"},
		{"ipv6.seen", Bool, "the device sent at least one IPv6 packet"},
		{"ipv6.link_local", List, "the device's link-local addresses"},
		{"ipv6.ula", List, "the device's unique local addresses"},
		{"ipv6.global", List, "the device's global addresses, used as a source or checked by duplicate address detection"},
		{"ipv6.global_used", List, "of ipv6.global, those seen as the source of a packet"},
		{"ipv6.global_by_dhcp", List, "of ipv6.global, those that a DHCPv6 server gave"},
		{"ipv6.reveal_link_local", List, "link-local addresses that contain the MAC address of the frames (EUI-64 or plain)"},
		{"ipv6.reveal_global", List, "global addresses that contain the MAC address of the frames"},
		{"ipv6.reveal_internet", Int, "conversations to the internet from a global address that contains the MAC address of the frames"},
		{"ipv6.mac_like", List, "addresses shaped like EUI-64 of a MAC address that is not the one of the frames"},
		{"ipv6.opaque_internet", Int, "conversations to the internet from a self-made global address that shows no MAC address"},
		{"ipv6.mac_is_local", Bool, "the MAC address of the frames is marked as locally administered (randomised or set by software)"},
		{"ipv6.internet_flows", Int, "conversations to the internet over IPv6, DNS included"},
		{"ipv6.internet_answered", Int, "of ipv6.internet_flows, those that were answered"},
		{"ipv6.internet_data", Int, "conversations over IPv6 to the internet, DNS left out, in which both sides sent data"},
		{"ipv6.byte_share", Double, "share of the payload bytes exchanged with the internet that went over IPv6, on networks that are not known to lack or break one of the two; absent without any"},
		{"ipv6.dual_data", Int, "of ipv6.internet_data, those on such networks"},
		{"ipv6.detected", List, "addresses that the device checked by duplicate address detection"},
		{"ipv6.mld_version", Int, "highest version of the device's multicast listener reports, 0 for none"},
	}
}

// v6AddrLimit is how many IPv6 addresses of one host are kept apart.
const v6AddrLimit = 64

// v6Addr is what is known of one own IPv6 address.
type v6Addr struct {
	source, detected, byDHCP bool
	because                  Because
}

// ipv6Lens watches which addresses a host makes itself and how it uses them.
type ipv6Lens struct {
	addrs    map[netip.Addr]*v6Addr
	seen     Because
	join     Because
	offer    Because
	offered  time.Time     // in the network that is offered now, zero without an offer
	had      time.Duration // of the offers in earlier networks
	turn     int           // of the stage that was last seen
	mld      Because
	version  int
	reveal   Because
	opaque   Because
	flows    Because
	answered Because
	data     Because
	dual     Because
	bytes    [2]uint64 // exchanged with the internet over IPv4 and IPv6 where both work
}

func (*ipv6Lens) wants() wanted {
	return wanted{
		Actor: {
			event.RouterAdvertised{}, event.DHCP4{}, event.DHCP6{}, event.AddressUsed{},
			event.RouterSolicited{}, event.NeighbourSolicited{}, event.GroupsReported{}, event.FlowStarted{},
			event.FlowEstablished{}, event.FlowEnded{}, event.NoteSeen{},
		},
		Other:     {event.RouterAdvertised{}, event.FlowEnded{}, event.NoteSeen{}},
		Bystander: {event.RouterAdvertised{}, event.NoteSeen{}},
	}
}

func (l *ipv6Lens) see(w *world, ev *sighting, role Role) {
	l.seeTurn(w)
	if b, ok := ev.Body.(event.RouterAdvertised); ok {
		l.seeRouter(ev, b, role)
		return
	}
	if b, ok := ev.Body.(event.FlowEnded); ok {
		l.seeEnd(w, ev, b, role)
	}
	if role != Actor {
		return
	}
	if isJoining(ev.Body) {
		l.join.See(ev)
	}
	l.seeLink(ev)
	l.seeTalk(w, ev)
}

// seeLink takes what a host says on its link.
func (l *ipv6Lens) seeLink(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DHCP6:
		l.seeDHCP(ev, b)
	case event.AddressUsed:
		l.seeUsed(ev, b.Addr)
	case event.NeighbourSolicited:
		l.seen.See(ev)
		if b.IsDAD() {
			l.note(ev, b.Target, func(a *v6Addr) { a.detected = true })
		}
	case event.RouterSolicited:
		l.seen.See(ev)
	case event.GroupsReported:
		if b.V6 {
			l.seen.See(ev)
			l.mld.See(ev)
			l.version = max(l.version, b.Version)
		}
	}
}

// seeTalk takes what a host does over its conversations.
func (l *ipv6Lens) seeTalk(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.FlowStarted:
		if !b.Guessed {
			l.seeFlow(w, ev)
		}
	case event.FlowEstablished:
		if !b.Guessed && isFarV6(w, ev.Server.Addr()) {
			l.answered.See(ev)
		}
	}
}

// seeTurn ends the offer of IPv6 when another network begins: what was offered in
// one says nothing of how long the device had an offer in the next.
func (l *ipv6Lens) seeTurn(w *world) {
	if l.turn == w.stage.turn {
		return
	}
	l.turn = w.stage.turn
	l.had += l.span(w)
	l.offered = time.Time{}
}

// span is how long the device has had the offer of the network that is offered now.
func (l *ipv6Lens) span(w *world) time.Duration {
	if l.offered.IsZero() {
		return 0
	}
	return max(0, w.lastSeen.Sub(l.offered))
}

// seeRouter believes an advertisement that came from this link (RFC 4861 section
// 6.1.2), was meant for this host and offers a global prefix for self-made
// addresses (RFC 4862 section 5.5.3).
func (l *ipv6Lens) seeRouter(ev *sighting, b event.RouterAdvertised, role Role) {
	if !isOffer(ev, b, role) {
		return
	}
	if l.offered.IsZero() {
		l.offered = ev.At
	}
	l.offer.See(ev)
}

// isOffer says that an advertisement offers IPv6 to the host that sees it in role.
func isOffer(ev *sighting, b event.RouterAdvertised, role Role) bool {
	if !isForHost(ev, b, role) {
		return false
	}
	return slices.ContainsFunc(b.Prefixes, func(p event.AdvertisedPrefix) bool {
		return p.Autonomous && p.Valid > 0 && p.Prefix.Bits() == 64 && isGlobal(p.Prefix.Addr())
	})
}

// isForHost says that an advertisement came from this link and was meant for the
// host that sees it in role.
func isForHost(ev *sighting, b event.RouterAdvertised, role Role) bool {
	forAll := role == Bystander && (ev.Peer.IsZero() || ev.Peer.IsGroup())
	return b.HopLimit == 255 && (role == Other || forAll)
}

func (l *ipv6Lens) seeDHCP(ev *sighting, b event.DHCP6) {
	if !b.FromServer {
		l.seen.See(ev)
		return
	}
	for _, a := range b.Addresses {
		l.note(ev, a, func(known *v6Addr) { known.byDHCP = true })
	}
}

// isJoining says that a host does what it does only when it comes onto a link. A
// DHCP renewal carries the address that it has, and is none.
func isJoining(body event.Body) bool {
	switch b := body.(type) {
	case event.DHCP4:
		return !b.FromServer && isFresh(b)
	case event.DHCP6:
		return !b.FromServer && b.Type == 1
	case event.RouterSolicited:
		return true
	case event.NeighbourSolicited:
		return b.IsDAD()
	default:
		return false
	}
}

func isFresh(b event.DHCP4) bool {
	const discover, request = 1, 3
	hasAddress := b.ClientAt.IsValid() && !b.ClientAt.IsUnspecified()
	return b.Type == discover || b.Type == request && !hasAddress
}

func (l *ipv6Lens) seeUsed(ev *sighting, a netip.Addr) {
	if !a.Is6() || a.Is4In6() {
		return
	}
	l.seen.See(ev)
	l.note(ev, a, func(known *v6Addr) { known.source = true })
}

func (l *ipv6Lens) seeFlow(w *world, ev *sighting) {
	if !isFarV6(w, ev.Server.Addr()) {
		return
	}
	l.flows.See(ev)
	from := ev.Client.Addr()
	known, own := l.addrs[from]
	switch {
	case !isGlobal(from):
	case revealsMAC(from, w.host):
		l.reveal.See(ev)
	case !isEUI64(from) && own && !known.byDHCP:
		l.opaque.See(ev)
	}
}

// seeEnd counts what was exchanged with the internet. Where who opened the
// conversation is a guess it counts for both ends: the data went over IPv6 anyway.
func (l *ipv6Lens) seeEnd(w *world, ev *sighting, b event.FlowEnded, role Role) {
	mine, to := ends(ev, role)
	counts := role == Actor || role == Other && b.Guessed && w.isOwnEnd(mine)
	if !counts || w.scope(to) != ScopeInternet {
		return
	}
	f := family(to)
	isData := f == 1 && holdsData(ev, b)
	if isData {
		l.data.See(ev)
	}
	if w.stage.isDual() {
		l.seeDual(ev, b, f, isData)
	}
}

// holdsData says that both ends of a conversation sent something that is not DNS.
func holdsData(ev *sighting, b event.FlowEnded) bool {
	isDNS := b.Protocol == "dns" || ev.Server.Port() == 53
	return !isDNS && min(b.Client.Bytes, b.Server.Bytes) > 0
}

// seeDual counts what was exchanged where both IPv4 and IPv6 are there.
func (l *ipv6Lens) seeDual(ev *sighting, b event.FlowEnded, family int, isData bool) {
	l.bytes[family] += b.Client.Bytes + b.Server.Bytes
	if isData {
		l.dual.See(ev)
	}
}

// note keeps a trait of one own address.
func (l *ipv6Lens) note(ev *sighting, a netip.Addr, set func(*v6Addr)) {
	a = a.WithZone("")
	if !a.Is6() || a.IsUnspecified() || a.IsMulticast() {
		return
	}
	if l.addrs == nil {
		l.addrs = map[netip.Addr]*v6Addr{}
	}
	known, ok := l.addrs[a]
	if !ok {
		if len(l.addrs) >= v6AddrLimit {
			return
		}
		known = &v6Addr{}
		l.addrs[a] = known
	}
	set(known)
	if known.because.Seen() < 2 {
		known.because.See(ev)
	}
}

func (l *ipv6Lens) state(w *world, out *Sheet) {
	out.Bool("ipv6.offered", l.offer.Seen() > 0, l.offer)
	out.Double("ipv6.offered_minutes", (l.had + l.span(w)).Minutes(), l.offer)
	out.Bool("ipv6.join_seen", l.join.Seen() > 0, l.join)
	out.Bool("ipv6.seen", l.seen.Seen() > 0, l.seen)
	out.Int("ipv6.mld_version", l.version, l.mld)
	if w.routers[w.host] {
		return // a router sends other hosts' addresses, which say nothing of its own
	}
	l.stateAddrs(w, out)
	l.stateUse(w, out)
}

func (l *ipv6Lens) stateUse(w *world, out *Sheet) {
	out.Int("ipv6.internet_flows", l.flows.Seen(), l.flows)
	out.Int("ipv6.internet_answered", l.answered.Seen(), l.answered)
	out.Int("ipv6.internet_data", l.data.Seen(), l.data)
	out.Int("ipv6.dual_data", l.dual.Seen(), l.dual)
	if all := l.bytes[0] + l.bytes[1]; all > 0 {
		out.Double("ipv6.byte_share", float64(l.bytes[1])/float64(all), l.data)
	}
	mac, named := w.host.MAC()
	if !named {
		return // without link-layer addresses nothing can be compared
	}
	out.Bool("ipv6.mac_is_local", mac[0]&2 != 0, l.seen)
	out.Int("ipv6.reveal_internet", l.reveal.Seen(), l.reveal)
	out.Int("ipv6.opaque_internet", l.opaque.Seen(), l.opaque)
}

// stateAddrs lists the own addresses by what they are.
func (l *ipv6Lens) stateAddrs(w *world, out *Sheet) {
	l.list(out, "ipv6.link_local", func(a netip.Addr, k *v6Addr) bool { return k.own() && a.IsLinkLocalUnicast() })
	l.list(out, "ipv6.ula", func(a netip.Addr, k *v6Addr) bool { return k.own() && a.IsPrivate() })
	l.list(out, "ipv6.global", func(a netip.Addr, k *v6Addr) bool { return k.own() && isGlobal(a) })
	l.list(out, "ipv6.global_used", func(a netip.Addr, k *v6Addr) bool { return k.source && isGlobal(a) })
	l.list(out, "ipv6.global_by_dhcp", func(a netip.Addr, k *v6Addr) bool { return k.own() && k.byDHCP && isGlobal(a) })
	l.list(out, "ipv6.detected", func(_ netip.Addr, k *v6Addr) bool { return k.detected })
	if _, named := w.host.MAC(); named {
		l.stateReveals(w.host, out)
	}
}

// stateReveals lists the own addresses that show a link-layer address.
func (l *ipv6Lens) stateReveals(host event.HostID, out *Sheet) {
	reveals := func(a netip.Addr, k *v6Addr) bool { return k.own() && revealsMAC(a, host) }
	l.list(out, "ipv6.reveal_link_local", func(a netip.Addr, k *v6Addr) bool { return reveals(a, k) && a.IsLinkLocalUnicast() })
	l.list(out, "ipv6.reveal_global", func(a netip.Addr, k *v6Addr) bool { return reveals(a, k) && isGlobal(a) })
	l.list(out, "ipv6.mac_like", func(a netip.Addr, k *v6Addr) bool { return k.own() && isEUI64(a) && !reveals(a, k) })
}

func (l *ipv6Lens) list(out *Sheet, key string, in func(netip.Addr, *v6Addr) bool) {
	list, because := l.pick(in)
	out.List(key, list, because)
}

func (l *ipv6Lens) pick(in func(netip.Addr, *v6Addr) bool) ([]string, Because) {
	var list []string
	var because Because
	for _, a := range sortedAddrs(l.addrs) {
		if known := l.addrs[a]; in(a, known) {
			list = append(list, a.String())
			because.Join(known.because)
		}
	}
	return list, because
}

// own says that the host itself was seen with the address, not only offered it.
func (k *v6Addr) own() bool { return k.source || k.detected }

// isGlobal reports a global unicast address (2000::/3, RFC 4291 section 2.4).
func isGlobal(a netip.Addr) bool {
	return a.Is6() && a.As16()[0]>>5 == 1
}

func isFarV6(w *world, a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && w.scope(a) == ScopeInternet
}

// isEUI64 reports an interface identifier with the ff:fe of a modified EUI-64
// (RFC 4291 appendix A).
func isEUI64(a netip.Addr) bool {
	b := a.As16()
	return b[11] == 0xff && b[12] == 0xfe
}

// revealsMAC says that the interface identifier holds the host's link-layer
// address, as modified EUI-64 or as it is.
func revealsMAC(a netip.Addr, host event.HostID) bool {
	mac, ok := host.MAC()
	if !ok {
		return false
	}
	b := a.As16()
	eui := [8]byte{mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}
	return [8]byte(b[8:]) == eui || bytes.Contains(b[8:], mac[:])
}
