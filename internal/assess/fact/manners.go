package fact

import (
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

func mannersSchema() []Decl {
	return []Decl{
		{"manners.unchecked", List, "own IPv6 addresses that came into use after the device was seen joining, a router had advertised their prefix since (link-local ones apart), and which it never checked by duplicate address detection"},
		{"manners.far_prefixes", List, "prefixes for self-made addresses that only advertisements with a hop limit other than 255 offered, which a host must ignore"},
		{"manners.near_used", List, "addresses that the device checked or used within prefixes that believable advertisements offered: it makes addresses of its own"},
		{"manners.far_seconds", Double, "time between the first of the advertisements of manners.far_prefixes and the last that was seen of the device's manners, in seconds"},
		{"manners.echo_whole", Int, "echo replies of the device in one IPv6 packet of more than 1280 bytes, before it was told that such packets are too big"},
		{"manners.echo_told", Int, "Packet Too Big messages with an MTU of 1280 about such a reply"},
		{"manners.echo_pieces", Int, "echo replies of more than 1280 bytes that came in pieces of at most 1280, after it was told"},
		{"manners.echo_still_whole", Int, "echo replies in one packet of more than 1280 bytes, after it was told"},
		{"manners.echo_grown", Int, "of manners.echo_still_whole, those after a reply that came in pieces"},
		{"manners.far_used", List, "addresses within manners.far_prefixes that the device checked or used"},
	}
}

// mannersLens watches whether a host follows the rules of the link (RFC 4861,
// RFC 4862).
type mannersLens struct {
	joined   bool
	near     map[netip.Prefix]bool // offered since the joining
	far      map[netip.Prefix]bool
	ever     map[netip.Prefix]bool // offered on this link at any time
	checked  map[netip.Addr]bool
	used     map[netip.Addr]*event.Event // after joining
	taken    map[netip.Addr]*event.Event // all
	offerFar Because
	farAt    time.Time
	lastAt   time.Time
	tooBig   tooBig
}

func (*mannersLens) wants() wanted {
	return wanted{
		Actor:     {event.NeighbourSolicited{}, event.AddressUsed{}, event.DHCP4{}, event.DHCP6{}, event.RouterSolicited{}, event.Ponged{}},
		Other:     {event.RouterAdvertised{}, event.ICMPError{}},
		Bystander: {event.RouterAdvertised{}},
	}
}

func (l *mannersLens) see(w *world, ev *sighting, role Role) {
	if b, ok := ev.Body.(event.RouterAdvertised); ok {
		if role != Actor {
			l.seeRouter(ev, b)
		}
		return
	}
	if b, ok := ev.Body.(event.ICMPError); ok && role == Other {
		l.tooBig.told(w, ev, b)
	}
	if role == Actor {
		l.seeOwn(ev)
	}
}

func (l *mannersLens) seeOwn(ev *sighting) {
	l.joined = l.joined || isJoining(ev.Body)
	switch b := ev.Body.(type) {
	case event.NeighbourSolicited:
		l.lastAt = ev.At
		if b.IsDAD() {
			l.take(ev, b.Target)
			keep(&l.checked, b.Target.WithZone(""), true, v6AddrLimit)
		}
	case event.AddressUsed:
		l.lastAt = ev.At
		if b.Addr.Is6() && !b.Addr.Is4In6() {
			l.take(ev, b.Addr)
			l.use(ev, b.Addr.WithZone(""))
		}
	case event.Ponged:
		l.lastAt = ev.At
		l.tooBig.answered(ev, b)
	}
}

func (l *mannersLens) seeRouter(ev *sighting, b event.RouterAdvertised) {
	const onLink = 255 // RFC 4861 section 6.1.2
	for _, p := range b.Prefixes {
		if !p.Autonomous || p.Valid <= 0 || p.Prefix.Bits() != 64 {
			continue
		}
		if b.HopLimit != onLink {
			l.offerFar.See(ev)
			if l.farAt.IsZero() {
				l.farAt = ev.At
			}
			keep(&l.far, p.Prefix.Masked(), true, linkLimit)
			continue
		}
		keep(&l.ever, p.Prefix.Masked(), true, linkLimit)
		if l.joined {
			keep(&l.near, p.Prefix.Masked(), true, linkLimit)
		}
	}
}

// use keeps an address that came into use after the joining, if it could not have
// been checked before the log began.
func (l *mannersLens) use(ev *sighting, a netip.Addr) {
	p, err := a.Prefix(64)
	if l.joined && err == nil && (l.near[p] || a.IsLinkLocalUnicast()) {
		keep(&l.used, a, ev.keep(), v6AddrLimit)
	}
}

func (l *mannersLens) take(ev *sighting, a netip.Addr) {
	keep(&l.taken, a.WithZone(""), ev.keep(), v6AddrLimit)
}

// keep adds to a bounded map what it does not hold yet.
func keep[K comparable, V any](m *map[K]V, key K, v V, limit int) {
	if _, known := (*m)[key]; known || len(*m) >= limit {
		return
	}
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = v
}

func (l *mannersLens) state(w *world, out *Sheet) {
	if w.routers[w.host] {
		return // a router sends other hosts' addresses
	}
	l.tooBig.state(out)
	l.stateOffers(out)
	var unchecked []string
	var why Because
	for _, a := range sortedAddrs(l.used) {
		if !l.checked[a] {
			unchecked = append(unchecked, a.String())
			why.Add(l.used[a])
		}
	}
	out.List("manners.unchecked", unchecked, why)
}

// stateOffers tells which of the offered prefixes it believed.
func (l *mannersLens) stateOffers(out *Sheet) {
	var far, used, near []string
	var usedWhy, nearWhy Because
	for p := range l.far {
		if !l.ever[p] {
			far = append(far, p.String())
		}
	}
	for _, a := range sortedAddrs(l.taken) {
		switch p, err := a.Prefix(64); {
		case err != nil:
		case l.ever[p]:
			near = append(near, a.String())
			nearWhy.Add(l.taken[a])
		case l.far[p]:
			used = append(used, a.String())
			usedWhy.Add(l.taken[a])
		}
	}
	slices.Sort(far)
	out.List("manners.far_prefixes", far, l.offerFar)
	out.List("manners.far_used", used, usedWhy)
	out.List("manners.near_used", near, nearWhy)
	if !l.farAt.IsZero() && l.lastAt.After(l.farAt) {
		out.Double("manners.far_seconds", l.lastAt.Sub(l.farAt).Seconds(), l.offerFar)
	}
}
