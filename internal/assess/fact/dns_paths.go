package fact

import (
	"net/netip"
	"sort"
	"time"

	"assay/internal/assess/event"
)

// pathPart keeps by which resolvers names were resolved in clear.
type pathPart struct {
	servers map[netip.Addr]*pathServer
	names   map[string]*pathName
	open    [64]pathOpen // questions that wait for an answer, the oldest is overwritten
	waiting int          // how many of open are: mostly none or one
	next    int
	// unasked are answers by who sent them, whose questions the log does not hold.
	unasked map[netip.Addr]*Because
	crowded bool
}

// pathServer is one resolver that was asked.
type pathServer struct {
	// owner is the host on the link that the questions went to; several says that
	// it was not always the same.
	owner    event.HostID
	several  bool
	queries  Because
	failures Because // it said that it cannot tell, or said nothing
	good     int     // answers, "no such name" among them
	failedAt time.Time
}

// pathName is one name that got an address.
type pathName struct {
	by map[netip.Addr]*pathUse
}

// pathUse is the resolving of one name by one resolver.
type pathUse struct {
	first *event.Event
	// afterFailure holds the other resolvers that had failed shortly before: then
	// this one may have been the way out. Every use must have had such a reason.
	afterFailure map[netip.Addr]bool
}

// pathOpen is a question that was not answered yet.
type pathOpen struct {
	server netip.Addr
	id     uint16
	port   uint16
	name   string
	qtype  uint16
	at     time.Time
	ev     *event.Event
	open   bool
}

const (
	pathServerLimit = 64
	// silence is how long a resolver may take to answer. Stub resolvers wait 1 s
	// (embedded ones) to 5 s (glibc) before they ask another.
	silence = time.Second
	// excuse is how long a resolver's failure excuses asking another one.
	excuse = 5 * time.Minute
)

func (p *pathPart) server(a netip.Addr) *pathServer {
	if s := p.servers[a]; s != nil {
		return s
	}
	if len(p.servers) >= pathServerLimit || !a.IsValid() {
		p.crowded = true
		return nil
	}
	if p.servers == nil {
		p.servers = map[netip.Addr]*pathServer{}
	}
	s := &pathServer{}
	p.servers[a] = s
	return s
}

func (p *pathPart) asked(ev *sighting, b event.DNSAsked) {
	a := ev.Server.Addr().Unmap()
	s := p.server(a)
	if s == nil {
		return
	}
	s.several = s.several || s.queries.Seen() > 0 && s.owner != ev.Peer
	s.owner = ev.Peer
	s.queries.See(ev)
	o := &p.open[p.next]
	p.giveUp(o, ev.At)
	p.settle(o)
	p.waiting++
	*o = pathOpen{server: a, id: b.ID, port: ev.Client.Port(), name: b.Name, qtype: b.Type, at: ev.At, ev: ev.keep(), open: true}
	p.next = (p.next + 1) % len(p.open)
}

// settle takes a question out of those that wait.
func (p *pathPart) settle(o *pathOpen) {
	if o.open {
		o.open = false
		p.waiting--
	}
}

// giveUp counts a question that stayed without an answer for too long.
func (p *pathPart) giveUp(o *pathOpen, now time.Time) {
	if !o.open || now.Sub(o.at) < silence {
		return
	}
	p.settle(o)
	s := p.servers[o.server]
	s.failures.Add(o.ev)
	s.failedAt = later(s.failedAt, o.at)
}

func (p *pathPart) answered(ev *sighting, b event.DNSAnswered) {
	a := ev.Server.Addr().Unmap()
	s := p.servers[a]
	if b.Question == 0 {
		p.seeUnasked(a, ev)
		return
	}
	if s == nil {
		return
	}
	p.close(a, ev, b)
	if isFailure(b.RCode) {
		s.failedAt = later(s.failedAt, ev.At)
		if !isForged(b) {
			s.failures.See(ev)
		}
		return
	}
	s.good++
	if hasAddress(b) {
		p.resolved(a, ev, b.Name)
	}
}

