package fact

import (
	"net/netip"
	"sort"

	"assay/internal/assess/event"
)

// reachPart keeps where a host connected to and how it came by the address: DNS
// coverage, and addresses that are built in.
type reachPart struct {
	dests   map[destination]*reached
	order   []destination
	spoken  bool // a server that was found by name has answered
	crowded bool
}

// destination is one far end.
type destination struct {
	addr      netip.Addr
	port      uint16
	transport event.Transport
}

func (d destination) String() string {
	return netip.AddrPortFrom(d.addr, d.port).String() + "/" + d.transport.String()
}

// reached counts the conversations with one destination by how its address was
// known when they began.
type reached struct {
	byOrigin [originFresh + 1]int
	// midway were joined after their beginning; early are unexplained, but the log
	// does not hold the host's start: it may have looked the name up before. told are unexplained conversations over UDP that
	// began after a server found by name had answered: peers are told this way.
	midway, early, told int
	answered            bool
	// first is the first conversation, bare the first unexplained one.
	first, bare *event.Event
}

// reachLimit is how many destinations of one host are told apart.
const reachLimit = 512

func (p *reachPart) started(ev *sighting, b event.FlowStarted, book *addressBook, j *joinings) {
	p.crowded = p.crowded || book.crowded
	d := destination{ev.Server.Addr().Unmap(), ev.Server.Port(), b.Transport}
	r := p.dest(d, ev)
	if r == nil {
		return
	}
	o := book.origin(d.addr, ev.At)
	switch {
	case b.Midway:
		r.midway++
		return
	case o != originUnknown:
	case !j.began(ev.At):
		r.early++
		return
	case d.mayBeTold() && p.spoken:
		r.told++
	}
	r.byOrigin[o]++
	if o != originFresh && r.bare == nil {
		r.bare = ev.keep()
	}
}

// dest finds or makes the record of a destination; nil when there are too many.
func (p *reachPart) dest(d destination, ev *sighting) *reached {
	r := p.dests[d]
	if r != nil {
		return r
	}
	if len(p.dests) >= reachLimit {
		p.crowded = true
		return nil
	}
	if p.dests == nil {
		p.dests = map[destination]*reached{}
	}
	r = &reached{first: ev.keep()}
	p.dests[d] = r
	p.order = append(p.order, d)
	return r
}

// mayBeTold says that a destination is of the kind that servers tell their
// clients: a peer for media or data over UDP.
func (d destination) mayBeTold() bool {
	return d.transport == event.UDP && d.port != 53 && d.port != portDoT && d.port != 123
}

func (p *reachPart) established(ev *sighting) {
	b, _ := ev.Body.(event.FlowEstablished)
	d := destination{ev.Server.Addr().Unmap(), ev.Server.Port(), b.Transport}
	r := p.dests[d]
	if r == nil {
		return
	}
	r.answered = true
	p.spoken = p.spoken || r.byOrigin[originFresh] > 0
}

// service is what a destination is used for, as far as its port tells.
type service uint8

const (
	serviceOther service = iota
	serviceResolver
	serviceTime
)

// service tells resolvers, by port or as known encrypted ones, and time servers.
func (d destination) service(hidden *hiddenPart) service {
	switch {
	case d.port == 53 || d.port == portDoT || hidden.isServer(d.addr, d.port):
		return serviceResolver
	case d.port == 123:
		return serviceTime
	default:
		return serviceOther
	}
}

// exempt says that the network itself named the address, or that it is not on
// the internet.
func (d destination) exempt(w *world) bool {
	_, clock := w.timeServers[d.addr]
	return clock || offered(w, d.addr) || w.scope(d.addr) != ScopeInternet
}

func (p *reachPart) state(w *world, hidden *hiddenPart, book *addressBook, out *Sheet) {
	if p.crowded {
		return // some destinations are not known: nothing can be said of all
	}
	p.stateCoverage(w, hidden, out)
	p.stateLiterals(w, hidden, book, out)
}

func (p *reachPart) stateCoverage(w *world, hidden *hiddenPart, out *Sheet) {
	var total, fresh, early int
	var all, bare Because
	var list []string
	for _, d := range p.order {
		r := p.dests[d]
		if d.exempt(w) || d.service(hidden) == serviceResolver {
			continue
		}
		n := 0
		for _, c := range r.byOrigin {
			n += c
		}
		total, fresh, early = total+n, fresh+r.byOrigin[originFresh], early+r.early
		if n > 0 {
			all.Add(r.first)
		}
		if n > r.byOrigin[originFresh] {
			bare.Add(r.bare)
			list = append(list, d.String())
		}
	}
	sort.Strings(list)
	out.Int("dns.connections", total, all)
	out.Int("dns.connections_explained", fresh, all)
	out.Int("dns.connections_unexplained", total-fresh, bare)
	out.Int("dns.connections_early", early, Because{})
	out.List("dns.unexplained_list", list[:min(len(list), listLimit)], bare)
	if total > 0 {
		out.Double("dns.coverage", float64(fresh)/float64(total), all)
	}
}

// literalFact is one kind of IPv4 destination.
type literalFact struct {
	n    int
	list []string
	b    Because
}

func (f *literalFact) add(d destination, ev *event.Event) {
	f.n++
	f.b.Add(ev)
	if len(f.list) < listLimit {
		f.list = append(f.list, d.String())
	}
}

// literals sorts the IPv4 destinations on the internet by how their addresses
// were known.
type literals struct {
	named, services, resolvers, clocks, unsure literalFact
}

func (p *reachPart) stateLiterals(w *world, hidden *hiddenPart, book *addressBook, out *Sheet) {
	var l literals
	for _, d := range p.order {
		if r := p.dests[d]; d.addr.Is4() && !d.exempt(w) {
			l.sort(d, r, d.service(hidden), book)
		}
	}
	for _, c := range []struct {
		key string
		f   literalFact
	}{
		{"named", l.named}, {"services", l.services}, {"resolvers", l.resolvers}, {"clocks", l.clocks}, {"unsure", l.unsure},
	} {
		sort.Strings(c.f.list)
		out.Int("literal."+c.key, c.f.n, c.f.b)
		out.List("literal."+c.key+"_list", c.f.list, c.f.b)
	}
}

func (l *literals) sort(d destination, r *reached, kind service, book *addressBook) {
	switch _, named := book.told[d.addr]; {
	case named:
		l.named.add(d, r.first) // whenever that was: no answer can have been missed
	case r.byOrigin[originUnknown] == r.told || r.early+r.midway > 0 || !r.answered && kind == serviceOther:
		// Only told by a peer, or in use before the log holds a restart, or nobody
		// answered there.
		l.unsure.add(d, r.first)
	case kind == serviceResolver:
		l.resolvers.add(d, r.bare)
	case kind == serviceTime:
		l.clocks.add(d, r.bare)
	default:
		l.services.add(d, r.bare)
	}
}
