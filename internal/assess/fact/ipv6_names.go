package fact

import (
	"net/netip"
	"strings"

	"assay/internal/assess/event"
)

func ipv6NamesSchema() []Decl {
	return []Decl{
		{"ipv6.names", Int, "different names whose addresses the device asked for in clear unicast DNS after IPv6 was offered, on networks that are not known to lack or break IPv4 or IPv6"},
		{"ipv6.names_aaaa", Int, "of ipv6.names, those asked for AAAA"},
		{"ipv6.aaaa_share", Double, "ipv6.names_aaaa by ipv6.names, 0 to 1; absent without names"},
		{"ipv6.names_with_v6", Int, "of ipv6.names, those for which an answer in the log held an IPv6 address"},
		{"ipv6.names_v6_first", Int, "names with IPv6 to whose addresses the device opened its first conversation over IPv6, the AAAA answer being there"},
		{"ipv6.names_v4_first", Int, "names with IPv6 to whose addresses the device opened its first conversation over IPv4, the AAAA answer being there"},
		{"ipv6.names_v4_first_list", List, "those names"},
	}
}

// Limits of what is remembered of names.
const (
	v6NameLimit = 512  // names of one host
	v6HomeLimit = 4096 // addresses that led back to a name
)

const (
	typeA    = 1
	typeAAAA = 28
)

// familyLens watches whether a host asks for IPv6 addresses and which family it
// turns to first. It judges only what came after IPv6 was offered: before, not to
// ask for AAAA is right.
type familyLens struct {
	offered bool
	turn    int // of the stage that was last seen
	names   map[string]*v6Name
	homes   map[netip.Addr]string // the name last answered with an address
	asked   Because
	aaaa    Because
	having  Because
	first   [2]Because // by family: IPv4, IPv6
	late    []string
}

// v6Name is one name that was asked for.
type v6Name struct {
	aaaa    bool // AAAA was asked
	hasV6   bool // an answer held an IPv6 address
	visited bool // a conversation to one of its addresses was opened
}

func (*familyLens) wants() wanted {
	return wanted{
		Actor:     {event.RouterAdvertised{}, event.DNSAsked{}, event.DNSAnswered{}, event.FlowStarted{}, event.NoteSeen{}},
		Other:     {event.RouterAdvertised{}, event.NoteSeen{}},
		Bystander: {event.RouterAdvertised{}, event.NoteSeen{}},
	}
}

func (l *familyLens) see(w *world, ev *sighting, role Role) {
	l.seeTurn(w)
	if b, ok := ev.Body.(event.RouterAdvertised); ok {
		l.offered = l.offered || isOffer(ev, b, role)
		return
	}
	if role != Actor || !l.offered || !w.stage.isDual() {
		return
	}
	l.seeChoice(w, ev)
}

// seeChoice takes what the host asks and opens where it has the choice.
func (l *familyLens) seeChoice(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		l.seeAsked(ev, b)
	case event.DNSAnswered:
		l.seeAnswered(ev, b)
	case event.FlowStarted:
		if !b.Midway && w.scope(ev.Server.Addr()) == ScopeInternet {
			l.seeFlow(ev)
		}
	}
}

// seeTurn forgets the offer and the addresses of names when another network begins:
// the next one may offer no IPv6, and its addresses are learnt anew.
func (l *familyLens) seeTurn(w *world) {
	if l.turn != w.stage.turn {
		l.turn, l.offered, l.homes = w.stage.turn, false, nil
	}
}

func (l *familyLens) seeAsked(ev *sighting, b event.DNSAsked) {
	if b.Kind != event.DNSUnicast || b.Type != typeA && b.Type != typeAAAA || isLocalName(b.Name) {
		return
	}
	n, known := l.names[b.Name]
	if !known {
		if len(l.names) >= v6NameLimit {
			return
		}
		if l.names == nil {
			l.names = map[string]*v6Name{}
		}
		n = &v6Name{}
		l.names[b.Name] = n
		l.asked.See(ev)
	}
	if b.Type == typeAAAA && !n.aaaa {
		n.aaaa = true
		l.aaaa.See(ev)
	}
}

func (l *familyLens) seeAnswered(ev *sighting, b event.DNSAnswered) {
	n, known := l.names[b.Name]
	if !known || b.Kind != event.DNSUnicast {
		return
	}
	for _, r := range b.Records {
		if !r.Addr.IsValid() {
			continue
		}
		if r.Type == typeAAAA && !n.hasV6 {
			n.hasV6 = true
			l.having.See(ev)
		}
		if l.homes == nil {
			l.homes = map[netip.Addr]string{}
		}
		if _, ok := l.homes[r.Addr]; ok || len(l.homes) < v6HomeLimit {
			l.homes[r.Addr] = b.Name
		}
	}
}

// seeFlow judges the first conversation to a name. One that was opened before an
// IPv6 address was known shows no preference, and none of its later ones does.
func (l *familyLens) seeFlow(ev *sighting) {
	to := ev.Server.Addr().Unmap()
	name, ok := l.homes[to]
	if !ok {
		return
	}
	n := l.names[name]
	if n.visited {
		return
	}
	n.visited = true
	switch {
	case !n.hasV6:
	case to.Is6():
		l.first[1].See(ev)
	default:
		l.first[0].See(ev)
		if len(l.late) < RefLimit {
			l.late = append(l.late, event.Clean(strings.TrimSuffix(name, ".")))
		}
	}
}

func (l *familyLens) state(_ *world, out *Sheet) {
	aaaa, having := 0, 0
	for _, n := range l.names {
		if n.aaaa {
			aaaa++
		}
		if n.hasV6 {
			having++
		}
	}
	out.Int("ipv6.names", len(l.names), l.asked)
	out.Int("ipv6.names_aaaa", aaaa, l.aaaa)
	if len(l.names) > 0 {
		out.Double("ipv6.aaaa_share", float64(aaaa)/float64(len(l.names)), l.asked)
	}
	out.Int("ipv6.names_with_v6", having, l.having)
	out.Int("ipv6.names_v6_first", l.first[1].Seen(), l.first[1])
	out.Int("ipv6.names_v4_first", l.first[0].Seen(), l.first[0])
	out.List("ipv6.names_v4_first_list", l.late, l.first[0])
}

// isLocalName says that a name is of the local network and so no measure of the
// device's way to the internet.
func isLocalName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if !strings.Contains(name, ".") {
		return true
	}
	for _, zone := range []string{".local", ".lan", ".home.arpa", ".internal", ".localdomain", ".in-addr.arpa", ".ip6.arpa"} {
		if strings.HasSuffix(name, zone) {
			return true
		}
	}
	return false
}
