package fact

import (
	"net/netip"
	"strconv"

	"assay/internal/assess/event"
)

// seeFlows takes the conversations that a host opens with the internet.
func (l *stayLens) seeFlows(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.FlowStarted:
		if !b.Guessed && !b.Midway {
			l.seeStarted(w, ev)
		}
	case event.FlowEstablished:
		l.seeEstablished(ev)
	case event.FlowEnded:
		l.seeEnded(ev, b)
	}
}

func (l *stayLens) seeStarted(w *world, ev *sighting) {
	to := netip.AddrPortFrom(ev.Server.Addr().Unmap(), ev.Server.Port())
	if w.scope(to.Addr()) != ScopeInternet {
		return
	}
	l.mild.seeStarted(ev, to)
	s := l.here
	v6 := to.Addr().Is6()
	if v6 {
		s.flows.See(ev)
	}
	if isNetworkPort(to.Port()) {
		return
	}
	f := &stayFlow{in: s, boot: s.joins.count(), to: to, name: l.homes[to.Addr()], at: ev.At.Sub(s.visit.first)}
	if w.stage.code == netBroken {
		l.broke.seeStarted(ev, f.name, v6, s.names[f.name])
	}
	if len(l.flows) >= stayFlowLimit {
		s.crowded = true
		return
	}
	if l.flows == nil {
		l.flows = map[event.FlowID]*stayFlow{}
	}
	l.flows[ev.Flow] = f
}

// isNetworkPort tells the services that a network itself provides: names and time
// have checks of their own.
func isNetworkPort(port uint16) bool {
	const dns, ntp, dot, ntske = 53, 123, 853, portNTSKE
	return port == dns || port == ntp || port == dot || port == ntske
}

func (l *stayLens) seeEstablished(ev *sighting) {
	f := l.flows[ev.Flow]
	if f == nil {
		return
	}
	f.done = true
	if f.to.Addr().Is6() {
		f.in.answered.See(ev)
	}
}

// seeEnded settles a conversation in the network in which it began.
func (l *stayLens) seeEnded(ev *sighting, b event.FlowEnded) {
	f := l.flows[ev.Flow]
	delete(l.flows, ev.Flow)
	if f == nil || protocolKinds[b.Protocol] == clearNetwork {
		return
	}
	data := min(b.Client.Bytes, b.Server.Bytes) > 0
	s := f.in
	if data {
		s.bytes += b.Client.Bytes + b.Server.Bytes
	}
	if data && f.to.Addr().Is6() {
		s.data.See(ev)
		l.mild.seeData(ev, l, f.to.Addr())
	}
	e := s.end(l, f)
	if e == nil {
		return
	}
	e.because.See(ev)
	e.add(l, f, b.Established || f.done, data)
}

// end finds or makes the record of a destination: by its name, else by its address,
// which for a NAT64 is the IPv4 address behind it.
func (s *stay) end(l *stayLens, f *stayFlow) *stayEnd {
	who := f.name
	if who == "" {
		who = f.to.Addr().String()
		if a, translated := l.embedded(f.to.Addr()); translated {
			who = a.String()
		}
	}
	key := who + " port " + strconv.Itoa(int(f.to.Port()))
	e, ok := s.ends[key]
	if ok {
		return e
	}
	if len(s.ends) >= stayEndLimit {
		s.crowded = true
		return nil
	}
	if s.ends == nil {
		s.ends = map[string]*stayEnd{}
	}
	e = &stayEnd{label: event.Clean(key), name: f.name, boots: map[int]bool{}}
	s.ends[key] = e
	return e
}

// add takes one conversation with the destination.
func (e *stayEnd) add(l *stayLens, f *stayFlow, answered, data bool) {
	_, translated := l.embedded(f.to.Addr())
	e.translatedTry = e.translatedTry || translated
	e.native = e.native || f.to.Addr().Is6() && !translated
	e.answered = e.answered || answered
	if !data {
		return
	}
	if !e.data || f.at < e.after {
		e.after = f.at
	}
	e.data = true
	e.translated = e.translated || translated
	e.boots[f.boot] = true // at most joinLimit
}
