package decode

import (
	"slices"

	"assay/internal/assess/event"
)

const (
	// pendingLimit is how many bytes out of order one side may have waiting.
	pendingLimit = 256 << 10
	// heldLimit is the same for all conversations together.
	heldLimit = 16 << 20
	// segmentCost is what a waiting segment is counted for beside its bytes, so
	// that a flood of tiny ones is bounded too.
	segmentCost = 128
	// aheadLimit is how far ahead of the next byte a segment may be: the largest
	// window there is (RFC 7323 section 2.3).
	aheadLimit = 1 << 30
	// tailLimit is the most acknowledged bytes after the last seen one that are
	// believed to have been sent.
	tailLimit = 1 << 24
)

// segment is a part of a stream that waits for the bytes before it. Where two
// say different things about the same bytes, what was seen first is kept.
type segment struct {
	seq  uint32
	size int
	data []byte // size bytes, or none: cut by the snap length, or not wanted
	lost bool   // the log does not hold the bytes
	ref  event.Ref
}

func (s *segment) end() uint32 { return s.seq + uint32(s.size) }

// receive takes size bytes that side sent, of which the log holds data.
func (d *Decoder) receive(c *conversation, side event.Side, seq uint32, data []byte, size int, ref event.Ref) {
	h, peer := &c.half[side], &c.half[1-side]
	if !h.init && !h.pickUp(seq, data, size) {
		return
	}
	diff := int(int32(seq - h.next))
	if diff < 0 { // sent before, or a keep-alive or window probe
		if -diff >= size {
			return
		}
		data, size, seq, diff = tail(data, -diff), size+diff, h.next, 0
	}
	if diff > aheadLimit {
		return
	}
	d.skipAcked(c, 1-side, peer)
	if diff == 0 && len(h.pending) == 0 {
		d.deliver(c, side, data, size, ref)
		return
	}
	d.receiveAhead(c, side, segment{seq: seq, size: size, data: data, ref: ref})
}

// receiveAhead takes a segment that others wait with or that must wait itself.
func (d *Decoder) receiveAhead(c *conversation, side event.Side, s segment) {
	h := &c.half[side]
	d.wait(c, h, s)
	d.drain(c, side)
	d.skipAcked(c, side, h)
	for len(h.pending) > 0 && (h.held > pendingLimit || d.held > heldLimit) {
		d.counts.Crowded++
		d.skipHole(c, side)
	}
}

// pickUp begins a side in its middle. It reports false for a lone zero byte,
// which is a keep-alive probe more likely than data.
func (h *half) pickUp(seq uint32, data []byte, size int) bool {
	h.init, h.next, h.acked = true, seq, seq
	if size == 1 && len(data) == 1 && data[0] == 0 {
		h.next++
		return false
	}
	return true
}

// skipAcked gives up the hole before the first waiting segment when the other
// side has acknowledged it: then it was not lost on the way, but in the log.
func (d *Decoder) skipAcked(c *conversation, side event.Side, h *half) {
	for len(h.pending) > 0 && int32(h.acked-h.pending[0].seq) >= 0 {
		d.skipHole(c, side)
	}
}

// skipHole gives up the hole before the first waiting segment.
func (d *Decoder) skipHole(c *conversation, side event.Side) {
	h := &c.half[side]
	d.deliver(c, side, nil, int(h.pending[0].seq-h.next), d.ref)
	d.drain(c, side)
}

// drain reads the waiting segments that have become next.
func (d *Decoder) drain(c *conversation, side event.Side) {
	h := &c.half[side]
	for len(h.pending) > 0 && h.pending[0].seq == h.next {
		s := h.pending[0]
		h.pending = slices.Delete(h.pending, 0, 1)
		d.unhold(h, &s)
		if s.lost || s.data != nil {
			d.deliver(c, side, s.data, s.size, s.ref)
			continue
		}
		h.next += uint32(s.size)
		h.bytes += uint64(s.size)
	}
	if len(h.pending) == 0 {
		h.pending = nil
	}
}

// drainAll gives up all holes, when a conversation ends.
func (d *Decoder) drainAll(c *conversation) {
	for side := range c.half {
		h := &c.half[side]
		for len(h.pending) > 0 {
			d.skipHole(c, event.Side(side))
		}
		d.missTail(c, event.Side(side), h)
	}
	d.settle(c)
	for side := range c.half {
		d.closeSide(c, event.Side(side))
	}
}

// missTail counts bytes after the last seen one that must have been sent: up to
// the FIN, or acknowledged. One number more may be an unseen FIN.
func (d *Decoder) missTail(c *conversation, side event.Side, h *half) {
	lost := 0
	switch {
	case !h.init:
	case h.hasFIN:
		lost = int(int32(h.fin - h.next))
	default:
		lost = int(int32(h.acked-h.next)) - 1
	}
	if lost > 0 && lost <= tailLimit {
		d.deliver(c, side, nil, lost, d.ref)
	}
}

// deliver reads the next size bytes of a side: data, and after it a gap when
// data is shorter.
func (d *Decoder) deliver(c *conversation, side event.Side, data []byte, size int, ref event.Ref) {
	h := &c.half[side]
	h.next += uint32(size)
	h.bytes += uint64(size)
	data = head(data, size)
	if len(data) > 0 {
		d.offer(c, side, data, ref)
	}
	if lost := size - len(data); lost > 0 {
		h.missing += uint64(lost)
		d.gap(c, side, lost)
	}
}

// wait keeps a copy of those parts of a segment that no waiting one covers.
func (d *Decoder) wait(c *conversation, h *half, s segment) {
	wanted := !c.reading.done && !h.done
	i := 0
	for s.size > 0 {
		for i < len(h.pending) && int32(h.pending[i].end()-s.seq) <= 0 {
			i++
		}
		free := s.size
		if i < len(h.pending) {
			free = min(free, int(int32(h.pending[i].seq-s.seq)))
		}
		if free > 0 {
			i = d.hold(h, i, s.part(free, wanted))
			s.advance(free)
			continue
		}
		s.advance(min(s.size, int(int32(h.pending[i].end()-s.seq))))
	}
}

// hold inserts the parts of a segment before index i and returns the index after.
func (d *Decoder) hold(h *half, i int, parts []segment) int {
	for _, s := range parts {
		cost := len(s.data) + segmentCost
		h.held += cost
		d.held += cost
		h.pending = slices.Insert(h.pending, i, s)
		i++
	}
	return i
}

// part copies the first n bytes of a segment: what the log holds of them, and
// what it lacks.
func (s *segment) part(n int, wanted bool) []segment {
	have := min(n, len(s.data))
	var parts []segment
	if have > 0 {
		p := segment{seq: s.seq, size: have, ref: s.ref}
		if wanted {
			p.data = slices.Clone(s.data[:have])
		}
		parts = append(parts, p)
	}
	if have < n {
		parts = append(parts, segment{seq: s.seq + uint32(have), size: n - have, lost: true, ref: s.ref})
	}
	return parts
}

func (s *segment) advance(n int) {
	s.seq += uint32(n)
	s.size -= n
	s.data = tail(s.data, n)
}

func (d *Decoder) unhold(h *half, s *segment) {
	cost := len(s.data) + segmentCost
	h.held -= cost
	d.held -= cost
}

func (d *Decoder) dropPending(h *half) {
	d.held -= h.held
	h.held, h.pending = 0, nil
}
