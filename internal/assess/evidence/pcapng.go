package evidence

import (
	"encoding/binary"
	"math"
	"time"
)

// Block types, options and limits of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOldPacket = 2 // obsolete Packet Block
	blockSimple    = 3
	blockStats     = 5
	blockSecrets   = 0x0a
	blockPacket    = 6

	ngMagic = 0x1a2b3c4d

	optionEnd        = 0
	optionIfName     = 2
	optionTSResol    = 9
	optionTSOffset   = 14
	optionEPBDrops   = 4
	optionISBRecv    = 4
	optionISBIfDrop  = 5
	optionISBOSDrop  = 7
	interfaceLimit   = 4096      // interfaces of one section that are kept apart
	metaLimit        = 256 << 10 // bytes of an interface or statistics block that are looked at
	blockOverhead    = 12
	packetHeaderSize = 28
	simpleHeaderSize = 12
	statsHeaderSize  = 20
)

type ngState struct {
	order  binary.ByteOrder
	ifaces []ngInterface
	last   time.Time
	whole  int64 // end of the last block that is whole
	// lost waits to be handed out after the packet that carried its count.
	lost    Loss
	pending bool
}

// u32 reads four bytes in the section's byte order. It is asked several times a
// frame, and a call through the interface costs more than the reading.
func (st *ngState) u32(b []byte) uint32 {
	if st.order == binary.BigEndian {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// ngInterface is one capture interface of the current section.
type ngInterface struct {
	link    LinkType
	snap    uint32
	units   resolution
	offset  int64 // seconds to add to each time stamp
	notes   bool
	dropped uint64 // what was reported so far
}

// resolution turns time stamp units into seconds and nanoseconds.
type resolution struct {
	perSecond uint64 // units in a second; 0 when the option made no sense
}

// nextBlock reads blocks until one gives an entry.
func (rd *Reader) nextBlock() bool {
	if rd.ng.pending {
		rd.ng.pending = false
		rd.entry = Entry{Num: rd.num, At: rd.ng.last, Kind: KindLost, Lost: rd.ng.lost}
		return true
	}
	for {
		kind, size, ok := rd.blockHeader()
		if !ok {
			return false
		}
		found, ok := rd.readBlock(kind, size)
		if !ok || found {
			return ok
		}
	}
}

// blockHeader looks at the type and length of the next block, and takes a new
// section's byte order; false at the end of what can be read.
func (rd *Reader) blockHeader() (kind, size uint32, ok bool) {
	rd.ng.whole = rd.src.skipped()
	head := rd.src.peek(blockOverhead)
	if len(head) == 0 {
		return 0, 0, false
	}
	if len(head) < blockOverhead {
		return 0, 0, rd.cut("the file ends inside a block header after frame %d", rd.num)
	}
	if binary.LittleEndian.Uint32(head) == blockSection && !rd.startSection(head) {
		return 0, 0, rd.cut("a section header after frame %d is damaged", rd.num)
	}
	kind, size = rd.ng.u32(head), rd.ng.u32(head[4:])
	if size < blockOverhead || size%4 != 0 {
		return 0, 0, rd.cut("a block after frame %d claims a length of %d bytes: the file is damaged from there on", rd.num, size)
	}
	return kind, size, true
}

// startSection takes the byte order of a new section.
func (rd *Reader) startSection(head []byte) bool {
	switch {
	case binary.LittleEndian.Uint32(head[8:]) == ngMagic:
		rd.ng.order = binary.LittleEndian
	case binary.BigEndian.Uint32(head[8:]) == ngMagic:
		rd.ng.order = binary.BigEndian
	default:
		return false
	}
	rd.ng.ifaces = rd.ng.ifaces[:0]
	return true
}

// readBlock reads one block; found says that it gave an entry, ok that reading
// can go on.
func (rd *Reader) readBlock(kind, size uint32) (found, ok bool) {
	switch kind {
	case blockPacket, blockOldPacket, blockSimple:
		block, whole := rd.block(size, frameLimit+metaLimit)
		if !whole {
			return false, rd.cut("the file ends, or is damaged, inside frame %d", rd.num+1)
		}
		ok = rd.readPacket(kind, block)
		return ok, ok
	case blockInterface, blockStats:
		block, whole := rd.block(size, metaLimit)
		if !whole {
			return false, rd.cut("the file ends, or is damaged, inside a block after frame %d", rd.num)
		}
		if kind == blockInterface {
			rd.addInterface(block)
			return false, true
		}
		return rd.readStats(block), true
	default:
		if rd.src.skip(int64(size)) < int64(size) {
			return false, rd.cut("the file ends, or is damaged, inside a block after frame %d", rd.num)
		}
		return false, true
	}
}

// block returns a block's bytes without its trailing length and moves past it;
// of a block larger than limit only the beginning. False means that the file
// ends inside the block, or that its two lengths differ.
func (rd *Reader) block(size uint32, limit int) ([]byte, bool) {
	keep := min(int(min(size, math.MaxInt32)), limit)
	block := rd.src.peek(keep)
	if len(block) < keep {
		return nil, false
	}
	rd.src.from += keep
	if int(size) > keep {
		kept := append([]byte(nil), block...)
		return kept, rd.src.skip(int64(size)-int64(keep)) == int64(size)-int64(keep)
	}
	if rd.ng.u32(block[keep-4:]) != size {
		return nil, false // the length at the end must repeat the one at the start
	}
	return block[:keep-4], true
}

func (rd *Reader) addInterface(block []byte) {
	if len(block) < 16 || len(rd.ng.ifaces) >= interfaceLimit {
		return
	}
	order := rd.ng.order
	iface := ngInterface{
		link:  LinkType(order.Uint16(block[8:])),
		snap:  order.Uint32(block[12:]),
		units: resolution{1_000_000},
	}
	eachOption(order, block[16:], func(code uint16, value []byte) {
		switch {
		case code == optionIfName:
			iface.notes = string(trimNUL(value)) == NotesInterface
		case code == optionTSResol && len(value) >= 1:
			iface.units = resolutionOf(value[0])
		case code == optionTSOffset && len(value) >= 8:
			iface.offset = int64(order.Uint64(value))
		}
	})
	rd.ng.ifaces = append(rd.ng.ifaces, iface)
}

func trimNUL(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// eachOption walks a list of options and stops where it does not hold together.
func eachOption(order binary.ByteOrder, b []byte, f func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, size := order.Uint16(b), int(order.Uint16(b[2:]))
		if code == optionEnd || 4+size > len(b) {
			return
		}
		f(code, b[4:4+size])
		b = b[min(4+(size+3)&^3, len(b)):]
	}
}

// resolutionOf reads if_tsresol: a power of ten, or of two when the top bit is set.
func resolutionOf(v byte) resolution {
	n := v & 0x7f
	if v&0x80 != 0 {
		if n > 63 {
			return resolution{}
		}
		return resolution{1 << n}
	}
	r := resolution{1}
	for range n {
		if r.perSecond > math.MaxUint64/10 {
			return resolution{}
		}
		r.perSecond *= 10
	}
	return r
}

// readStats reads an Interface Statistics Block into a loss, when it tells of one.
func (rd *Reader) readStats(block []byte) bool {
	if len(block) < statsHeaderSize {
		return false
	}
	order := rd.ng.order
	index := int(order.Uint32(block[8:]))
	if index < 0 || index >= len(rd.ng.ifaces) {
		return false
	}
	var received, dropped uint64
	eachOption(order, block[statsHeaderSize:], func(code uint16, value []byte) {
		if len(value) < 8 {
			return
		}
		switch code {
		case optionISBRecv:
			received = order.Uint64(value)
		case optionISBIfDrop, optionISBOSDrop:
			if n := order.Uint64(value); n != math.MaxUint64 { // all ones means "not known"
				dropped += n
			}
		}
	})
	iface := &rd.ng.ifaces[index]
	if dropped <= iface.dropped {
		return false
	}
	fresh := dropped - iface.dropped
	iface.dropped = dropped
	rd.entry = Entry{Num: rd.num, At: rd.ng.last, Kind: KindLost,
		Lost: Loss{Interface: index, Received: received, Dropped: fresh}}
	return true
}

// time converts a time stamp of this interface.
func (i *ngInterface) time(units uint64) time.Time {
	switch per := i.units.perSecond; per {
	case 0:
		return time.Unix(i.offset, 0).UTC()
	case 1_000_000_000:
		return time.Unix(int64(units/1_000_000_000)+i.offset, int64(units%1_000_000_000)).UTC()
	case 1_000_000:
		return time.Unix(int64(units/1_000_000)+i.offset, int64(units%1_000_000)*1000).UTC()
	default:
		sec, rest := units/per, units%per
		nanos := uint64(float64(rest) / float64(per) * 1e9)
		return time.Unix(int64(sec)+i.offset, int64(min(nanos, 999_999_999))).UTC()
	}
}
