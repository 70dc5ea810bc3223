package clear

import (
	"encoding/binary"

	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// unmaskBlock is how much of a frame is unmasked in one go.
const unmaskBlock = 1024

// socketSide looks through the frames of one side of a WebSocket (RFC 6455
// section 5.2), which the client masks.
type socketSide struct {
	left   int64
	mask   [4]byte
	pos    int  // in the frame, for the mask
	packed bool // an extension transformed the payload (RFC 7692); it is not read
	lost   bool
}

// frames takes what it can and returns how much that was.
func (w *socketSide) frames(t *talk, c wire.Context, from event.Side, off int, data []byte) int {
	if w.lost {
		return len(data)
	}
	if w.left == 0 {
		return w.header(data)
	}
	n := int(min(w.left, int64(len(data)), unmaskBlock))
	var plain [unmaskBlock]byte
	for i := range n {
		plain[i] = data[i] ^ w.mask[(w.pos+i)&3]
	}
	w.left -= int64(n)
	w.pos = (w.pos + n) & 3
	if !w.packed {
		t.lookInside(c, from, off, plain[:n], scan.Full)
	}
	if w.left == 0 {
		t.endMessage(c, from, off)
	}
	return n
}

// header reads a frame's header; 0 when it is not whole yet.
func (w *socketSide) header(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	length, n := int64(data[1]&0x7f), 2
	switch length {
	case 126:
		n = 4
	case 127:
		n = 10
	}
	masked := data[1]&0x80 != 0
	end := n
	if masked {
		end += len(w.mask)
	}
	if len(data) < end {
		return 0
	}
	switch n {
	case 4:
		length = int64(binary.BigEndian.Uint16(data[2:4]))
	case 10:
		length = int64(binary.BigEndian.Uint64(data[2:10]) & (1<<63 - 1))
	}
	*w = socketSide{left: length, packed: data[0]&0x70 != 0}
	copy(w.mask[:], data[n:end])
	return end
}

// gap passes over n missing bytes; after more than a frame the next is not found.
func (w *socketSide) gap(n int) {
	if int64(n) > w.left {
		*w = socketSide{lost: true}
		return
	}
	w.left -= int64(n)
	w.pos = (w.pos + n) & 3
}
