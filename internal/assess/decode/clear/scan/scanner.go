package scan

import (
	"bytes"
	"cmp"
	"slices"

	"assay/internal/assess/event"
)

const (
	// tailLen is how many earlier bytes are kept so that a mark that lies across
	// two pieces is found: more than the longest mark and the farthest look back.
	tailLen = 400
	// blockLen is how many bytes are looked at in one go.
	blockLen = 4 << 10
)

// Scanner looks through both sides of one conversation. The zero value is not
// ready: use New.
type Scanner struct {
	patterns *Patterns
	limit    int
	own      [2]event.HostID // by whose address it is; zero for nobody
	sides    [2]sideScan
	kept     map[event.ExposedKind][]event.Secret
}

type sideScan struct {
	seen int // bytes looked at, at most the limit
	tail []byte
	text textScan
}

// New makes a scanner for one conversation, which looks at no more than limit
// bytes of each side.
func New(p *Patterns, limit int) *Scanner {
	return &Scanner{patterns: p, limit: limit}
}

// Own tells whose link-layer addresses are own addresses: the client's on both
// sides, the server's where the server speaks.
func (s *Scanner) Own(client, server event.HostID) {
	s.own[event.FromClient] = client
	if server != client {
		s.own[event.FromServer] = server
	}
}

// Spent reports whether nothing more of this side will be looked at.
func (s *Scanner) Spent(side event.Side) bool { return s.sides[side].seen >= s.limit }

// Feed looks at the next piece of one side. The finds come in the order in which
// they were complete, whatever the pieces.
func (s *Scanner) Feed(side event.Side, data []byte, depth Depth) []Found {
	st := &s.sides[side]
	data = data[:min(len(data), s.limit-st.seen)]
	var finds []Found
	for at := 0; at < len(data); at += blockLen {
		block := data[at:min(at+blockLen, len(data))]
		for _, f := range s.block(side, block, depth) {
			f.Off += at
			finds = append(finds, f)
		}
	}
	st.seen += len(data)
	return s.admit(side, finds)
}

// Flush ends a message: what follows does not belong to its last word.
func (s *Scanner) Flush(side event.Side) []Found {
	st := &s.sides[side]
	finds := st.text.flush(nil)
	st.tail = st.tail[:0]
	return s.admit(side, finds)
}

// Gap forgets what was pending on one side.
func (s *Scanner) Gap(side event.Side) {
	st := &s.sides[side]
	st.text = textScan{}
	st.tail = st.tail[:0]
}

// Report takes in something that a protocol reader found by itself; it returns
// nothing when that was reported before or is one too many.
func (s *Scanner) Report(side event.Side, kind event.ExposedKind, sample, shown string, off int) []Found {
	return s.admit(side, []Found{{Kind: kind, Sample: Cut(sample), Shown: shown, Off: off}})
}

func (s *Scanner) block(side event.Side, block []byte, depth Depth) []Found {
	st := &s.sides[side]
	room, low := &s.patterns.hay, &s.patterns.low
	n := copy(room[:], st.tail)
	hay := room[:n+copy(room[n:], block)]
	for i := max(0, n-s.patterns.reach); i < len(hay); i++ {
		low[i] = lowered(hay[i])
	}
	finds := s.findMarks(nil, side, hay, low[:len(hay)], n)
	if depth != Marks {
		finds = findMedia(finds, hay, n)
	}
	if depth == Full {
		finds = st.text.feed(finds, block)
	}
	st.tail = append(st.tail[:0], hay[max(0, len(hay)-tailLen):]...)
	slices.SortStableFunc(finds, func(a, b Found) int { return cmp.Compare(a.end, b.end) })
	return finds
}

// findMarks finds every mark that is complete only with the bytes after the
// first n, which were looked at before.
func (s *Scanner) findMarks(finds []Found, side event.Side, hay, low []byte, n int) []Found {
	for i := range s.patterns.marks {
		finds = findMark(finds, &s.patterns.marks[i], hay, low, n)
	}
	finds = s.patterns.ownOf(s.own[event.FromClient]).find(finds, hay, low, n)
	if side == event.FromServer {
		finds = s.patterns.ownOf(s.own[event.FromServer]).find(finds, hay, low, n)
	}
	return finds
}

// find finds the first place of every form.
func (o *ownMarks) find(finds []Found, hay, low []byte, n int) []Found {
	if len(o.texts) == 0 {
		return finds
	}
	finds = findMark(finds, &o.raw, hay, low, n)
	pair := o.texts[0].bytes[:2]
	for from := max(0, n-ownReach); ; from++ {
		i := bytes.Index(low[from:], pair)
		if i < 0 {
			return finds
		}
		from += i
		for t := range o.texts {
			if m := &o.texts[t]; bytes.HasPrefix(low[from:], m.bytes) && from+len(m.bytes) > n {
				finds = append(finds, m.found(from, n))
			}
		}
	}
}

func findMark(finds []Found, m *mark, hay, low []byte, n int) []Found {
	text := hay
	if m.folded {
		text = low
	}
	from := max(0, n-len(m.bytes)+1)
	i := bytes.Index(text[from:], m.bytes)
	if i < 0 {
		return finds
	}
	return append(finds, m.found(from+i, n))
}

// found is the mark at a place of which n bytes were looked at before.
func (m *mark) found(at, n int) Found {
	return Found{
		Kind: m.kind, Shown: m.shown, Off: at - n, end: at + len(m.bytes) - n,
		Sample: Cut(string(m.bytes)),
	}
}

// admit keeps the first few different finds of each kind.
func (s *Scanner) admit(side event.Side, finds []Found) []Found {
	var out []Found
	for _, f := range finds {
		before := s.kept[f.Kind]
		if len(before) >= perKind || slices.Contains(before, f.Sample) {
			continue
		}
		if s.kept == nil {
			s.kept = map[event.ExposedKind][]event.Secret{}
		}
		s.kept[f.Kind] = append(before, f.Sample)
		f.From, f.Off = side, max(0, f.Off)
		out = append(out, f)
	}
	return out
}
