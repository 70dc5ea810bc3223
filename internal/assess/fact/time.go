package fact

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// clockPart keeps how a host gets the time.
type clockPart struct {
	queries, port123, nts, ntsAnswers, ntske Because
	optionAsked, answers, bare               Because
	bareNames                                []string
	servers                                  map[netip.Addr]*timeServer
	crowded                                  bool
	leastPoll                                int8
}

// timeServer is one server that was asked for the time.
type timeServer struct {
	first *event.Event
	// joined says that the host was seen joining the network before it asked.
	joined   bool
	answered bool
	// choice says that it was asked where the network can offer a time server by
	// DHCPv4; elsewhere there is nothing to take instead.
	choice bool
	// from and last bound the requests after the first burst, and count is how
	// many there were (RFC 5905 section 13: a client may begin with a burst).
	from, last time.Time
	count      int
}

const (
	timeServerLimit = 64
	bareNameLimit   = 16
	// firstBurst is how long after the first request a client may ask more often.
	firstBurst = 30 * time.Second
	// pollSpan is how long a server must have been in use to tell the interval.
	pollSpan  = 5 * time.Minute
	portNTSKE = 4460 // RFC 8915 section 7.1
)

func (p *clockPart) seeAsked(w *world, ev *sighting, b event.TimeAsked, j *joinings) {
	p.queries.See(ev)
	if ev.Client.Port() == 123 {
		p.port123.See(ev)
	}
	if b.NTS {
		p.nts.See(ev)
	}
	if p.queries.Seen() == 1 || b.Poll < p.leastPoll {
		p.leastPoll = b.Poll
	}
	a := ev.Server.Addr().Unmap()
	s := p.servers[a]
	if s == nil {
		if len(p.servers) >= timeServerLimit {
			p.crowded = true
			return
		}
		if p.servers == nil {
			p.servers = map[netip.Addr]*timeServer{}
		}
		s = &timeServer{first: ev.keep(), joined: j.began(ev.At)}
		p.servers[a] = s
	}
	s.choice = s.choice || !w.stage.lacksIPv4()
	s.asked(ev.At)
}

func (s *timeServer) asked(at time.Time) {
	if at.Sub(s.first.At) < firstBurst {
		return
	}
	if s.count == 0 {
		s.from = at
	}
	s.last = at
	s.count++
}

// interval is the mean time between requests, as seen until end, and whether
// the server was in use for long enough to tell.
func (s *timeServer) interval(end time.Time) (time.Duration, bool) {
	begin := s.first.At.Add(firstBurst)
	if !s.answered || end.Sub(begin) < pollSpan {
		return 0, false
	}
	if s.count < 2 {
		return end.Sub(begin), true
	}
	return s.last.Sub(s.from) / time.Duration(s.count-1), true
}

func (p *clockPart) seeAnswered(ev *sighting, b event.TimeAnswered) {
	if b.Mode == 5 {
		return
	}
	p.answers.See(ev)
	if b.NTS {
		p.ntsAnswers.See(ev)
	}
	if s := p.servers[ev.Server.Addr().Unmap()]; s != nil {
		s.answered = true
	}
}

func (p *clockPart) seeHello(ev *sighting, b event.ClientHello) {
	if ev.Server.Port() == portNTSKE || slices.Contains(b.ALPN, "ntske/1") {
		p.ntske.See(ev)
	}
}

func (p *clockPart) seeDHCP(ev *sighting, b event.DHCP4) {
	if !b.FromServer && slices.Contains(b.Parameters, 42) {
		p.optionAsked.See(ev)
	}
}

func (p *clockPart) seeName(ev *sighting, name string) {
	if !isBarePool(name) {
		return
	}
	p.bare.See(ev)
	if name = shownName(name); len(p.bareNames) < bareNameLimit && !slices.Contains(p.bareNames, name) {
		p.bareNames = append(p.bareNames, name)
	}
}

// isBarePool tells the general names of the NTP pool, with or without a number
// or a region, from the zones that the pool gives to vendors (as in
// "0.vendor.pool.ntp.org"). RFC 8633 section 4.4 asks vendors to have one.
func isBarePool(name string) bool {
	rest, is := strings.CutSuffix(name, "pool.ntp.org.")
	if !is || rest != "" && !strings.HasSuffix(rest, ".") {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(rest, "."), ".") {
		switch label {
		case "", "0", "1", "2", "3", "europe", "asia", "oceania", "africa", "north-america", "south-america":
		default:
			if len(label) != 2 { // two letters are a country
				return false
			}
		}
	}
	return true
}

func (p *clockPart) state(w *world, book *addressBook, out *Sheet) {
	for _, c := range []struct {
		key string
		b   Because
	}{
		{"time.queries", p.queries}, {"time.answers", p.answers}, {"time.port_123", p.port123},
		{"time.nts", p.nts}, {"time.nts_answers", p.ntsAnswers}, {"time.ntske", p.ntske},
	} {
		out.Int(c.key, c.b.Seen(), c.b)
	}
	out.Int("time.offered", len(w.timeServers), Because{})
	out.Bool("time.option_asked", p.optionAsked.Seen() > 0, p.optionAsked)
	sort.Strings(p.bareNames)
	out.List("time.bare_pool", p.bareNames, p.bare)
	if p.queries.Seen() > 0 {
		out.Int("time.poll_claimed", int(p.leastPoll), p.queries)
	}
	if !p.crowded && !book.crowded {
		p.stateServers(w, book, out)
	}
}

// timeSources sorts time servers by how the host came by their addresses.
type timeSources struct {
	offered, named, literal, unsure Because
}

func (t *timeSources) of(w *world, a netip.Addr, s *timeServer, book *addressBook) *Because {
	_, told := book.told[a]
	_, given := w.timeServers[a]
	switch {
	case given || w.scope(a) != ScopeInternet:
		return &t.offered
	case told:
		return &t.named
	case s.joined:
		return &t.literal
	default:
		return &t.unsure
	}
}

// chosen lists the servers that were asked where others could have been offered.
func (p *clockPart) chosen() []netip.Addr {
	var out []netip.Addr
	for _, a := range sortedAddrs(p.servers) {
		if p.servers[a].choice {
			out = append(out, a)
		}
	}
	return out
}

func (p *clockPart) stateServers(w *world, book *addressBook, out *Sheet) {
	var t timeSources
	var literal []netip.Addr
	asked := p.chosen()
	for _, a := range asked {
		s := p.servers[a]
		from := t.of(w, a, s, book)
		from.Add(s.first)
		if from == &t.literal {
			literal = append(literal, a)
		}
	}
	out.Int("time.servers", len(asked), p.queries)
	out.List("time.server_list", addrList(asked), p.queries)
	out.Int("time.servers_offered", t.offered.Seen(), t.offered)
	out.Int("time.servers_named", t.named.Seen(), t.named)
	out.Int("time.servers_literal", t.literal.Seen(), t.literal)
	out.List("time.literal_list", addrList(literal), t.literal)
	out.Int("time.servers_unsure", t.unsure.Seen(), t.unsure)
	p.stateInterval(w, out)
}

func (p *clockPart) stateInterval(w *world, out *Sheet) {
	shortest := time.Duration(-1)
	var by Because
	for _, a := range sortedAddrs(p.servers) {
		s := p.servers[a]
		if d, known := s.interval(w.lastSeen); known && (shortest < 0 || d < shortest) {
			shortest, by = d, Because{}
			by.Add(s.first)
		}
	}
	if shortest >= 0 {
		out.Double("time.interval", shortest.Seconds(), by)
	}
}
