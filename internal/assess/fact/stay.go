package fact

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// Limits of what is kept of one host in one network.
const (
	stayNameLimit = 512  // names
	stayEndLimit  = 512  // destinations
	stayHomeLimit = 4096 // addresses that led back to a name
	stayFlowLimit = 4096 // open conversations
)

// wellKnownNAT64 is the prefix that every NAT64 may use (RFC 6052 section 2.1).
var wellKnownNAT64 = netip.MustParsePrefix("64:ff9b::/96")

// stayLens compares what a host does in the networks that the box offers one after
// the other. Without the box's notes there is nothing to compare.
type stayLens struct {
	turn  int
	here  *stay            // in the network that is offered now; nil when nobody says which
	stays map[string]*stay // by network
	homes map[netip.Addr]string
	flows map[event.FlowID]*stayFlow
	nat64 []netip.Prefix // advertised, of 96 bits
	steps int            // of the stage, when it was last seen
	broke broken
	mild  mostly
}

// stay is what a host did in one network, in all times that it was there.
type stay struct {
	visit                    visit
	had                      time.Duration // of earlier visits
	fresh                    int           // fresh starts that the packets show, too
	joins                    joinings
	offered, managed, other  Because // advertisements: of a prefix for own addresses, M without one, O
	joined, solicited        Because
	global, used4, leased    Because
	down, dns6, data         Because
	flows, answered          Because
	asks4, asks6             Because // questions for A and AAAA
	info, infoAnswered       Because // INFORMATION-REQUESTs for DNS servers, and replies
	wanted, given, givenUsed Because // addresses by DHCPv6
	leases                   map[netip.Addr]bool
	infoXID                  uint32
	bytes                    uint64
	names                    map[string]*stayName
	ends                     map[string]*stayEnd
	crowded                  bool
}

// visit is one uninterrupted time in a network.
type visit struct {
	first  time.Time // the host's first frame, zero before it
	steps  int       // steps of the plan that made it start afresh
	joined bool
}

// stayName is a name that the host asked for.
type stayName struct {
	a, aaaa, answered, has4, has6 bool
}

// stayEnd is a destination that the host tried.
type stayEnd struct {
	label          string
	name           string // "" for an address
	boots          map[int]bool
	answered, data bool
	translated     bool // by NAT64
	translatedTry  bool
	native         bool // tried at an IPv6 address of its own
	after          time.Duration
	because        Because
}

// stayFlow is an open conversation with the stay in which it began.
type stayFlow struct {
	in   *stay
	boot int
	to   netip.AddrPort
	name string
	at   time.Duration // after the host's first frame of the visit
	done bool          // answered
}

func (*stayLens) wants() wanted {
	return wanted{
		Actor: {
			event.NoteSeen{}, event.RouterAdvertised{}, event.RouterSolicited{}, event.NeighbourSolicited{}, event.AddressUsed{},
			event.DHCP4{}, event.DHCP6{}, event.DNSAsked{}, event.DNSAnswered{}, event.FlowStarted{}, event.FlowEstablished{},
			event.FlowEnded{}, event.ClientHello{},
		},
		Other:     {event.NoteSeen{}, event.RouterAdvertised{}},
		Bystander: {event.NoteSeen{}, event.RouterAdvertised{}},
	}
}

func (l *stayLens) see(w *world, ev *sighting, role Role) {
	l.seeTurn(w, ev)
	if l.here == nil {
		return
	}
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		if w.stage.down {
			l.here.down.See(ev)
		}
		return
	case event.RouterAdvertised:
		l.seeRouter(ev, b, role)
		return
	}
	if role != Actor {
		return
	}
	l.here.seePresent(w, ev)
	switch ev.Body.(type) {
	case event.DNSAsked, event.FlowStarted:
		l.here.seeAddress(ev, ev.Client.Addr()) // AddressUsed tells an address once in a log
	}
	l.seeNames(ev)
	l.seeLink(ev)
	l.seeFlows(w, ev)
}

// seeTurn follows the network that is offered.
func (l *stayLens) seeTurn(w *world, ev *sighting) {
	if l.turn != w.stage.turn {
		l.turn, l.steps = w.stage.turn, 0
		l.here.leave(w.stage.since)
		l.broke.leave(w.stage.since)
		l.mild.active, l.homes = false, nil
		l.here = l.stay(w.stage.code)
		if w.stage.down {
			l.here.down.See(ev)
		}
	}
	if l.here != nil && l.steps != w.stage.step {
		l.here.visit.steps += w.stage.step - l.steps
		l.steps = w.stage.step
	}
}

func (l *stayLens) stay(code string) *stay {
	s, ok := l.stays[code]
	if !ok {
		if l.stays == nil {
			l.stays = map[string]*stay{}
		}
		s = &stay{}
		l.stays[code] = s
	}
	return s
}

// leave ends a visit: its time is added up, and its fresh starts count when the
// host was seen joining.
func (s *stay) leave(at time.Time) {
	if s == nil {
		return
	}
	s.had, s.fresh = s.lasted(at), s.starts()
	s.visit = visit{}
}

// lasted is how long the host was in the network, until now.
func (s *stay) lasted(now time.Time) time.Duration {
	if s.visit.first.IsZero() {
		return s.had
	}
	return s.had + max(0, now.Sub(s.visit.first))
}

// starts counts the fresh starts that the box noted and the packets show.
func (s *stay) starts() int {
	if !s.visit.joined {
		return s.fresh
	}
	return s.fresh + s.visit.steps
}

