package fact

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/event"
)

func clockSchema() []Decl {
	return []Decl{
		{"clock.told", Int, "answers to the device with the time that the box told in the place of the true one"},
		{"clock.days", Int, "by how many days that time was later, at most"},
		{"clock.adopted", Int, "messages in which the device itself told such a time as its own: a question for the time, the Date of a readable request, or a hello where its hellos tell the time"},
		{"clock.kept", Int, "such messages with the true time, after it was told a later one in the same boot"},
		{"clock.unclear", Int, "of these, those of which it cannot be told whether it sent data: after a handshake of TLS 1.3 less was sent than with the true time, or packets are missing, or the log ends"},
		{"clock.untried", Int, "servers with such a certificate with which the device began no full handshake after it had shown that it took the time"},
		{"clock.ends", Int, "TLS destinations with a certificate that had ended at the told time, with which the device began a full handshake after it had shown that it took that time"},
		{"clock.accepted", Int, "of clock.ends, those to which it sent data"},
		{"clock.accepted_names", List, "these destinations, with the end of the certificate"},
		{"clock.refused", Int, "of clock.ends, those to which it sent none"},
		{"clock.refused_names", List, "these destinations, with the end of the certificate"},
		{"clock.backed", Int, "of clock.refused, those to which it sent data before and after, with the true time"},
		{"clock.unshown", Int, "connections with data to such destinations while the later time was told, of a device that had not shown that it took it"},
	}
}

// Limits of what is kept.
const (
	clockEndLimit  = 256
	clockFlowLimit = 1024
	// clockNear is how far a clock may be from a time that it was told.
	clockNear = 10 * time.Minute
)

// clockLens watches what a device does with a time at which genuine certificates of its
// servers have ended. Only its own word shows that it took the time.
type clockLens struct {
	offset                     time.Duration // 0 with the true time
	ended                      map[string]time.Time
	joins                      joinings
	boot                       int
	toldNow, adoptedNow        bool // in this boot
	inHello                    bool // its hellos tell the true time (RFC 5246 section 7.4.1.2)
	days, servers              int
	told, adopted, kept, early Because
	ends                       map[tlsEnd]*clockEnd
	order                      []tlsEnd
	flows                      map[event.FlowID]*clockFlow
}

// clockEnd is one destination.
type clockEnd struct {
	before, after     bool // data with the true time
	accepted, refused Because
	unclear           Because
	least             uint64 // bytes of the device in a connection with data and the true time; 0 without one
	notAfter          time.Time
}

// clockFlow is an open TLS connection.
type clockFlow struct {
	end            *clockEnd
	shifted, shown bool
	chosen, modern bool
	resumed        bool
	data           bool
	hello          *event.Event
	notAfter       time.Time
}

func (*clockLens) wants() wanted {
	return wanted{
		Actor: {
			event.NoteSeen{}, event.TimeAsked{}, event.TimeAnswered{}, event.ClockShown{}, event.ClientHello{}, event.ServerHello{}, event.TLSAppData{},
			event.FlowEnded{}, event.DHCP4{}, event.NeighbourSolicited{}, event.DNSAsked{}, event.FlowStarted{},
		},
		Other:     {event.NoteSeen{}, event.TimeAnswered{}},
		Bystander: {event.NoteSeen{}},
	}
}

func (l *clockLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.NoteSeen:
		l.seeNote(b)
		return
	case event.TimeAnswered:
		l.seeAnswer(w, ev, b)
		return
	}
	if role != Actor {
		return
	}
	l.joins.see(w, ev)
	if n := l.joins.count(); n != l.boot {
		l.boot, l.toldNow, l.adoptedNow = n, false, false
	}
	switch b := ev.Body.(type) {
	case event.TimeAsked:
		l.seeOwnTime(ev, b.Transmit)
	case event.ClockShown:
		l.seeOwnTime(ev, b.Time)
	case event.ClientHello:
		l.seeHello(w, ev, b)
	case event.FlowEnded:
		l.seeEnded(ev, b)
	default:
		l.flows[ev.Flow].see(ev)
	}
}

