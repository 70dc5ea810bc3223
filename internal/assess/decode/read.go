package decode

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	yes   = wire.Yes
	maybe = wire.Maybe

	// decideBytes is how many first bytes are shown to recognisers that cannot
	// tell yet; decideTries and decideFew allow many tiny segments but not many
	// full ones.
	decideBytes = 2 << 10
	decideTries = 3
	decideFew   = 128
	// latecomers is how many segments' beginnings are tried in a conversation
	// that was joined midway or has a hole before anything was recognised.
	latecomers = 8
	// restartLimit bounds how often a conversation is recognised afresh.
	restartLimit = 16
	// bufferedLimit bounds the buffers of all conversations together.
	bufferedLimit = 24 << 20
)

// reading is the state of who reads a conversation.
type reading struct {
	stream   wire.Stream
	datagram wire.Datagram
	scanner  wire.Datagram // reads datagrams that nobody recognised
	unknown  bool          // stream only scans what nobody recognised
	done     bool          // nothing more is wanted
	busy     bool          // the other side's kept bytes are being read
	again    bool          // recognise what the other side has kept
	restarts int
	refused  int // datagrams in a row
}

// ignored reads a conversation that nobody recognised when there is no scanner.
type ignored struct{}

// Data consumes everything.
func (ignored) Data(_ wire.Context, _ event.Side, data []byte) wire.Step {
	return wire.Step{Consumed: len(data)}
}

// Gap does nothing.
func (ignored) Gap(wire.Context, event.Side, int) {}

// Close does nothing.
func (ignored) Close(wire.Context, event.Side) {}

// Packet takes everything.
func (ignored) Packet(wire.Context, event.Side, []byte) bool { return true }

// offer reads the next bytes of a side. Nothing is copied when the reader
// consumes them all.
func (d *Decoder) offer(c *conversation, side event.Side, data []byte, ref event.Ref) {
	h, r := &c.half[side], &c.reading
	if r.done || h.done {
		return
	}
	if r.unknown {
		d.measure(h, data)
		d.recogniseLate(c, side, data)
	}
	if len(h.buf) > 0 {
		d.keep(h, data, ref)
		d.readKept(c, side)
	} else {
		h.lone = ref
		if n := d.feed(c, side, data); n < len(data) && !r.done && !h.done {
			d.keep(h, data[n:], ref)
		}
	}
	d.boundKept(c, side)
	if other := 1 - side; r.again {
		r.again = false
		d.readKept(c, other)
	}
}

// readKept offers what a side has kept.
func (d *Decoder) readKept(c *conversation, side event.Side) {
	h := &c.half[side]
	if len(h.buf) == 0 || c.reading.done || h.done {
		return
	}
	n := d.feed(c, side, h.buf)
	d.consume(h, n)
}

// boundKept drops what a side has kept when it is too much.
func (d *Decoder) boundKept(c *conversation, side event.Side) {
	h := &c.half[side]
	if c.reading.done {
		d.clear(&c.half[0])
		d.clear(&c.half[1])
		return
	}
	if len(h.buf) <= wire.BufferLimit && d.buffered <= bufferedLimit {
		return
	}
	if n := len(h.buf); n > 0 {
		if d.buffered > bufferedLimit {
			d.counts.Crowded++
		}
		d.gap(c, side, n)
	}
}

// feed shows data to the reader until it wants no more, and returns how many
// bytes are dealt with.
func (d *Decoder) feed(c *conversation, side event.Side, data []byte) int {
	h, r := &c.half[side], &c.reading
	n := 0
	for n < len(data) {
		if r.stream == nil && !d.recognise(c, side, data[n:]) {
			return n
		}
		if r.done || h.done {
			return len(data)
		}
		if r.stream == nil {
			continue
		}
		h.base = n
		step := r.stream.Data(d.context(c, side), side, data[n:])
		h.base = 0
		took := min(max(step.Consumed, 0), len(data)-n)
		n += took
		if d.next(c, h, step.Next) {
			return len(data)
		}
		if took == 0 && step.Next != wire.Restart {
			return n
		}
	}
	return n
}