func (s *stay) seePresent(w *world, ev *sighting) {
	if s.visit.first.IsZero() {
		s.visit.first = ev.At
	}
	s.joins.see(w, ev)
	if isJoining(ev.Body) {
		s.visit.joined = true
		s.joined.See(ev)
	}
}

func (l *stayLens) seeRouter(ev *sighting, b event.RouterAdvertised, role Role) {
	if !isForHost(ev, b, role) {
		return
	}
	s := l.here
	for _, p := range b.PREF64 {
		if p.Bits() == 96 && len(l.nat64) < rdnssLimit {
			l.nat64 = append(l.nat64, p.Masked())
		}
	}
	switch offer := isOffer(ev, b, role); {
	case offer:
		s.offered.See(ev)
	case b.Managed:
		s.managed.See(ev)
	}
	if b.Other && !b.Managed {
		s.other.See(ev)
	}
}

// seeLink takes what a host says on its link.
func (l *stayLens) seeLink(ev *sighting) {
	s := l.here
	switch b := ev.Body.(type) {
	case event.RouterSolicited:
		s.solicited.See(ev)
	case event.AddressUsed:
		s.seeAddress(ev, b.Addr)
	case event.NeighbourSolicited:
		if b.IsDAD() && isGlobal(b.Target) {
			s.global.See(ev)
		}
	case event.DHCP4:
		s.seeDHCP4(ev, b)
		l.mild.seeDHCP4(ev, b)
	case event.DHCP6:
		s.seeDHCP6(ev, b)
	}
}

func (s *stay) seeAddress(ev *sighting, a netip.Addr) {
	switch {
	case isGlobal(a) || a.Is6() && a.IsPrivate():
		s.global.See(ev)
		if s.leases[a] {
			s.givenUsed.See(ev)
		}
	case a.Unmap().Is4() && !a.IsLinkLocalUnicast():
		s.used4.See(ev)
	}
}

func (s *stay) seeDHCP4(ev *sighting, b event.DHCP4) {
	const ack = 5
	if b.FromServer && b.Type == ack && !b.HasV6Only {
		s.leased.See(ev)
	}
}

func (s *stay) seeDHCP6(ev *sighting, b event.DHCP6) {
	const solicit, request, reply, infoRequest = 1, 3, 7, 11
	const optDNS = 23
	asksDNS := slices.Contains(b.Requested, optDNS)
	switch {
	case b.FromServer && b.Type == reply:
		s.seeReply(ev, b)
	case b.FromServer:
	case b.Type == infoRequest && asksDNS:
		s.info.See(ev)
		s.infoXID = b.XID
	case b.AsksAddress && slices.Contains([]uint8{solicit, request}, b.Type):
		s.wanted.See(ev)
	}
}

func (s *stay) seeReply(ev *sighting, b event.DHCP6) {
	if s.info.Seen() > 0 && b.XID == s.infoXID && len(b.DNS) > 0 {
		s.infoAnswered.See(ev)
	}
	for _, a := range b.Addresses {
		if len(s.leases) >= v6AddrLimit {
			return
		}
		if s.leases == nil {
			s.leases = map[netip.Addr]bool{}
		}
		s.leases[a] = true
		s.given.See(ev)
	}
}

// embedded is the IPv4 address that a NAT64 turns an address into
// (RFC 6052 section 2.2, prefixes of 96 bits).
func (l *stayLens) embedded(a netip.Addr) (netip.Addr, bool) {
	is := wellKnownNAT64.Contains(a)
	for _, p := range l.nat64 {
		is = is || p.Contains(a)
	}
	if !is {
		return netip.Addr{}, false
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// seeNames takes what a host asks DNS, and what it is told.
func (l *stayLens) seeNames(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		if b.Kind == event.DNSUnicast {
			l.here.seeAsked(ev, b)
		}
	case event.DNSAnswered:
		if b.Kind == event.DNSUnicast {
			l.seeAnswered(b)
		}
	case event.ClientHello:
		if f := l.flows[ev.Flow]; f != nil && b.HasSNI && b.SNI != "" {
			f.name = strings.ToLower(strings.TrimSuffix(b.SNI, "."))
		}
	}
}

func (s *stay) seeAsked(ev *sighting, b event.DNSAsked) {
	if to := ev.Server.Addr(); to.Is6() && !to.Is4In6() {
		s.dns6.See(ev)
	}
	if b.Type != typeA && b.Type != typeAAAA {
		return
	}
	name := strings.TrimSuffix(b.Name, ".")
	n := s.names[name]
	if n == nil {
		if len(s.names) >= stayNameLimit {
			s.crowded = true
			return
		}
		if s.names == nil {
			s.names = map[string]*stayName{}
		}
		n = &stayName{}
		s.names[name] = n
	}
	if b.Type == typeAAAA {
		n.aaaa = true
		s.asks6.See(ev)
	} else {
		n.a = true
		s.asks4.See(ev)
	}
}

func (l *stayLens) seeAnswered(b event.DNSAnswered) {
	name := strings.TrimSuffix(b.Name, ".")
	n := l.here.names[name]
	if n == nil {
		return
	}
	n.answered = n.answered || b.Type == typeAAAA && b.RCode == 0
	for _, r := range b.Records {
		a := r.Addr.Unmap()
		if !a.IsValid() {
			continue
		}
		n.has4 = n.has4 || a.Is4()
		n.has6 = n.has6 || a.Is6()
		l.home(a, name)
	}
}

// home remembers the name that was last answered with an address.
func (l *stayLens) home(a netip.Addr, name string) {
	if l.homes == nil {
		l.homes = map[netip.Addr]string{}
	}
	if _, known := l.homes[a]; known || len(l.homes) < stayHomeLimit {
		l.homes[a] = name
	}
}