// see takes what follows the hello.
func (f *clockFlow) see(ev *sighting) {
	if f == nil {
		return
	}
	switch b := ev.Body.(type) {
	case event.ServerHello:
		f.chosen, f.modern, f.resumed = true, event.TLSVersion(b.Version) >= 0x0304, b.PSK || b.Resumed
	case event.TLSAppData:
		f.data = f.data || b.From == event.FromClient && (!f.modern || b.Length >= event.FinishedLimit)
	}
}

func (l *clockLens) seeNote(b event.NoteSeen) {
	var n event.ClockNote
	if b.Kind != event.NoteClock || json.Unmarshal(b.JSON, &n) != nil {
		return
	}
	l.offset, l.ended, l.toldNow, l.adoptedNow = 0, nil, false, false
	if n.Phase != event.Begun || n.Offset <= clockNear*2 {
		return
	}
	l.offset, l.ended = n.Offset, map[string]time.Time{}
	l.days = max(l.days, int(n.Offset/(24*time.Hour)))
	l.servers = max(l.servers, len(n.Servers))
	for _, s := range n.Servers[:min(len(n.Servers), clockEndLimit)] {
		l.ended[clockKey(strings.TrimSuffix(strings.ToLower(s.Name), "."), s.Server.String())] = s.NotAfter
	}
}

// clockKey names a server: by its name and port where it has a name.
func clockKey(name, server string) string {
	if name == "" {
		return server
	}
	return name + server[strings.LastIndexByte(server, ':'):]
}

// seeAnswer takes an answer of the box: the packet shows what time was told.
func (l *clockLens) seeAnswer(w *world, ev *sighting, b event.TimeAnswered) {
	if l.offset == 0 || !w.isOwnEnd(ev.Client.Addr()) || !isNear(b.Transmit, ev.At.Add(l.offset)) {
		return
	}
	l.told.See(ev)
	l.toldNow = true
}

func isNear(a, b time.Time) bool { return a.Sub(b).Abs() <= clockNear }

// seeOwnTime takes the time that the device says it has.
func (l *clockLens) seeOwnTime(ev *sighting, own time.Time) {
	if l.offset == 0 || !l.toldNow {
		return
	}
	switch {
	case isNear(own, ev.At.Add(l.offset)):
		l.adopted.See(ev)
		l.adoptedNow = true
	case isNear(own, ev.At):
		l.kept.See(ev)
		l.adoptedNow = false // it put its clock right
	}
}

// seeHelloTime takes the time in a hello, of a device whose hellos tell it.
func (l *clockLens) seeHelloTime(ev *sighting, own time.Time) {
	if l.offset == 0 {
		l.inHello = isNear(own, ev.At)
	} else if l.inHello {
		l.seeOwnTime(ev, own)
	}
}

func (l *clockLens) seeHello(w *world, ev *sighting, b event.ClientHello) {
	l.seeHelloTime(ev, time.Unix(int64(b.Time), 0))
	end := addrEnd(ev.Server)
	if b.HasSNI && b.SNI != "" {
		end.name = event.Clean(strings.ToLower(strings.TrimSuffix(b.SNI, ".")))
	}
	if b.Transport != event.TCP || w.scope(ev.Server.Addr().Unmap()) != ScopeInternet || len(l.flows) >= clockFlowLimit {
		return
	}
	e := l.end(end)
	if e == nil {
		return
	}
	f := &clockFlow{end: e, hello: ev.keep()}
	if l.offset != 0 && !l.shift(f, ev, clockKey(end.name, ev.Server.String())) {
		return
	}
	if l.flows == nil {
		l.flows = map[event.FlowID]*clockFlow{}
	}
	l.flows[ev.Flow] = f
}

