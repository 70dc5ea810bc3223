package decode

import "assay/internal/assess/event"

// keep appends bytes to the unconsumed ones.
func (d *Decoder) keep(h *half, data []byte, ref event.Ref) {
	if need := len(h.buf) + len(data); need > cap(h.buf) {
		d.rehouse(h, h.buf, need)
	}
	h.buf = append(h.buf, data...)
	if n := len(h.marks); n > 0 && h.marks[n-1].ref == ref {
		h.marks[n-1].end = len(h.buf)
	} else {
		h.marks = append(h.marks, mark{len(h.buf), ref})
	}
	d.account(h)
}

// consume drops the first n unconsumed bytes.
func (d *Decoder) consume(h *half, n int) {
	if n >= len(h.buf) {
		d.clear(h)
		return
	}
	if n == 0 {
		return
	}
	rest := h.buf[n:]
	if class(len(rest)) < cap(h.buf) {
		d.rehouse(h, rest, len(rest))
	} else {
		h.buf = h.buf[:copy(h.buf, rest)]
	}
	gone := 0
	for i := range h.marks {
		h.marks[i].end -= n
		if h.marks[i].end <= 0 {
			gone = i + 1
		}
	}
	h.marks = h.marks[:copy(h.marks, h.marks[gone:])]
	d.account(h)
}

// clear drops all unconsumed bytes.
func (d *Decoder) clear(h *half) {
	d.spare.put(h.buf)
	h.buf, h.marks = nil, h.marks[:0]
	if cap(h.marks) > marksReuse {
		h.marks = nil
	}
	d.account(h)
}

// rehouse moves bytes into a buffer with room for need.
func (d *Decoder) rehouse(h *half, bytes []byte, need int) {
	b := append(d.spare.get(need), bytes...)
	d.spare.put(h.buf)
	h.buf = b
}

const (
	// markCost is what one mark is counted for beside the bytes.
	markCost = 16
	// marksReuse is how much room for marks a side keeps when it has none.
	marksReuse = 16
)

// account brings the sum of what all conversations keep up to date.
func (d *Decoder) account(h *half) {
	kept := cap(h.buf) + markCost*len(h.marks)
	d.buffered += kept - h.kept
	h.kept = kept
}

// spareCount bounds the buffers of one size that are kept for reuse.
const spareCount = 32

// bufferSizes are the sizes of buffers: a part of a segment, a record of TLS, and
// the limit of what is kept with a segment on top.
var bufferSizes = [...]int{2 << 10, 16<<10 + 512, 80 << 10}

// class is the size of the buffer that n bytes get.
func class(n int) int {
	for _, size := range bufferSizes {
		if n <= size {
			return size
		}
	}
	return n
}

// spare keeps buffers for reuse, so that a conversation in use costs no memory
// per packet and an idle one holds no more than it needs.
type spare struct{ free [len(bufferSizes)][][]byte }

func (s *spare) get(n int) []byte {
	for i, size := range bufferSizes {
		if n > size {
			continue
		}
		if k := len(s.free[i]); k > 0 {
			b := s.free[i][k-1]
			s.free[i] = s.free[i][:k-1]
			return b
		}
		return make([]byte, 0, size)
	}
	return make([]byte, 0, n) // a frame that an offloading card joined
}

func (s *spare) put(b []byte) {
	for i, size := range bufferSizes {
		if cap(b) == size && len(s.free[i]) < spareCount {
			s.free[i] = append(s.free[i], b[:0])
		}
	}
}