// next does what a reader wants next, and reports whether the rest of the side's
// bytes are of no use to it.
func (d *Decoder) next(c *conversation, h *half, want wire.Next) bool {
	r := &c.reading
	switch want {
	case wire.SideDone:
		h.done = true
		return true
	case wire.Done:
		if r.unknown { // go on measuring
			r.stream = ignored{}
			return false
		}
		r.done = true
		return true
	case wire.Restart:
		if r.restarts++; r.restarts > restartLimit {
			r.done = true
			return true
		}
		r.stream, r.unknown, r.again = nil, false, true
		for i := range c.half {
			c.half[i].tries, c.half[i].gaveUp, c.half[i].done = 0, false, false
		}
		return false
	default:
		return false
	}
}

// recognise finds a reader by a side's first bytes. It reports false while they
// are too few to tell.
func (d *Decoder) recognise(c *conversation, side event.Side, first []byte) bool {
	h := &c.half[side]
	h.tries++
	kind, undecided := d.kindOf(c, side, first)
	if kind == nil && undecided && len(first) < decideBytes && (h.tries < decideTries || len(first) < decideFew) {
		return false
	}
	d.assign(c, side, kind, first)
	return true
}

// assign gives a conversation its reader, who begins with what the other side
// has kept: that came first.
func (d *Decoder) assign(c *conversation, side event.Side, kind *wire.StreamKind, first []byte) {
	h, r := &c.half[side], &c.reading
	other := &c.half[1-side]
	if kind != nil {
		r.stream, r.unknown, c.protocol = kind.New(), false, kind.Name
	} else {
		h.gaveUp = true
		r.stream, r.unknown = d.protocols.unknownStream(), true
		d.measure(h, first)
		d.measure(other, other.buf)
	}
	if len(other.buf) > 0 && !r.busy {
		r.busy = true
		d.readKept(c, 1-side)
		r.busy = false
	}
}

// kindOf asks all recognisers.
func (d *Decoder) kindOf(c *conversation, side event.Side, first []byte) (kind *wire.StreamKind, undecided bool) {
	for i := range d.protocols.streams {
		k := &d.protocols.streams[i]
		switch k.Recognise(c.conn, side, first) {
		case yes:
			return k, false
		case maybe:
			undecided = true
		default:
		}
	}
	return nil, undecided
}

// recogniseLate looks once more at a conversation that nobody recognised: at the
// other side's first bytes, and, when its beginning is not in the log, at the
// beginnings of a few segments.
func (d *Decoder) recogniseLate(c *conversation, side event.Side, data []byte) {
	h, r := &c.half[side], &c.reading
	retry := c.conn.Midway && h.tries < latecomers
	if h.gaveUp && !retry {
		return
	}
	h.tries++
	h.gaveUp = true
	kind, _ := d.kindOf(c, side, data)
	if kind == nil {
		return
	}
	d.clear(&c.half[0])
	d.clear(&c.half[1])
	r.stream, r.unknown, c.protocol = kind.New(), false, kind.Name
}

// gap tells a reader that bytes are missing; what was kept before them is of no
// use any more.
func (d *Decoder) gap(c *conversation, side event.Side, n int) {
	h, r := &c.half[side], &c.reading
	if r.done || h.done {
		return
	}
	if r.stream == nil || r.unknown {
		c.conn.Midway = true
	}
	d.clear(h)
	if r.stream != nil {
		r.stream.Gap(d.context(c, side), side, n)
	}
}

// closeSide tells a reader that a side ended.
func (d *Decoder) closeSide(c *conversation, side event.Side) {
	h, r := &c.half[side], &c.reading
	if h.closed {
		return
	}
	h.closed = true
	if r.stream != nil && !r.done {
		r.stream.Close(d.context(c, side), side)
	}
}

// settle decides at the end of a conversation about bytes that waited for more.
func (d *Decoder) settle(c *conversation) {
	for side := range c.half {
		h, r := &c.half[side], &c.reading
		if r.stream != nil || r.done || len(h.buf) == 0 {
			continue
		}
		d.assign(c, event.Side(side), nil, h.buf)
		d.readKept(c, event.Side(side))
	}
}
