package fact

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

// Limits of what is kept of one host's TLS.
const (
	tlsDestLimit  = 256  // destinations told apart
	tlsConnLimit  = 1024 // handshakes under way
	tlsStackLimit = 64   // TLS clients told apart
	tlsKeyLimit   = 32   // public keys of own services
)

// tlsEnd is a destination: the server name where one was sent, else the address,
// and the port. TCP and QUIC to one name and port are one destination.
type tlsEnd struct {
	name string
	port uint16
}

func (e tlsEnd) String() string { return e.name + ":" + strconv.Itoa(int(e.port)) }

// tlsDest is what was seen with one destination.
type tlsDest struct {
	end    tlsEnd
	local  bool
	worst  uint16 // the poorest of the best versions on offer
	poor   *event.Event
	first  *event.Event
	traits map[tlsTrait]tlsEvidence
}

type tlsEvidence struct {
	detail string
	events Because
}

func (d *tlsDest) note(t tlsTrait, about *event.Event, detail string) {
	e := d.traits[t]
	if e.events.Seen() == 0 {
		e.detail = detail
	}
	e.events.Add(about)
	d.traits[t] = e
}

// tlsLens states what the device's TLS looks like, as client and as server.
type tlsLens struct {
	dests  map[tlsEnd]*tlsDest
	order  []tlsEnd
	open   map[event.FlowID]*tlsConn
	queue  []event.FlowID // open, by first event
	stacks map[string]bool
	hellos Because
	quic   Because
	unread Because
	other  Because
	beyond Because
	served Because
	keys   []string
}

func (*tlsLens) wants() wanted {
	return wanted{
		Actor: {
			event.ClientHello{}, event.FlowEnded{}, event.ServerHello{}, event.ServerKeyExchange{},
			event.Certificates{}, event.CertificateRequested{}, event.PSKIdentity{}, event.TLSAlert{},
			event.TLSKeysChanged{}, event.TLSAppData{}, event.NoteSeen{},
		},
		Other:     {event.ClientHello{}, event.Certificates{}, event.NoteSeen{}},
		Bystander: {event.NoteSeen{}},
	}
}

func (l *tlsLens) see(w *world, ev *sighting, role Role) {
	if b, ok := ev.Body.(event.NoteSeen); ok {
		l.seeNote(b)
		return
	}
	switch role {
	case Actor:
		l.seeClient(w, ev)
	case Other:
		l.seeServer(ev)
	case Bystander, Asked, roles:
	}
}

// seeNote marks a connection that the box answers in the server's place; it says so
// before its first byte.
func (l *tlsLens) seeNote(b event.NoteSeen) {
	var n event.InterceptNote
	if b.Kind != event.NoteIntercept || json.Unmarshal(b.JSON, &n) != nil || n.Case == event.CasePass {
		return
	}
	ends := forgedEnds{unmapped(n.Client), unmapped(n.Server)}
	for _, c := range l.open {
		if c.ends == ends {
			c.forged = true
		}
	}
}

// seeServer notes TLS that others open to this host's services.
func (l *tlsLens) seeServer(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.ClientHello:
		l.served.See(ev)
	case event.Certificates:
		if b.From == event.FromServer && len(b.Chain) > 0 && b.Chain[0].SPKI != "" &&
			!slices.Contains(l.keys, b.Chain[0].SPKI) && len(l.keys) < tlsKeyLimit {
			l.keys = append(l.keys, b.Chain[0].SPKI)
		}
	}
}

func (l *tlsLens) seeClient(w *world, ev *sighting) {
	switch b := ev.Body.(type) {
	case event.ClientHello:
		l.seeHello(w, ev, b)
	case event.FlowEnded:
		l.seeEnd(ev, b)
	case event.ServerHello, event.ServerKeyExchange, event.Certificates, event.CertificateRequested,
		event.TLSAlert, event.TLSKeysChanged, event.TLSAppData:
		l.conn(w, ev).see(ev)
	case event.PSKIdentity:
		c := l.conn(w, ev)
		c.see(ev)
		if mac, ok := w.host.MAC(); ok {
			c.pskMAC = namesMAC(b.Identity, mac)
		}
	}
}

