package fact

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// DNS record types, EDNS options and result codes that facts are about.
const (
	rrA      = 1
	rrDS     = 43
	rrAAAA   = 28
	rrRRSIG  = 46
	rrDNSKEY = 48
	rrANY    = 255

	optDAU    = 5 // RFC 6975; 6 is DHU, 7 is N3U
	optN3U    = 7
	optKeyTag = 14 // RFC 8145

	rcodeNoError  = 0
	rcodeNXDomain = 3
)

// dnsLens gathers what a host's DNS says of it. Its parts look at the same
// questions and answers.
type dnsLens struct {
	recent repeats
	joins  joinings
	book   addressBook
	asked  askedPart
	paths  pathPart
	hidden hiddenPart
	reach  reachPart
	forge  forgePart
	cache  cachePart
	clock  clockPart
	faults faultPart
}

func (*dnsLens) wants() wanted {
	return wanted{
		Actor: {
			event.RouterAdvertised{}, event.DNSAsked{}, event.DNSAnswered{}, event.FlowStarted{},
			event.FlowEstablished{}, event.ClientHello{}, event.Malformed{}, event.DHCP4{},
			event.DHCP6{}, event.NeighbourSolicited{}, event.TimeAsked{}, event.TimeAnswered{}, event.NoteSeen{},
		},
		Other:     {event.RouterAdvertised{}, event.FlowStarted{}, event.NoteSeen{}},
		Bystander: {event.RouterAdvertised{}, event.NoteSeen{}},
	}
}

func (l *dnsLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.faults.see(w, ev, b)
	case event.RouterAdvertised:
		l.book.learnPrefixes(b)
		l.hidden.learn(b.DNR)
	}
	l.joins.seeGuessed(w, ev, role)
	if role == Actor {
		l.seeOwn(w, ev)
	}
}

func (l *dnsLens) seeOwn(w *world, ev *sighting) {
	before := l.joins.count()
	l.joins.see(w, ev)
	if l.joins.count() > before {
		l.cache.restart(ev.At)
	}
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		l.seeAsked(ev, b)
	case event.DNSAnswered:
		l.seeAnswered(ev, b)
	case event.FlowStarted:
		if w.scope(ev.Server.Addr()) == ScopeInternet && !l.faults.canaries[ev.Server.Addr().Unmap()] {
			l.reach.started(ev, b, &l.book, &l.joins)
		}
	case event.FlowEstablished:
		l.reach.established(ev)
	case event.ClientHello:
		l.hidden.see(ev, b)
		l.clock.seeHello(ev, b)
	default:
		l.seeRest(w, ev)
	}
}

func (l *dnsLens) seeRest(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.Malformed:
		if b.Layer == "dns" {
			l.asked.malformed.See(ev)
		}
	case event.DHCP4:
		l.hidden.learn(b.DNR)
		l.clock.seeDHCP(ev, b)
	case event.DHCP6:
		l.hidden.learn(b.DNR)
	case event.TimeAsked:
		l.clock.seeAsked(w, ev, b, &l.joins)
	case event.TimeAnswered:
		l.clock.seeAnswered(ev, b)
	}
}

func (l *dnsLens) seeAsked(ev *sighting, b event.DNSAsked) {
	if b.Kind != event.DNSUnicast {
		return // a name that is only asked on the link is not DNS
	}
	if l.faults.own[b.Name] {
		return // the box made the name up
	}
	again := l.recent.isRepeat(ev, b)
	if !l.faults.attacked(b.Name, ev.At) {
		l.paths.asked(ev, b)
	}
	l.clock.seeName(ev, b.Name)
	if again {
		return
	}
	if !l.faults.struck(b.Name) {
		l.asked.question(ev, b) // else it may be asked in another way because of the fault
	}
	l.forge.question(ev, b, l.joins.count())
	if !l.faults.under {
		l.cache.question(ev, b)
	}
}

func (l *dnsLens) seeAnswered(ev *sighting, b event.DNSAnswered) {
	if b.Kind != event.DNSUnicast || l.faults.isStray(b) {
		return
	}
	l.recent.answered(ev, b)
	l.book.learn(ev, b)
	if hasAddress(b) || !l.faults.changed(ev, b) {
		l.asked.answer(ev, b)
	}
	if !l.faults.attacked(b.Name, ev.At) {
		l.paths.answered(ev, b)
	}
	if !l.faults.under {
		l.cache.answer(ev, b)
	}
}

func (l *dnsLens) state(w *world, out *Sheet) {
	l.asked.state(out)
	l.paths.state(w, out)
	l.hidden.state(w, out)
	l.reach.state(w, &l.hidden, &l.book, out)
	l.forge.state(out)
	l.cache.state(w, out)
	l.clock.state(w, &l.book, out)
	out.Int("dns.boots", l.joins.count(), l.joins.because)
	out.Bool("dns.start_seen", l.joins.began(w.now), l.joins.because)
}

// shownName is a name as reports show it: cleaned, without the last dot.
func shownName(name string) string {
	if short := strings.TrimSuffix(name, "."); short != "" {
		name = short
	}
	return event.Clean(name)
}

// isFailure says that a result means "this resolver cannot tell": everything
// but an answer and "no such name".
func isFailure(rcode uint16) bool { return rcode != rcodeNoError && rcode != rcodeNXDomain }

// hasAddress says that an answer told at least one address.
func hasAddress(b event.DNSAnswered) bool {
	for _, r := range b.Records {
		if b.RCode == rcodeNoError && r.Addr.IsValid() {
			return true
		}
	}
	return false
}

