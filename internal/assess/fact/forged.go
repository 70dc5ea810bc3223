package fact

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// Limits of what is kept of one host's intercepted connections.
const (
	forgedFlowLimit = 2048 // connections of which the packets are remembered
	forgedDestLimit = 256  // destinations told apart
)

// forgedEnds is a connection as the device has it.
type forgedEnds struct{ client, server netip.AddrPort }

// forgedFlow is what the packets show of one connection.
type forgedFlow struct {
	dest   tlsEnd
	boot   int
	hello  *event.Event
	chosen bool   // a ServerHello was seen
	modern bool   // it chose TLS 1.3
	leaf   string // SHA-256 of the leaf, where it was readable
	data   bool   // application data of the client; in TLS 1.3 more than an alert
	local  bool
}

// forgedLens puts together what the box says it did with the TLS connections of
// the device and what the packets show of them. A note without its packets does
// not count.
type forgedLens struct {
	joins    joinings
	flows    map[forgedEnds]*forgedFlow
	queue    []forgedEnds // of flows, by first packet
	dests    map[tlsEnd]*forgedDest
	order    []tlsEnd
	unbacked Because
	beyond   Because
}

// forgedDest is one destination with what was tried there.
type forgedDest struct {
	end   tlsEnd
	first *event.Event
	cases map[string]*forgedCase
	// passed says that an untouched connection worked: before the first flaw, and
	// after the last one.
	before, after bool
	flawed        bool
}

// forgedCase is one flaw at one destination.
type forgedCase struct {
	tried, refused, accepted int
	completed, impossible    int // handshake without data; no ServerHello possible
	broken, contradicted     int // the box failed; the packets say otherwise
	firstAccepted            int // its number among the tries, from 1
	gaveIn                   int // refusals in a row, within a boot, before it was accepted
	run, longest             int // refusals in a row within one boot
	boot                     int
	boots                    []int
	alerts                   []uint8 // of the refusals, each once
	silent                   int     // refusals without an alert
	pastHello                int     // refusals because of the certificate, not the version
	because                  Because
}

func (*forgedLens) wants() wanted {
	return wanted{
		Actor: {
			event.ClientHello{}, event.ServerHello{}, event.Certificates{}, event.TLSAppData{},
			event.DHCP4{}, event.NeighbourSolicited{}, event.DNSAsked{}, event.FlowStarted{}, event.NoteSeen{},
		},
		Other:     {event.NoteSeen{}},
		Bystander: {event.NoteSeen{}},
	}
}

func (l *forgedLens) see(w *world, ev *sighting, role Role) {
	if b, ok := ev.Body.(event.NoteSeen); ok {
		l.seeNote(w, ev, b)
		return
	}
	if role != Actor {
		return
	}
	l.joins.see(w, ev)
	switch b := ev.Body.(type) {
	case event.ClientHello:
		l.seeHello(w, ev, b)
	case event.ServerHello:
		l.with(ev, func(f *forgedFlow) { f.chosen, f.modern = true, event.TLSVersion(b.Version) >= 0x0304 })
	case event.Certificates:
		if b.From == event.FromServer && len(b.Chain) > 0 {
			l.with(ev, func(f *forgedFlow) { f.leaf = b.Chain[0].SHA256 })
		}
	case event.TLSAppData:
		if b.From == event.FromClient {
			l.with(ev, func(f *forgedFlow) { f.sent(b.Length) })
		}
	}
}

// sent takes a record of application data of the client. In TLS 1.3 a short one may be
// nothing but a refusal.
func (f *forgedFlow) sent(length int) {
	f.data = f.data || !f.modern || length >= event.FinishedLimit
}

func (l *forgedLens) with(ev *sighting, do func(*forgedFlow)) {
	if f := l.flows[forgedEnds{ev.Client, ev.Server}]; f != nil {
		do(f)
	}
}

// seeHello remembers a connection; of one whose ends are used again the later one.
func (l *forgedLens) seeHello(w *world, ev *sighting, b event.ClientHello) {
	ends := forgedEnds{ev.Client, ev.Server}
	if f := l.flows[ends]; f != nil && !f.chosen {
		return // after a HelloRetryRequest
	}
	if l.flows == nil {
		l.flows = map[forgedEnds]*forgedFlow{}
	}
	if _, again := l.flows[ends]; !again {
		if len(l.queue) >= forgedFlowLimit {
			delete(l.flows, l.queue[0])
			l.queue = slices.Delete(l.queue, 0, 1)
		}
		l.queue = append(l.queue, ends)
	}
	f := &forgedFlow{dest: addrEnd(ev.Server), boot: l.joins.count(), hello: ev.keep(), local: w.scope(ev.Server.Addr()) != ScopeInternet}
	if b.HasSNI && b.SNI != "" {
		f.dest.name = event.Clean(strings.ToLower(strings.TrimSuffix(b.SNI, ".")))
	}
	l.flows[ends] = f
	if !f.local && l.dest(f) == nil {
		l.beyond.See(ev)
	}
}

