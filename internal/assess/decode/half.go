package decode

import (
	"assay/internal/assess/event"
)

// half is what one side of a conversation sent.
type half struct {
	packets, bytes, missing uint64

	// TCP sequence numbers; valid when the flag before them is set.
	init   bool
	next   uint32 // the next byte to read
	acked  uint32 // highest acknowledgement of the other side
	hasISN bool
	isn    uint32
	hasFIN bool
	fin    uint32 // number after the last byte

	pending []segment // out of order, sorted, without overlap
	held    int       // what pending is counted for

	buf   []byte // bytes that the reader did not consume
	marks []mark // which frames they came in
	lone  event.Ref
	kept  int // bytes that buf and marks are counted for
	base  int // offset of the bytes on offer within buf

	tries  int  // chunks that recognisers were shown
	gaveUp bool // nobody knew the first bytes
	done   bool // the reader wants no more of this side
	closed bool // the reader was told that this side ended

	meter   meter
	content event.Content
}

// mark says that the bytes of buf before end, and after the mark before, came in
// one frame.
type mark struct {
	end int
	ref event.Ref
}

// begin takes the initial sequence number from a SYN.
func (h *half) begin(isn uint32) {
	if h.hasISN {
		return
	}
	h.hasISN, h.isn = true, isn
	if !h.init {
		h.init, h.next, h.acked = true, isn+1, isn+1
	}
}

// acknowledge notes what the other side says it has. It also tells where a side
// is of which nothing was seen yet.
func (h *half) acknowledge(ack uint32) {
	switch {
	case !h.init:
		h.init, h.next, h.acked = true, ack, ack
	case int32(ack-h.acked) > 0:
		h.acked = ack
	default:
	}
}

// noteFIN notes where the side ends. The first FIN counts.
func (h *half) noteFIN(end uint32) {
	if h.hasFIN {
		return
	}
	if !h.init {
		h.init, h.next, h.acked = true, end, end
	}
	h.hasFIN, h.fin = true, end
}

// refAt is the frame in which the byte at offset off of the bytes on offer came.
func (h *half) refAt(off int, now event.Ref) event.Ref {
	if len(h.marks) == 0 {
		if h.lone == 0 {
			return now
		}
		return h.lone
	}
	off += h.base
	for _, m := range h.marks {
		if off < m.end {
			return m.ref
		}
	}
	return h.marks[len(h.marks)-1].ref
}