// isForged says that the resolver works and refuses a name because its signatures do
// not hold, as it must (RFC 8914 sections 4.7 to 4.13: DNSSEC Bogus to NSEC Missing).
func isForged(b event.DNSAnswered) bool {
	return slices.ContainsFunc(b.EDE, func(code uint16) bool { return code >= 6 && code <= 12 })
}

// joinings counts how often the host joined the network: by an address request
// from the beginning (RFC 2131 section 4.4), or by testing a new link-local
// address (RFC 4862 section 5.4). That is what a restart looks like from outside.
type joinings struct {
	at      []time.Time
	because Because
	busy    bool // a name was asked or something far opened since the last one
	// late says that the host had asked or opened something before the first one:
	// then the log does not hold its beginning, and what it knows may be older.
	late bool
}

const (
	joinLimit = 32
	// joinTime is how long one joining may take: what DHCP and IPv6 do within that
	// time is one.
	joinTime = time.Minute
)

func (j *joinings) count() int { return len(j.at) }

// began says whether the log holds the host's beginning, before t.
func (j *joinings) began(t time.Time) bool { return len(j.at) > 0 && !j.late && !j.at[0].After(t) }

func (j *joinings) see(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		j.busy = j.busy || b.Kind == event.DNSUnicast
	case event.FlowStarted:
		j.busy = j.busy || w.scope(ev.Server.Addr()) == ScopeInternet
	case event.DHCP4:
		j.addIf(isJoin(b) && (j.count() == 0 || j.busy), ev)
	case event.NeighbourSolicited:
		j.addIf(isLinkUp(b) && !j.justNow(ev.At), ev)
	}
}

// seeGuessed takes conversations of which the host may be the client.
func (j *joinings) seeGuessed(w *world, ev *sighting, role Role) {
	if b, ok := ev.Body.(event.FlowStarted); ok && b.Guessed && role == Other {
		j.busy = j.busy || w.scope(ev.Client.Addr()) == ScopeInternet
	}
}

// isLinkUp says that a host tests its link-local address, which it does when its
// link comes up; other addresses come and go with their prefixes.
func isLinkUp(b event.NeighbourSolicited) bool { return b.IsDAD() && b.Target.IsLinkLocalUnicast() }

// justNow says that the last joining may still be going on.
func (j *joinings) justNow(now time.Time) bool {
	n := j.count()
	return n > 0 && now.Sub(j.at[n-1]) <= joinTime
}

func (j *joinings) addIf(applies bool, ev *sighting) {
	if !applies || j.count() >= joinLimit {
		return
	}
	j.late = j.late || j.count() == 0 && j.busy
	j.at = append(j.at, ev.At)
	j.because.See(ev)
	j.busy = false
}

// isJoin tells a DISCOVER, or a REQUEST after a restart with a remembered
// address, from renewing (RFC 2131 section 4.3.2).
func isJoin(b event.DHCP4) bool {
	if b.FromServer {
		return false
	}
	remembered := b.Type == 3 && isNone(b.ClientAt.IsValid(), b.ClientAt.IsUnspecified()) &&
		isNone(b.ServerID.IsValid(), b.ServerID.IsUnspecified())
	return b.Type == 1 || remembered
}

func isNone(valid, unspecified bool) bool { return !valid || unspecified }

// repeats finds questions that were sent again because no answer came: the same
// name, type and ID from the same port, or to another resolver. They are one
// question.
type repeats struct {
	ring [repeatLimit]sent
	ids  [repeatLimit]uint16 // of ring: most questions are told apart by them
	next int
}

type sent struct {
	at    time.Time
	name  string
	qtype uint16
	id    uint16
	port  uint16
	// server was asked last: stub resolvers take the question on to the next one.
	server netip.Addr
	edns   bool // one with other EDNS settings is another question
	do     bool
	done   bool
}

// repeatTime is how long after a question the same one still repeats it. Stub
// resolvers give up after 30 s at the latest by default.
const repeatTime = 30 * time.Second

// repeatLimit is how many questions are remembered; the oldest is overwritten.
const repeatLimit = 128

func (r *repeats) isRepeat(ev *sighting, b event.DNSAsked) bool {
	for i := range r.ids {
		if r.ids[i] != b.ID {
			continue
		}
		s := &r.ring[i]
		if s.isAgain(ev, b) && ev.At.Sub(s.at) <= repeatTime {
			s.at, s.port, s.server = ev.At, ev.Client.Port(), ev.Server.Addr()
			return true
		}
	}
	r.ids[r.next] = b.ID
	r.ring[r.next] = sent{at: ev.At, name: b.Name, qtype: b.Type, id: b.ID, port: ev.Client.Port(), server: ev.Server.Addr(), edns: b.EDNS, do: b.DO}
	r.next = (r.next + 1) % len(r.ring)
	return false
}

func (r *repeats) answered(ev *sighting, b event.DNSAnswered) {
	for i := range r.ids {
		if r.ids[i] != b.ID {
			continue
		}
		s := &r.ring[i]
		if s.is(b.Name, b.Type, b.ID) && s.port == ev.Client.Port() && !isFailure(b.RCode) && !b.TC {
			s.done = true
		}
	}
}

func (s *sent) is(name string, qtype, id uint16) bool {
	return s.id == id && s.qtype == qtype && s.name == name && !s.at.IsZero()
}

func (s *sent) isAgain(ev *sighting, b event.DNSAsked) bool {
	return s.is(b.Name, b.Type, b.ID) && !s.done && s.edns == b.EDNS && s.do == b.DO &&
		(s.port == ev.Client.Port() || s.server != ev.Server.Addr())
}