// conn is the handshake of a conversation; one whose hello was not seen is known
// by its address.
func (l *tlsLens) conn(w *world, ev *sighting) *tlsConn {
	if c, ok := l.open[ev.Flow]; ok {
		return c
	}
	if l.open == nil {
		l.open = map[event.FlowID]*tlsConn{}
	}
	if len(l.open) >= tlsConnLimit {
		l.finish(l.queue[0])
	}
	c := &tlsConn{dest: addrEnd(ev.Server), local: w.scope(ev.Server.Addr()) != ScopeInternet, first: ev.keep()}
	l.open[ev.Flow] = c
	l.queue = append(l.queue, ev.Flow)
	c.ends = forgedEnds{ev.Client, ev.Server}
	return c
}

func addrEnd(a netip.AddrPort) tlsEnd { return tlsEnd{name: a.Addr().Unmap().String(), port: a.Port()} }

func (l *tlsLens) seeHello(w *world, ev *sighting, b event.ClientHello) {
	if c, ok := l.open[ev.Flow]; ok && c.greeted {
		if c.goesOn(b) {
			return
		}
		l.finish(ev.Flow)
	}
	c := l.conn(w, ev)
	c.hello, c.greeted, c.first = b, true, ev.keep()
	if b.HasSNI && b.SNI != "" {
		c.dest.name = event.Clean(strings.ToLower(strings.TrimSuffix(b.SNI, ".")))
	}
	l.hellos.See(ev)
	if b.Transport == event.QUIC {
		l.quic.See(ev)
	}
	l.noteStack(b)
	l.noteHello(c, ev, b)
}

// goesOn says that a second hello belongs to the handshake under way, after a
// HelloRetryRequest; the compatibility ChangeCipherSpec of TLS 1.3 may go before it.
func (c *tlsConn) goesOn(b event.ClientHello) bool {
	return !c.chosen && (!c.changed || stackKey(c.hello) == stackKey(b))
}

func (l *tlsLens) noteStack(b event.ClientHello) {
	if l.stacks == nil {
		l.stacks = map[string]bool{}
	}
	if len(l.stacks) < tlsStackLimit {
		l.stacks[stackKey(b)] = true
	}
}

func (l *tlsLens) noteHello(c *tlsConn, ev *sighting, b event.ClientHello) {
	d := destFor(&l.dests, &l.order, c)
	if d == nil {
		l.beyond.See(ev)
		return
	}
	if v := bestVersion(b); d.poor == nil || v < d.worst {
		d.worst, d.poor = v, ev.keep()
	}
	noteOffer(b, func(t tlsTrait, detail string) {
		if t == traitNoName && c.local {
			return // a neighbour has no name that server_name could carry
		}
		d.note(t, ev.keep(), detail)
	})
}

// destFor finds or makes a destination; nil when there are too many.
func destFor(dests *map[tlsEnd]*tlsDest, order *[]tlsEnd, c *tlsConn) *tlsDest {
	if d, ok := (*dests)[c.dest]; ok {
		d.local = d.local && c.local
		return d
	}
	if len(*order) >= tlsDestLimit {
		return nil
	}
	if *dests == nil {
		*dests = map[tlsEnd]*tlsDest{}
	}
	d := &tlsDest{end: c.dest, local: c.local, first: c.first, traits: map[tlsTrait]tlsEvidence{}}
	(*dests)[c.dest] = d
	*order = append(*order, c.dest)
	return d
}

func (l *tlsLens) seeEnd(ev *sighting, b event.FlowEnded) {
	secure := slices.Contains([]string{"tls", "dtls", "quic", "gquic"}, b.Protocol)
	c, known := l.open[ev.Flow]
	switch {
	case known:
		c.ended = b.How == event.EndedByClose || b.How == event.EndedByReset
		if !c.greeted {
			l.unread.See(ev)
		}
		l.finish(ev.Flow)
	case secure:
		l.unread.See(ev)
	case b.Transport == event.TCP && b.Client.Bytes > 0 && b.Server.Bytes > 0:
		l.other.See(ev)
	}
}

// finish settles a handshake of which no more will come.
func (l *tlsLens) finish(id event.FlowID) {
	c, ok := l.open[id]
	if !ok {
		return
	}
	delete(l.open, id)
	l.queue = slices.DeleteFunc(l.queue, func(f event.FlowID) bool { return f == id })
	d := destFor(&l.dests, &l.order, c)
	if d == nil {
		l.beyond.Add(c.first)
		return
	}
	c.noteUse(d.note)
}
