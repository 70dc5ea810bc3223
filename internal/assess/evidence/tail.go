package evidence

import (
	"encoding/binary"
	"io"
)

// Tail is where a log that was read to its end can go on.
type Tail struct {
	// Bytes is where its last whole block ends: what follows there is torn and must go.
	Bytes int64
	num   Ref
	ifs   int
	notes int // as in Writer
}

// Tail tells where the log goes on that was read until io.EOF; false when a Writer did
// not write it, with a capture interface and then that of the notes at most.
func (rd *Reader) Tail() (Tail, bool) {
	const perSecond = 1_000_000_000
	if rd.format != "pcapng" || rd.ng.order != binary.LittleEndian || len(rd.ng.ifaces) == 0 || rd.ng.ifaces[0].notes {
		return Tail{}, false
	}
	t := Tail{Bytes: rd.ng.whole, num: rd.num, ifs: len(rd.ng.ifaces)}
	for i, iface := range rd.ng.ifaces {
		if iface.units.perSecond != perSecond || iface.offset != 0 {
			return Tail{}, false
		}
		if iface.notes {
			t.notes = i + 1
		}
	}
	return t, true
}

// ContinueWriter goes on with a log whose file ends at the tail. Frames have the numbers
// that a reader of the whole file gives them.
func ContinueWriter(w io.Writer, t Tail) *Writer {
	return &Writer{w: w, num: t.num, ifs: t.ifs, notes: t.notes}
}