// dest finds or makes a destination; nil when there are too many.
func (l *forgedLens) dest(f *forgedFlow) *forgedDest {
	if d, ok := l.dests[f.dest]; ok {
		return d
	}
	if len(l.order) >= forgedDestLimit {
		return nil
	}
	if l.dests == nil {
		l.dests = map[tlsEnd]*forgedDest{}
	}
	d := &forgedDest{end: f.dest, first: f.hello, cases: map[string]*forgedCase{}}
	l.dests[f.dest] = d
	l.order = append(l.order, f.dest)
	return d
}

// seeNote takes the end of an interception.
func (l *forgedLens) seeNote(w *world, ev *sighting, b event.NoteSeen) {
	var n event.InterceptNote
	if b.Kind != event.NoteIntercept || json.Unmarshal(b.JSON, &n) != nil || n.Phase == event.Begun {
		return
	}
	if _, own := w.addrs[n.Client.Addr().Unmap()]; !own {
		return // another device's
	}
	f := l.flows[forgedEnds{unmapped(n.Client), unmapped(n.Server)}]
	if f == nil {
		l.unbacked.See(ev)
		return
	}
	d := l.dest(f)
	if d == nil {
		return // counted as beyond when its hello was seen
	}
	if n.Case == event.CasePass {
		d.pass(n, f)
		return
	}
	d.flawed, d.after = true, false
	c := d.cases[n.Case]
	if c == nil {
		c = &forgedCase{}
		d.cases[n.Case] = c
	}
	c.because.Add(f.hello)
	c.because.See(ev)
	c.add(n, f)
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// pass notes an untouched connection that worked.
func (d *forgedDest) pass(n event.InterceptNote, f *forgedFlow) {
	if n.Outcome != event.InterceptPassed || !f.chosen || !f.data {
		return
	}
	if d.flawed {
		d.after = true
	} else {
		d.before = true
	}
}

// add counts one connection with a flaw, in the order of the notes.
func (c *forgedCase) add(n event.InterceptNote, f *forgedFlow) {
	c.tried++
	if c.boot != f.boot {
		c.boot, c.run = f.boot, 0
	}
	if !slices.Contains(c.boots, f.boot) {
		c.boots = append(c.boots, f.boot) // at most joinLimit
	}
	switch n.Outcome {
	case event.InterceptAccepted:
		c.addAccepted(n, f)
	case event.InterceptRefused:
		c.addRefused(n, f)
	case event.InterceptCompleted:
		c.completed++
		c.run = 0
	case event.InterceptNoHello:
		c.impossible++
	case event.InterceptSwallowed:
	default:
		c.broken++
	}
}

// addAccepted believes an acceptance when the packets show that the flawed server
// answered, with the certificate that the note names where it can be read, and that
// the device then sent data.
func (c *forgedCase) addAccepted(n event.InterceptNote, f *forgedFlow) {
	if n.AppBytes == 0 || !f.chosen || !f.data || f.leaf != "" && n.Leaf != "" && f.leaf != n.Leaf {
		c.contradicted++
		return
	}
	if c.accepted == 0 {
		c.firstAccepted, c.gaveIn = c.tried, c.run
	}
	c.accepted++
	c.run = 0
}

// addRefused counts a refusal only of a ServerHello that the packets show.
func (c *forgedCase) addRefused(n event.InterceptNote, f *forgedFlow) {
	if !f.chosen {
		c.broken++
		return
	}
	c.refused++
	c.run++
	c.longest = max(c.longest, c.run)
	switch {
	case !n.Alerted:
		c.silent++
	case !slices.Contains(c.alerts, n.Alert):
		c.alerts = append(c.alerts, n.Alert) // at most 256
	}
	if n.Alerted && isCertificateAlert(n.Alert) {
		c.pastHello++
	}
}

// isCertificateAlert says that an alert is about a certificate or a signature, so
// that what came before it was taken (RFC 8446 section 6.2, RFC 5246 section 7.2.2).
func isCertificateAlert(description uint8) bool {
	return description >= 42 && description <= 46 || description == 48 || description == 51
}
