package secure

import "slices"

const (
	// assemblyLimit is the most bytes that are put together out of order.
	assemblyLimit = 64 << 10
	// pieceLimit is how many separate pieces may wait for what lies between them.
	pieceLimit = 64
	// pieceCost is what a piece is counted for beside its bytes.
	pieceCost = 64
	// lotLimit bounds what the unfinished messages of all conversations hold
	// together: thousands of honest hellos.
	lotLimit = 8 << 20
)

// assembly puts together bytes that arrive in pieces, in any order and more than
// once. Of bytes that come twice the first count.
type assembly struct{ parcel *parcel }

// parcel is what an assembly holds: pieces in order and apart from each other.
type parcel struct {
	pieces []piece
	cost   int
	gone   bool // dropped to make room
}

type piece struct {
	off  int
	data []byte
}

func (p piece) end() int { return p.off + len(p.data) }

// add takes a piece; false means that it does not fit the limits.
func (a *assembly) add(l *lot, off int, data []byte) bool {
	if off < 0 || off+len(data) > assemblyLimit {
		return false
	}
	if len(data) == 0 {
		return true
	}
	if a.parcel == nil {
		a.parcel = &parcel{}
		l.waiting = append(l.waiting, a.parcel)
	}
	if a.parcel.gone || len(a.parcel.pieces) >= pieceLimit {
		return false
	}
	if n := a.parcel.insert(off, data); n > 0 {
		l.charge(a.parcel, n+pieceCost)
	}
	return true
}

// insert keeps a copy of what is new in data and returns how many bytes that are.
func (p *parcel) insert(off int, data []byte) (grown int) {
	for i := 0; len(data) > 0; i++ {
		free := len(data)
		if i < len(p.pieces) {
			free = min(free, max(p.pieces[i].off-off, 0))
		}
		if free > 0 {
			p.pieces = slices.Insert(p.pieces, i, piece{off, slices.Clone(data[:free])})
			off, data, grown = off+free, data[free:], grown+free
			continue
		}
		known := min(max(p.pieces[i].end()-off, 0), len(data))
		off, data = off+known, data[known:]
	}
	p.join()
	return grown
}

// join makes one piece of those that meet.
func (p *parcel) join() {
	last := 0
	for _, q := range p.pieces[1:] {
		if p.pieces[last].end() == q.off {
			p.pieces[last].data = append(p.pieces[last].data, q.data...)
			continue
		}
		last++
		p.pieces[last] = q
	}
	clear(p.pieces[last+1:])
	p.pieces = p.pieces[:last+1]
}

// ready is what is there from the beginning without a hole.
func (a *assembly) ready() []byte {
	if a.parcel == nil || len(a.parcel.pieces) == 0 || a.parcel.pieces[0].off != 0 {
		return nil
	}
	return a.parcel.pieces[0].data
}

// lot is what the assemblies of all conversations hold together. What is finished
// counts until it is pushed out: the oldest make room for the newest.
type lot struct {
	waiting []*parcel
	held    int
}

func (l *lot) charge(p *parcel, n int) {
	p.cost += n
	l.held += n
	for l.held > lotLimit {
		old := l.waiting[0]
		l.waiting[0], l.waiting = nil, l.waiting[1:]
		l.held -= old.cost
		*old = parcel{gone: true}
	}
}