// shift says whether a connection under the later time can tell something: whether the
// certificate of its server is known to have ended.
func (l *clockLens) shift(f *clockFlow, ev *sighting, key string) bool {
	f.shifted, f.shown, f.notAfter = true, l.adoptedNow, l.ended[key]
	return !f.notAfter.IsZero() && f.notAfter.Before(ev.At.Add(l.offset))
}

func (l *clockLens) end(end tlsEnd) *clockEnd {
	if e, known := l.ends[end]; known || len(l.order) >= clockEndLimit {
		return e
	}
	if l.ends == nil {
		l.ends = map[tlsEnd]*clockEnd{}
	}
	e := &clockEnd{}
	l.ends[end] = e
	l.order = append(l.order, end)
	return e
}

// control takes a connection with the true time.
func (e *clockEnd) control(sent uint64) {
	if e.accepted.Seen()+e.refused.Seen()+e.unclear.Seen() > 0 {
		e.after = true
		return
	}
	if e.before = true; e.least == 0 || sent < e.least {
		e.least = sent
	}
}

// seeEnded settles a connection: only then is it known that no data came. One that
// resumed an older session (RFC 8446 section 2.2) was shown no certificate.
func (l *clockLens) seeEnded(ev *sighting, b event.FlowEnded) {
	f := l.flows[ev.Flow]
	delete(l.flows, ev.Flow)
	if f == nil || !f.chosen || f.resumed {
		return
	}
	switch {
	case f.shifted && f.shown:
		f.settle(b)
	case !f.data:
	case f.shifted:
		l.early.Add(f.hello)
	default:
		f.end.control(b.Client.Bytes)
	}
}

// settle decides what a connection under the later time came to. In TLS 1.3 a device
// that looks at the certificate after the handshake sends a Finished and no data; with
// data it sends at least as much as with the true time.
func (f *clockFlow) settle(b event.FlowEnded) {
	e := f.end
	e.notAfter, e.after = f.notAfter, false
	whole := b.Client.Missing+b.Server.Missing == 0 && b.How != event.EndedByLog
	switch {
	case f.data && (!f.modern || e.least > 0 && b.Client.Bytes >= e.least):
		e.accepted.Add(f.hello)
	case f.data || !whole:
		e.unclear.Add(f.hello)
	default:
		e.refused.Add(f.hello)
	}
}

func (l *clockLens) state(_ *world, out *Sheet) {
	out.Int("clock.told", l.told.Seen(), l.told)
	if l.told.Seen() == 0 {
		return
	}
	var all, accepted, refused, backed, unclear Because
	var taken, left []string
	for _, end := range l.order {
		e := l.ends[end]
		name := fmt.Sprintf("%s (until %s)", end, e.notAfter.UTC().Format(time.DateOnly))
		switch {
		case e.accepted.Seen() > 0:
			accepted.Add(e.accepted.events[0])
			taken = append(taken, name)
		case e.unclear.Seen() > 0:
			unclear.Add(e.unclear.events[0])
		case e.refused.Seen() > 0:
			refused.Add(e.refused.events[0])
			left = append(left, name)
			if e.before && e.after {
				backed.Add(e.refused.events[0])
			}
		}
	}
	all.Join(accepted)
	all.Join(refused)
	all.Join(unclear)
	slices.Sort(taken)
	slices.Sort(left)
	out.Int("clock.days", l.days, l.told)
	out.Int("clock.adopted", l.adopted.Seen(), l.adopted)
	out.Int("clock.kept", l.kept.Seen(), l.kept)
	out.Int("clock.ends", len(taken)+len(left)+unclear.Seen(), all)
	out.Int("clock.unclear", unclear.Seen(), unclear)
	out.Int("clock.untried", max(0, l.servers-len(taken)-len(left)-unclear.Seen()), l.told)
	out.Int("clock.accepted", len(taken), accepted)
	out.List("clock.accepted_names", taken, accepted)
	out.Int("clock.refused", len(left), refused)
	out.List("clock.refused_names", left, refused)
	out.Int("clock.backed", backed.Seen(), backed)
	out.Int("clock.unshown", l.early.Seen(), l.early)
}
