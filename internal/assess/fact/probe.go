package fact

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

// Limits of what is kept of the box's questions to one host.
const (
	probeTalkLimit = 4096 // conversations in which the device answered, or over UDP
	probeNoteLimit = 4096 // notes
	probeAddrLimit = 16   // addresses asked
	probePortLimit = 1024 // open ports told apart
)

// probeLens puts together what the box says it asked the device itself and what the
// packets of these conversations show. A note without its packets does not count, and
// no attempt to log in without a consent before it.
type probeLens struct {
	talks  map[probeEnds]*probeTalk
	queue  []*probeTalk // of talks, by first packet; replaced ones too
	open   map[event.FlowID]*probeTalk
	asking map[netip.AddrPort]*probeTalk // over UDP, by the end of the box
	at     map[netip.Addr]*probeAddr
	addrs  []netip.Addr // of at, by first question
	ports  map[probePort]*probeDoor
	notes  []probeSaid
	asked  Because
	beyond Because
}

// probeEnds is a conversation of the box with the device.
type probeEnds struct {
	box, device netip.AddrPort
	udp         bool
}

// probePort is a port of the device, at whichever of its addresses.
type probePort struct {
	udp  bool
	port uint16
}

func (p probePort) String() string {
	return map[bool]string{true: "udp/", false: "tcp/"}[p.udp] + strconv.Itoa(int(p.port))
}

// probeDoor is an open port: TCP that was accepted, or UDP that was answered.
type probeDoor struct {
	open    [2]bool // by family: IPv4, IPv6
	because Because
}

// probeSaid is a note with what it rests on.
type probeSaid struct {
	note      event.ProbeNote
	by        *event.Event
	consented bool
}

// probeTalk is one conversation of the box with the device.
type probeTalk struct {
	probeEnds
	by        *event.Event
	over      bool
	asked     uint64 // bytes of payload of the box
	got       uint64 // and of the device
	spoke     bool   // payload of the device was understood
	closed    bool   // it ended by a close or a reset
	protocol  string
	tls       *tlsConn
	http      probeHTTP
	banner    string
	service   string // that the banner speaks
	logins    [3]int // logins by event.LoginOutcome
	exposed   []event.ExposedKind
	continued *probeTalk // the question that it answers from another port
}

// probeHTTP counts the readable answers of one conversation.
type probeHTTP struct {
	answers, fine, forms, demands, redirects int // demands: 401

	server string
	scheme string // of a demand: basic, digest, or another
}

func (*probeLens) wants() wanted {
	note := []event.Body{event.NoteSeen{}}
	return wanted{
		Actor: note, Other: note, Bystander: note,
		Asked: {
			event.FlowStarted{}, event.FlowEstablished{}, event.FlowEnded{}, event.HTTPResponse{}, event.Login{},
			event.LoginAnswered{}, event.ServiceBanner{}, event.Announced{}, event.Exposed{}, event.ClientHello{}, event.ServerHello{},
			event.ServerKeyExchange{}, event.Certificates{}, event.TLSAlert{},
		},
	}
}

func (l *probeLens) see(w *world, ev *sighting, role Role) {
	if b, ok := ev.Body.(event.NoteSeen); ok {
		l.seeNote(w, ev, b)
		return
	}
	if role != Asked {
		return
	}
	switch b := ev.Body.(type) {
	case event.FlowStarted:
		l.begin(ev, b)
	case event.FlowEstablished:
		l.establish(ev, b)
	case event.FlowEnded:
		l.end(ev, b)
	default:
		if t := l.open[ev.Flow]; t != nil {
			t.see(ev)
		}
	}
}

// seeNote keeps what is told of this host, until the packets are all there.
func (l *probeLens) seeNote(w *world, ev *sighting, b event.NoteSeen) {
	n := w.asked.note
	if b.Kind != event.NoteProbe || !w.asked.valid || n.Kind == event.ProbeOpen || !l.isOwn(w, n.Server.Addr()) {
		return
	}
	if len(l.notes) >= probeNoteLimit {
		l.beyond.See(ev)
		return
	}
	l.notes = append(l.notes, probeSaid{n, ev.keep(), w.asked.consent != nil})
}

// isOwn says that an address is this host's, as far as was seen.
func (l *probeLens) isOwn(w *world, a netip.Addr) bool {
	_, used := w.addrs[a]
	return used || l.at[a] != nil
}

// endsOf tells the ends of an event in the role Asked, and whether the device stands
// as the client.
func endsOf(ev *sighting, udp bool) (ends probeEnds, turned bool) {
	client, server := plainEnd(ev.Client), plainEnd(ev.Server)
	if client == ev.box {
		return probeEnds{client, server, udp}, false
	}
	return probeEnds{server, client, udp}, true
}

func (l *probeLens) begin(ev *sighting, b event.FlowStarted) {
	udp := b.Transport == event.UDP
	ends, turned := endsOf(ev, udp)
	l.asked.See(ev)
	a := l.addr(ends.device.Addr())
	if a == nil {
		l.beyond.See(ev)
		return
	}
	if b.Midway {
		return // what is left over of a conversation that ended
	}
	if !udp {
		a.try(ends.device.Port(), ev.Ref)
		return
	}
	t := l.talk(ev, ends)
	if !turned {
		a.questions[ends.device.Port()]++ // at most one entry for each port
		keep(&l.asking, ends.box, t, probeTalkLimit)
	} else if first := l.asking[ends.box]; first != nil && first.device.Addr() == ends.device.Addr() {
		t.continued = first
	}
}