// seeUnasked keeps an answer to a question that the log does not hold: the host
// may have asked before the log began, or the question was lost.
func (p *pathPart) seeUnasked(a netip.Addr, ev *sighting) {
	b := p.unasked[a]
	if b == nil {
		if len(p.unasked) >= pathServerLimit {
			p.crowded = true
			return
		}
		if p.unasked == nil {
			p.unasked = map[netip.Addr]*Because{}
		}
		b = &Because{}
		p.unasked[a] = b
	}
	b.See(ev)
}

// close marks the question, and its repeats at the same resolver, as answered.
func (p *pathPart) close(a netip.Addr, ev *sighting, b event.DNSAnswered) {
	for i := range p.open {
		if p.waiting == 0 {
			return
		}
		o := &p.open[i]
		if o.open && o.server == a && o.id == b.ID && o.name == b.Name && o.qtype == b.Type && o.port == ev.Client.Port() {
			p.settle(o)
		}
	}
}

func (p *pathPart) resolved(a netip.Addr, ev *sighting, name string) {
	n := p.names[name]
	if n == nil {
		if len(p.names) >= nameLimit {
			p.crowded = true
			return
		}
		if p.names == nil {
			p.names = map[string]*pathName{}
		}
		n = &pathName{by: map[netip.Addr]*pathUse{}}
		p.names[name] = n
	}
	failing := p.failing(a, ev.At)
	u := n.by[a]
	if u == nil {
		n.by[a] = &pathUse{first: ev.keep(), afterFailure: failing}
		return
	}
	for x := range u.afterFailure {
		if !failing[x] {
			delete(u.afterFailure, x)
		}
	}
}

// failing lists the other resolvers that failed shortly before now, or are
// silent just now; nil when there are none, which is most of the time.
func (p *pathPart) failing(except netip.Addr, now time.Time) map[netip.Addr]bool {
	var out map[netip.Addr]bool
	fails := func(a netip.Addr) {
		if a == except {
			return
		}
		if out == nil {
			out = map[netip.Addr]bool{}
		}
		out[a] = true
	}
	for a, s := range p.servers {
		if !s.failedAt.IsZero() && now.Sub(s.failedAt) <= excuse {
			fails(a)
		}
	}
	for i := range p.open {
		if p.waiting > 0 && p.open[i].isSilent(now) {
			fails(p.open[i].server)
		}
	}
	return out
}

// isSilent says that a question has waited for longer than an answer takes, and
// not for so long that it excuses nothing any more.
func (o *pathOpen) isSilent(now time.Time) bool {
	if !o.open {
		return false
	}
	age := now.Sub(o.at)
	return age >= silence && age <= excuse
}

func (p *pathPart) state(w *world, out *Sheet) {
	for i := range p.open {
		p.giveUp(&p.open[i], w.now)
	}
	out.Int("resolver.offered", len(w.resolvers), p.offers(w))
	out.List("resolver.offered_list", addrList(sortedAddrs(w.resolvers)), p.offers(w))
	if p.crowded {
		return
	}
	p.stateServers(w, out)
	p.stateUnasked(w, out)
	p.stateNames(w, out)
}

// stateUnasked states which resolvers that nobody had offered, and that no visible
// question went to, answered the host.
func (p *pathPart) stateUnasked(w *world, out *Sheet) {
	var from []netip.Addr
	var b Because
	for _, a := range sortedAddrs(p.unasked) {
		if p.servers[a] == nil && !offered(w, a) && w.scope(a) != ScopeNone {
			from = append(from, a)
			b.Join(*p.unasked[a])
		}
	}
	out.Int("resolver.unasked", len(from), b)
	out.List("resolver.unasked_list", addrList(from), b)
}

