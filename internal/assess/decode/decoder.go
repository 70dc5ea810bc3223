package decode

import (
	"net/netip"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// Decoder turns entries into events, in one pass and with bounded memory. It is
// owned by one goroutine.
type Decoder struct {
	handle Handler
	counts Counts
	now    time.Time
	nano   int64 // now as nanoseconds since 1970, for cheap comparisons
	ref    event.Ref
	closed bool

	packet    packet // the packet being read; reused
	hosts     hosts
	fragments fragments
	control   control
	table     table
	ends      map[netip.AddrPort]bool // see roles.go
	spare     spare
	reporter  reporter
	protocols protocols
	held      int // bytes of out-of-order segments, all conversations
	buffered  int // bytes that readers have not consumed, all conversations
	measured  int // bytes kept for measuring unrecognised content
}

// New returns a Decoder that reports to h.
func New(opts Options, h Handler) *Decoder {
	d := &Decoder{handle: h, hosts: newHosts(), table: newTable(), protocols: newProtocols(opts), ends: map[netip.AddrPort]bool{}}
	d.control = newControl()
	d.reporter.d = d
	return d
}

// Counts sums up what was seen so far.
func (d *Decoder) Counts() Counts { return d.counts }

// Add reads the next entry of the log.
func (d *Decoder) Add(e evidence.Entry) {
	if d.closed {
		return
	}
	d.now, d.nano, d.ref = e.At, e.At.UnixNano(), e.Num
	switch e.Kind {
	case evidence.KindPacket:
		d.addPacket(e.Packet)
	case evidence.KindNote:
		d.emit(event.Event{Body: event.NoteSeen{Kind: e.Note.Kind, JSON: append([]byte(nil), e.Note.Body...)}})
	case evidence.KindLost:
		d.addLoss(e.Lost)
	default:
	}
}

func (d *Decoder) addPacket(p evidence.Packet) {
	d.counts.Frames++
	d.counts.Bytes += uint64(max(p.Length, 0))
	if p.Cut() {
		d.counts.Cut++
	}
	d.expire()
	d.readFrame(p)
}

func (d *Decoder) addLoss(l evidence.Loss) {
	d.counts.Lost += l.Dropped
	if l.Dropped > 0 {
		d.emit(event.Event{Body: event.FramesLost{Dropped: l.Dropped}})
	}
}

// Close ends all open conversations, in the order of their first packets.
// Entries that come later are ignored.
func (d *Decoder) Close() {
	if d.closed {
		return
	}
	d.closed = true
	for _, c := range d.table.open() {
		d.endConversation(c, event.EndedByLog)
	}
	d.table = newTable()
}

// emit completes an event with time and evidence numbers and hands it on.
func (d *Decoder) emit(e event.Event) {
	if e.Ref == 0 {
		e.At, e.Ref = d.now, d.ref
	}
	if e.First == 0 {
		e.First = e.Ref
	}
	d.handle(e)
}

// tell reports something that the sender of packet p did.
func (d *Decoder) tell(p *packet, body event.Body) {
	e := event.Event{Device: p.from, First: p.first, Body: body}
	if !p.group {
		e.Peer = p.to
	}
	if p.src.IsValid() {
		e.Client = addrPort(p.src, 0)
	}
	d.emit(e)
}

// malformed counts broken bytes and reports the first few of each host and layer.
func (d *Decoder) malformed(p *packet, layer, why string) {
	d.counts.Malformed++
	if d.hosts.mayComplain(p.from, layer) {
		d.tell(p, event.Malformed{Layer: layer, Why: why})
	}
}

// reporter is the wire.Context of the conversation being read.
type reporter struct {
	d    *Decoder
	conn wire.Conn
	c    *conversation
	h    *half
	now  time.Time
	ref  event.Ref
}

// Conn tells the ends of the conversation.
func (r *reporter) Conn() wire.Conn { return r.conn }

// Now is the time of the packet being read.
func (r *reporter) Now() time.Time { return r.now }

// Ref is its evidence number.
func (r *reporter) Ref() event.Ref { return r.ref }

// Name labels the conversation.
func (r *reporter) Name(protocol string) { r.c.protocol = protocol }

// Emit reports body, which began at offset off of the bytes on offer.
func (r *reporter) Emit(off int, body event.Body) { r.EmitFor(r.conn.Device, off, body) }

// EmitFor is Emit for a host that is not the conversation's client.
func (r *reporter) EmitFor(device event.HostID, off int, body event.Body) {
	if bad, ok := body.(event.Malformed); ok {
		r.d.counts.Malformed++
		if !r.d.hosts.mayComplain(device, bad.Layer) {
			return
		}
	}
	e := r.c.event(body)
	e.At, e.Ref, e.First = r.now, r.ref, r.h.refAt(off, r.ref)
	if device != e.Device {
		e.Device, e.Peer = device, e.Device
	}
	r.d.emit(e)
}

// context points the decoder's one reporter at a side of a conversation. What a
// reader says when a conversation is given up rests on its last packet, not on the
// one that made time pass.
func (d *Decoder) context(c *conversation, side event.Side) *reporter {
	r := &d.reporter
	r.c, r.h, r.conn, r.now, r.ref = c, &c.half[side], c.conn, d.now, d.ref
	if c.late {
		r.now, r.ref = c.lastAt, c.lastRef
	}
	return r
}