// addr finds or makes the record of an address; nil when there are too many.
func (l *probeLens) addr(a netip.Addr) *probeAddr {
	if known := l.at[a]; known != nil {
		return known
	}
	if len(l.addrs) >= probeAddrLimit {
		return nil
	}
	made := &probeAddr{questions: map[uint16]int{}}
	keep(&l.at, a, made, probeAddrLimit)
	l.addrs = append(l.addrs, a)
	return made
}

// talk makes the record of a conversation. Of two with the same ends the later counts,
// and beyond the limit the oldest are forgotten.
func (l *probeLens) talk(ev *sighting, ends probeEnds) *probeTalk {
	if l.talks == nil {
		l.talks, l.open = map[probeEnds]*probeTalk{}, map[event.FlowID]*probeTalk{}
	}
	t := &probeTalk{probeEnds: ends, by: ev.keep()}
	if len(l.queue) >= probeTalkLimit {
		l.forget(l.queue[0])
		l.queue = l.queue[1:]
		l.beyond.See(ev)
	}
	l.queue = append(l.queue, t)
	l.talks[ends], l.open[ev.Flow] = t, t
	return t
}

func (l *probeLens) forget(t *probeTalk) {
	if l.talks[t.probeEnds] == t {
		delete(l.talks, t.probeEnds)
	}
	if l.asking[t.box] == t {
		delete(l.asking, t.box)
	}
	if l.open[t.by.Flow] == t {
		delete(l.open, t.by.Flow)
	}
}

// establish takes the answer of an open port.
func (l *probeLens) establish(ev *sighting, b event.FlowEstablished) {
	udp := b.Transport == event.UDP
	ends, turned := endsOf(ev, udp)
	a := l.at[ends.device.Addr()]
	if a == nil || turned {
		return
	}
	if !udp {
		a.answer(ends.device.Port(), ev.Ref)
		l.talk(ev, ends)
	}
	l.openDoor(ev, probePort{udp, ends.device.Port()}, ends.device.Addr())
}

func (l *probeLens) openDoor(ev *sighting, p probePort, at netip.Addr) {
	d := l.ports[p]
	if d == nil {
		if len(l.ports) >= probePortLimit {
			l.beyond.See(ev)
			return
		}
		d = &probeDoor{}
		keep(&l.ports, p, d, probePortLimit)
	}
	if !d.open[family(at)] {
		d.open[family(at)] = true
		d.because.See(ev)
	}
}

func (l *probeLens) end(ev *sighting, b event.FlowEnded) {
	ends, turned := endsOf(ev, b.Transport == event.UDP)
	box, device := b.Client, b.Server
	if turned {
		box, device = device, box
	}
	t := l.open[ev.Flow]
	delete(l.open, ev.Flow)
	if t == nil {
		if a := l.at[ends.device.Addr()]; a != nil && !ends.udp && device.Packets > 0 {
			a.answer(ends.device.Port(), ev.Ref) // it refused
		}
		return
	}
	t.over, t.protocol = true, b.Protocol
	t.asked, t.got = box.Bytes, device.Bytes
	t.closed = b.How == event.EndedByClose || b.How == event.EndedByReset
	if t.continued != nil && t.got > 0 {
		t.continued.got += t.got
		l.openDoor(ev, probePort{true, t.continued.device.Port()}, ends.device.Addr())
	}
}

// heard says that the device sent payload.
func (t *probeTalk) heard() bool { return t.got > 0 || t.spoke }

// see takes what is said in a conversation.
func (t *probeTalk) see(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.HTTPResponse:
		t.spoke = true
		t.http.see(b)
	case event.ServiceBanner:
		t.spoke, t.service, t.banner = true, b.Service, b.Text
	case event.Login:
		t.count(b.Outcome)
	case event.LoginAnswered:
		t.count(b.Outcome)
	case event.Announced:
		t.spoke = true
		t.seeServer(b.Texts)
	case event.Exposed:
		const most = 16 // there are fewer kinds
		if b.From == event.FromServer && len(t.exposed) < most {
			t.exposed = append(t.exposed, b.Kind)
		}
	default:
		t.seeTLS(ev)
	}
}

func (t *probeTalk) count(o event.LoginOutcome) { t.logins[min(int(o), len(t.logins)-1)]++ }

// seeServer takes what an answer to a search says of the software.
func (t *probeTalk) seeServer(texts []string) {
	for _, text := range texts {
		if key, value, ok := strings.Cut(text, ":"); ok && strings.EqualFold(key, "server") {
			t.banner = strings.TrimSpace(value)
		}
	}
}

func (t *probeTalk) seeTLS(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.ClientHello:
		if t.tls == nil {
			t.tls = &tlsConn{hello: b, greeted: true, first: ev.keep()}
		}
		return
	case event.TLSAlert:
		t.spoke = t.spoke || b.From == event.FromServer
	default:
		t.spoke = true
	}
	if t.tls != nil {
		t.tls.see(ev)
	}
}

// demanded is the scheme that a demand names, in the words of the notes.
func demanded(schemes []string, known string) string {
	for _, s := range schemes {
		if s = strings.ToLower(s); s == "basic" || s == "digest" {
			return s
		}
	}
	return cmp.Or(known, "protocol")
}

func (h *probeHTTP) see(b event.HTTPResponse) {
	h.answers++
	if b.Server != "" {
		h.server = b.Server
	}
	switch {
	case b.Status == 401:
		h.demands++
		h.scheme = demanded(b.AuthSchemes, h.scheme)
	case b.LoginForm:
		h.forms++
	case b.Status >= 300 && b.Status < 400 && strings.HasPrefix(strings.ToLower(b.Location), "https://"):
		h.redirects++
	case b.Status >= 200 && b.Status < 300:
		h.fine++
	}
}
