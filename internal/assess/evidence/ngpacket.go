package evidence

import (
	"encoding/json"
	"time"
)

// readPacket turns a packet block into an entry.
func (rd *Reader) readPacket(kind uint32, block []byte) bool {
	rd.entry.Kind = KindPacket
	var ok bool
	switch kind {
	case blockSimple:
		ok = rd.simpleFrame(block)
	case blockOldPacket:
		ok = rd.oldFrame(block)
	default:
		ok = rd.fullFrame(block)
	}
	if !ok {
		return rd.cut("frame %d is damaged: its lengths or its interface make no sense", rd.num+1)
	}
	e := &rd.entry
	rd.num++
	e.Num = rd.num
	rd.ng.last = e.At
	if rd.ng.ifaces[e.Packet.Interface].notes {
		*e = Entry{Num: e.Num, At: e.At, Kind: KindNote, Note: parseNote(e.Packet.Data)}
	}
	return true
}

// fullFrame reads an Enhanced Packet Block.
func (rd *Reader) fullFrame(block []byte) bool {
	if len(block) < packetHeaderSize || !rd.frameOf(int(rd.ng.u32(block[8:])), block) {
		return false
	}
	if at := packetHeaderSize + (len(rd.entry.Packet.Data)+3)&^3; at+8 <= len(block) {
		rd.noteDrops(rd.dropOption(block[at:]))
	}
	return true
}

// oldFrame reads an obsolete Packet Block, which has the count of lost frames in
// its header.
func (rd *Reader) oldFrame(block []byte) bool {
	if len(block) < packetHeaderSize || !rd.frameOf(int(rd.ng.order.Uint16(block[8:])), block) {
		return false
	}
	if n := rd.ng.order.Uint16(block[10:]); n != 0xffff {
		rd.noteDrops(uint64(n))
	}
	return true
}

// frameOf reads what both kinds of packet block have in common.
func (rd *Reader) frameOf(iface int, block []byte) bool {
	size, wire := int(rd.ng.u32(block[20:])), int(rd.ng.u32(block[24:]))
	if iface < 0 || iface >= len(rd.ng.ifaces) || wire < 0 || size < 0 || size > min(frameLimit, len(block)-packetHeaderSize) {
		return false
	}
	from := &rd.ng.ifaces[iface]
	rd.entry.At = from.time(uint64(rd.ng.u32(block[12:]))<<32 | uint64(rd.ng.u32(block[16:])))
	rd.entry.Packet = Packet{Interface: iface, Link: from.link, Length: max(wire, size),
		Data: block[packetHeaderSize : packetHeaderSize+size]}
	return true
}

// dropOption reads epb_dropcount: frames lost between this one and the one before.
func (rd *Reader) dropOption(options []byte) uint64 {
	var drops uint64
	eachOption(rd.ng.order, options, func(code uint16, value []byte) {
		if code == optionEPBDrops && len(value) >= 8 {
			drops = rd.ng.order.Uint64(value)
		}
	})
	return drops
}

// simpleFrame reads a Simple Packet Block, which has neither time nor interface:
// it belongs to the first one and takes the time of the frame before.
func (rd *Reader) simpleFrame(block []byte) bool {
	if len(block) < simpleHeaderSize || len(rd.ng.ifaces) == 0 {
		return false
	}
	wire := int(rd.ng.u32(block[8:]))
	if wire < 0 {
		return false
	}
	size := min(wire, len(block)-simpleHeaderSize)
	if snap := rd.ng.ifaces[0].snap; snap > 0 {
		size = min(size, int(min(snap, frameLimit)))
	}
	rd.entry.At = rd.ng.last
	if rd.entry.At.IsZero() {
		rd.entry.At = time.Unix(0, 0).UTC()
	}
	rd.entry.Packet = Packet{Link: rd.ng.ifaces[0].link, Length: wire,
		Data: block[simpleHeaderSize : simpleHeaderSize+size]}
	return true
}

// noteDrops keeps a count of lost frames, to be handed out as the next entry.
func (rd *Reader) noteDrops(drops uint64) {
	if drops == 0 {
		return
	}
	rd.ng.pending = true
	rd.ng.lost = Loss{Interface: rd.entry.Packet.Interface, Dropped: drops}
}

// parseNote reads the frame of a note. A frame that does not hold together is
// still a note, of the kind "unreadable": it is never handed on as a packet.
func parseNote(data []byte) Note {
	const header = 14
	var n Note
	if len(data) < header || int(data[12])<<8|int(data[13]) != NoteEtherType ||
		json.Unmarshal(trimNUL(data[header:]), &n) != nil || n.Kind == "" {
		return Note{Kind: "unreadable"}
	}
	return n
}
