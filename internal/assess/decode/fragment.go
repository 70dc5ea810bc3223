package decode

import (
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

const (
	// fragmentedLimit bounds the packets under reassembly.
	fragmentedLimit = 128
	// fragmentBytes bounds the bytes they hold together.
	fragmentBytes = 2 << 20
	// fragmentAge is how long the rest of a packet is waited for (RFC 8200
	// section 4.5 says 60 s).
	fragmentAge = int64(60 * time.Second)
	// packetLimit is the longest packet that fragments can make.
	packetLimit = 65535
	// pieceLimit bounds the fragments of one packet: 64 KiB in pieces of 576 bytes
	// are 120.
	pieceLimit = 512
	// pieceCost is what one piece is counted for beside its bytes.
	pieceCost = 64
)

// piece is one fragment of a packet.
type piece struct {
	id    uint32
	off   int
	more  bool
	proto uint8 // what the packet carries; the first fragment's word counts
	data  []byte
}

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	proto    uint8
}

// fragmented is a packet of which some fragments came.
type fragmented struct {
	key     fragmentKey
	begun   int64
	first   event.Ref
	pieces  []piece // sorted by offset, without overlap
	have    int     // bytes in pieces
	held    int     // bytes counted against fragmentBytes
	largest int     // its longest piece, with the IP header
	total   int     // length of the whole, -1 until the last fragment came
	bad     bool    // fragments disagreed: all that come are dropped (RFC 5722)
}

// fragments holds the packets under reassembly, oldest first. It is searched
// one by one: fragments are rare and the bound is small.
type fragments struct {
	waiting []*fragmented
	held    int
}

// readFragment adds a fragment, and reads the packet when it is whole.
func (d *Decoder) readFragment(p *packet, f piece) {
	d.noteAddress(p)
	if p.missing > 0 {
		d.readCutFragment(p, f)
		return
	}
	size := len(p.payload)
	if size == 0 || f.off+size > packetLimit || f.more && size%8 != 0 {
		d.malformed(p, "fragment", "length or offset cannot be")
		return
	}
	w := d.waitingFor(p, f.id)
	if w.bad {
		return
	}
	f.proto = p.proto
	w.largest = max(w.largest, p.largest)
	d.fragments.hold(w, size+pieceCost)
	if !w.add(f, p.payload) {
		w.bad = true
		d.fragments.release(w)
		d.malformed(p, "fragment", "fragments overlap or disagree")
		return
	}
	if w.have == w.total {
		d.readWhole(p, w)
		return
	}
	d.boundFragments()
}

// readCutFragment uses what a snap length left of a first fragment: it holds the
// transport header. Others are of no use.
func (d *Decoder) readCutFragment(p *packet, f piece) {
	if f.off == 0 {
		d.readTransport(p)
	}
}

// waitingFor finds the packet that a fragment belongs to, or begins it.
func (d *Decoder) waitingFor(p *packet, id uint32) *fragmented {
	k := fragmentKey{p.src, p.dst, id, p.proto}
	if p.v6 {
		k.proto = 0 // RFC 8200 section 4.5: source, destination and identification
	}
	d.expireFragments()
	for _, w := range d.fragments.waiting {
		if w.key == k {
			return w
		}
	}
	w := &fragmented{key: k, begun: d.nano, first: d.ref, total: -1}
	d.fragments.waiting = append(d.fragments.waiting, w)
	return w
}

func (d *Decoder) expireFragments() {
	f := &d.fragments
	for len(f.waiting) > 0 && d.nano-f.waiting[0].begun > fragmentAge {
		f.remove(f.waiting[0])
	}
}

// boundFragments drops the oldest packets while there are too many.
func (d *Decoder) boundFragments() {
	f := &d.fragments
	for len(f.waiting) > fragmentedLimit || f.held > fragmentBytes {
		f.remove(f.waiting[0])
		d.counts.Crowded++
	}
}

func (f *fragments) hold(w *fragmented, n int) {
	w.held += n
	f.held += n
}

func (f *fragments) release(w *fragmented) {
	f.held -= w.held
	w.held, w.pieces = 0, nil
}

func (f *fragments) remove(w *fragmented) {
	f.release(w)
	i := slices.Index(f.waiting, w)
	f.waiting = slices.Delete(f.waiting, i, i+1)
}

// add keeps a copy of a fragment. It reports false for an overlap, unless the
// fragment merely came twice, and for two different ends.
func (w *fragmented) add(f piece, data []byte) bool {
	end := f.off + len(data)
	if !f.more {
		if w.total >= 0 && w.total != end {
			return false
		}
		w.total = end
	}
	i, same := slices.BinarySearchFunc(w.pieces, f.off, func(q piece, off int) int { return q.off - off })
	if same {
		return string(w.pieces[i].data) == string(data)
	}
	if len(w.pieces) == pieceLimit || w.overlaps(i, f.off, end) {
		return false
	}
	f.data = slices.Clone(data)
	w.pieces = slices.Insert(w.pieces, i, f)
	w.have += len(data)
	return w.total < 0 || w.pieces[len(w.pieces)-1].end() <= w.total
}

// overlaps reports whether a piece that belongs before index i meets its neighbours.
func (w *fragmented) overlaps(i, off, end int) bool {
	return i > 0 && w.pieces[i-1].end() > off || i < len(w.pieces) && end > w.pieces[i].off
}

func (f piece) end() int { return f.off + len(f.data) }

// readWhole reads a packet that was put together.
func (d *Decoder) readWhole(p *packet, w *fragmented) {
	whole := make([]byte, 0, w.total)
	for _, f := range w.pieces {
		whole = append(whole, f.data...)
	}
	p.payload, p.first, p.missing, p.largest = whole, w.first, 0, w.largest
	p.proto = w.pieces[0].proto
	d.fragments.remove(w)
	if p.v6 {
		d.readExtensions(p)
		return
	}
	d.readTransport(p)
}
