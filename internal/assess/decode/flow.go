package decode

import (
	"bytes"
	"net/netip"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// flowKey finds a conversation from either direction: its two ends in order.
// It has no padding, so that the map hashes it in one go.
type flowKey struct {
	low, high         [16]byte
	lowPort, highPort uint16
	kind              uint32 // IP protocol, and bits for the version and for groups
}

const (
	keyV6    = 1 << 8
	keyGroup = 1 << 9
)

// keyOf makes the key of a packet, and reports whether its sender is the low
// end. What is sent to a group stays apart by direction: answers come from other
// addresses and are conversations of their own.
func keyOf(p *packet, from, to uint16) (k flowKey, low bool) {
	k.kind = uint32(p.proto)
	if p.v6 {
		k.kind |= keyV6
	}
	k.low, k.high, k.lowPort, k.highPort = p.src.As16(), p.dst.As16(), from, to
	if p.group {
		k.kind |= keyGroup
		return k, true
	}
	order := bytes.Compare(k.low[:], k.high[:])
	if order < 0 || order == 0 && from <= to {
		return k, true
	}
	k.low, k.high, k.lowPort, k.highPort = k.high, k.low, to, from
	return k, false
}

// conversation is one use of a pair of ends.
type conversation struct {
	key        flowKey
	list       listID
	prev, next *conversation // in its list, by last packet

	conn           wire.Conn
	client, server netip.AddrPort
	clientLow      bool // the client is the low end of key
	half           [2]half

	started  time.Time
	startRef event.Ref
	lastAt   time.Time
	lastRef  event.Ref
	lastNano int64

	opened      bool // TCP: the SYN was seen
	established bool
	reset       bool // TCP: a reset was seen
	late        bool // being finished, maybe long after its last packet
	finished    bool // nothing more is read; reported soon
	reported    bool // FlowEnded is out
	ending      event.Ending

	protocol string
	reading  reading
}

// side tells which end sent a packet.
func (c *conversation) side(low bool) event.Side {
	if low == c.clientLow {
		return event.FromClient
	}
	return event.FromServer
}

// event is an event of this conversation.
func (c *conversation) event(body event.Body) event.Event {
	e := event.Event{
		Device: c.conn.Device, Client: c.client, Server: c.server,
		Flow: c.conn.Flow, Body: body,
	}
	if !c.conn.Group {
		e.Peer = c.conn.Peer
	}
	return e
}

// opening is what the first packet of a conversation tells.
type opening struct {
	key       flowKey
	low       bool // the sender is the low end of key
	transport event.Transport
	from, to  uint16 // ports
	midway    bool
	// byServer says that the sender is taken for the server, and guessed that
	// only ports and addresses say who is.
	byServer, guessed bool
}

// begin adds a conversation to the table and reports it.
func (d *Decoder) begin(p *packet, o opening) *conversation {
	if d.table.full() {
		d.evict()
	}
	c := d.table.record()
	c.key, c.clientLow, c.started, c.startRef, c.opened = o.key, o.low, d.now, p.first, !o.midway
	c.client, c.server = addrPort(p.src, o.from), addrPort(p.dst, o.to)
	c.conn = wire.Conn{
		Flow: d.table.nextID(), Transport: o.transport, Device: p.from, Peer: p.to,
		ClientPort: o.from, ServerPort: o.to, Group: p.group, Midway: o.midway, Guessed: o.guessed,
	}
	if o.byServer && !p.group {
		c.swap()
	}
	d.table.add(c)
	d.touch(c)
	e := c.event(event.FlowStarted{Transport: o.transport, Midway: o.midway, Guessed: o.guessed})
	e.First = p.first
	d.emit(e)
	return c
}

// swap makes the sender of the first packet the server.
func (c *conversation) swap() {
	c.clientLow = !c.clientLow
	c.client, c.server = c.server, c.client
	c.conn.Device, c.conn.Peer = c.conn.Peer, c.conn.Device
	c.conn.ClientPort, c.conn.ServerPort = c.conn.ServerPort, c.conn.ClientPort
}

// touch notes a packet of a conversation.
func (d *Decoder) touch(c *conversation) {
	c.lastAt, c.lastRef, c.lastNano = d.now, d.ref, d.nano
	d.table.move(c, c.list)
}

// counted notes that side sent a packet, and what follows from it being the first.
func (d *Decoder) counted(c *conversation, side event.Side, p *packet) {
	h := &c.half[side]
	h.packets++
	if h.packets == 1 {
		d.noteAddress(p)
	}
}

// establish reports, once, that the server answered.
func (d *Decoder) establish(c *conversation) {
	if c.established {
		return
	}
	c.established = true
	if c.list == listHalf {
		d.table.move(c, listOpen)
	}
	if c.conn.Transport == event.TCP && !c.conn.Guessed {
		d.noteListener(c.server)
	}
	e := c.event(event.FlowEstablished{
		Transport: c.conn.Transport, After: d.now.Sub(c.started), Guessed: c.conn.Guessed,
	})
	e.First = c.startRef
	d.emit(e)
}

// finish ends the reading of a conversation; its report may wait a little for
// the packets that close it.
func (d *Decoder) finish(c *conversation, how event.Ending) {
	if c.finished {
		return
	}
	if c.reset {
		how = event.EndedByReset
	}
	c.late = true
	if c.conn.Transport == event.TCP {
		d.drainAll(c)
	}
	c.finished, c.ending = true, how
	d.release(c)
}

// endConversation finishes a conversation and sums it up, once.
func (d *Decoder) endConversation(c *conversation, how event.Ending) {
	d.finish(c, how)
	if c.reported {
		return
	}
	c.reported = true
	body := event.FlowEnded{
		Transport: c.conn.Transport, How: c.ending, Protocol: c.protocol,
		Started: c.started, Established: c.established, Guessed: c.conn.Guessed,
		Client: d.sum(c, event.FromClient), Server: d.sum(c, event.FromServer),
	}
	e := c.event(body)
	e.At, e.Ref, e.First = c.lastAt, c.lastRef, c.startRef
	d.emit(e)
}

// sum is one side's share of FlowEnded.
func (d *Decoder) sum(c *conversation, side event.Side) event.Half {
	h := &c.half[side]
	out := event.Half{Packets: h.packets, Bytes: h.bytes, Missing: h.missing}
	if c.protocol == "" {
		out.Content = h.content
	}
	return out
}

// release gives back what a conversation held for reading.
func (d *Decoder) release(c *conversation) {
	for side := range c.half {
		h := &c.half[side]
		d.measured -= h.meter.finish(&h.content)
		d.dropPending(h)
		d.clear(h)
	}
	if s, ok := c.reading.stream.(wire.Releaser); ok {
		s.Release()
	}
	c.reading = reading{done: true}
}