func (p *pathPart) offers(w *world) Because {
	var b Because
	seen := map[event.Ref]bool{}
	for _, a := range sortedAddrs(w.resolvers) {
		if ev := w.resolvers[a]; !seen[ev.Ref] {
			seen[ev.Ref] = true
			b.Add(ev)
		}
	}
	return b
}

func (p *pathPart) stateServers(w *world, out *Sheet) {
	var foreign, routers []netip.Addr
	var toOffered, toForeign, toRouter, failed Because
	good := 0
	for _, a := range sortedAddrs(p.servers) {
		s := p.servers[a]
		if w.scope(a) == ScopeNone {
			continue // a loopback address on the wire: nobody can answer there
		}
		if p.isRouter(w, a) {
			routers = append(routers, a)
			toRouter.Join(s.queries)
			continue
		}
		if !offered(w, a) {
			foreign = append(foreign, a)
			toForeign.Join(s.queries)
			continue
		}
		toOffered.Join(s.queries)
		failed.Join(s.failures)
		good += s.good
	}
	out.Int("resolver.asked", len(p.servers), toOffered)
	out.Int("resolver.queries_offered", toOffered.Seen(), toOffered)
	out.Int("resolver.failures_offered", failed.Seen(), failed)
	out.Int("resolver.foreign", len(foreign), toForeign)
	out.List("resolver.foreign_list", addrList(foreign), toForeign)
	out.Int("resolver.router", len(routers), toRouter)
	out.List("resolver.router_list", addrList(routers), toRouter)
	if toOffered.Seen() > 0 {
		out.Bool("resolver.offered_healthy", good > 0 && failed.Seen() == 0, toOffered)
	}
}

func offered(w *world, a netip.Addr) bool {
	_, ok := w.resolvers[a.Unmap()]
	return ok
}

func (p *pathPart) stateNames(w *world, out *Sheet) {
	var own, router, bypass, fallback []*event.Event
	var bypassed []string
	for name, n := range p.names {
		switch use, excused := n.judge(w); {
		case use == nil:
			own = append(own, n.first())
		case p.viaRouter(w, n):
			router = append(router, use.first)
		case excused:
			fallback = append(fallback, use.first)
		default:
			bypass = append(bypass, use.first)
			bypassed = append(bypassed, shownName(name))
		}
	}
	sort.Strings(bypassed)
	out.Int("resolver.names_offered", len(own), because(own))
	out.Int("resolver.names_router", len(router), because(router))
	out.Int("resolver.names_fallback", len(fallback), because(fallback))
	out.Int("resolver.names_bypass", len(bypass), because(bypass))
	out.List("resolver.bypass_list", bypassed[:min(len(bypassed), listLimit)], because(bypass))
}

// judge returns nil when an offered resolver resolved the name too. Else it
// returns the first use of another one, and whether a failure of an offered
// resolver excuses all of them.
func (n *pathName) judge(w *world) (*pathUse, bool) {
	var first *pathUse
	excused := true
	for _, a := range sortedAddrs(n.by) {
		u := n.by[a]
		if offered(w, a) {
			return nil, false
		}
		excused = excused && u.isExcused(w)
		if first == nil || u.first.Ref < first.first.Ref {
			first = u
		}
	}
	return first, excused
}

func (u *pathUse) isExcused(w *world) bool {
	for a := range u.afterFailure {
		if offered(w, a) {
			return true
		}
	}
	return false
}

func (n *pathName) first() *event.Event {
	var out *event.Event
	for _, u := range n.by {
		if out == nil || u.first.Ref < out.Ref {
			out = u.first
		}
	}
	return out
}

// because collects events in order of their numbers.
func because(evs []*event.Event) Because {
	sort.Slice(evs, func(i, j int) bool { return evs[i].Ref < evs[j].Ref })
	var b Because
	for _, ev := range evs {
		b.Add(ev)
	}
	return b
}

func addrList(addrs []netip.Addr) []string {
	var out []string
	for _, a := range addrs[:min(len(addrs), listLimit)] {
		out = append(out, a.String())
	}
	return out
}
