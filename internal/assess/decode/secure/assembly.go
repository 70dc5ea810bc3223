package secure

import "slices"

const (
	// assemblyLimit is the most bytes that are put together out of order.
	assemblyLimit = 64 << 10
	// spanLimit is how many separate pieces may wait for what lies between them.
	spanLimit = 64
)

// assembly puts together bytes that arrive in pieces, in any order and more than
// once.
type assembly struct {
	buf   []byte
	spans []span // what is there, in order, apart from each other
}

type span struct{ from, to int }

// add takes a piece; false means that it does not fit the limits.
func (a *assembly) add(off int, piece []byte) bool {
	end := off + len(piece)
	if off < 0 || end > assemblyLimit || len(a.spans) >= spanLimit {
		return false
	}
	if len(piece) == 0 {
		return true
	}
	if grow := end - len(a.buf); grow > 0 {
		a.buf = append(a.buf, make([]byte, grow)...)
	}
	copy(a.buf[off:end], piece)
	a.merge(span{off, end})
	return true
}

func (a *assembly) merge(s span) {
	first := 0
	for first < len(a.spans) && a.spans[first].to < s.from {
		first++
	}
	last := first
	for last < len(a.spans) && a.spans[last].from <= s.to {
		s.from, s.to = min(s.from, a.spans[last].from), max(s.to, a.spans[last].to)
		last++
	}
	a.spans = slices.Replace(a.spans, first, last, s)
}

// ready is what is there from the beginning without a hole.
func (a *assembly) ready() []byte {
	if len(a.spans) == 0 || a.spans[0].from != 0 {
		return nil
	}
	return a.buf[:a.spans[0].to]
}
