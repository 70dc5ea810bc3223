package evidence

import (
	"encoding/json"
	"time"
)

// frame is one packet block, taken apart.
type frame struct {
	iface int
	at    time.Time
	size  int // captured bytes
	wire  int // bytes on the wire
	data  []byte
	rest  []byte // options
	drops uint32
}

// readPacket turns a packet block into an entry.
func (rd *Reader) readPacket(kind uint32, block []byte) (Entry, bool) {
	var f frame
	var ok bool
	switch kind {
	case blockSimple:
		f, ok = rd.simpleFrame(block)
	default:
		f, ok = rd.fullFrame(kind, block)
	}
	if !ok {
		return rd.cut("frame %d is damaged: its lengths or its interface make no sense", rd.num+1)
	}
	rd.num++
	rd.ng.last = f.at
	rd.noteDrops(f)
	iface := rd.ng.ifaces[f.iface]
	e := Entry{Num: rd.num, At: f.at}
	if iface.notes {
		e.Kind, e.Note = KindNote, parseNote(f.data)
		return e, true
	}
	e.Kind = KindPacket
	e.Packet = Packet{Interface: f.iface, Link: iface.link, Length: max(f.wire, f.size), Data: f.data}
	return e, true
}

// fullFrame reads an Enhanced Packet Block or the obsolete Packet Block.
func (rd *Reader) fullFrame(kind uint32, block []byte) (frame, bool) {
	if len(block) < packetHeaderSize {
		return frame{}, false
	}
	order := rd.ng.order
	f := frame{
		iface: int(order.Uint32(block[8:])),
		size:  int(order.Uint32(block[20:])),
		wire:  int(order.Uint32(block[24:])),
	}
	if kind == blockOldPacket {
		f.iface = int(order.Uint16(block[8:]))
		if n := order.Uint16(block[10:]); n != 0xffff {
			f.drops = uint32(n)
		}
	}
	if !f.fits(len(rd.ng.ifaces), len(block)-packetHeaderSize) {
		return frame{}, false
	}
	units := uint64(order.Uint32(block[12:]))<<32 | uint64(order.Uint32(block[16:]))
	f.at = rd.ng.ifaces[f.iface].time(units)
	f.data = block[packetHeaderSize : packetHeaderSize+f.size]
	f.rest = block[min(packetHeaderSize+(f.size+3)&^3, len(block)):]
	if kind == blockPacket {
		f.drops = rd.dropOption(f.rest)
	}
	return f, true
}

// fits says whether the numbers in a packet block's header can be true.
func (f frame) fits(interfaces, room int) bool {
	return f.iface >= 0 && f.iface < interfaces && f.wire >= 0 &&
		f.size >= 0 && f.size <= min(frameLimit, room)
}

// dropOption reads epb_dropcount: frames lost between this one and the one before.
func (rd *Reader) dropOption(options []byte) uint32 {
	if len(options) < 8 {
		return 0
	}
	var drops uint32
	eachOption(rd.ng.order, options, func(code uint16, value []byte) {
		if code == optionEPBDrops && len(value) >= 8 {
			drops = uint32(min(rd.ng.order.Uint64(value), 1<<31))
		}
	})
	return drops
}

// simpleFrame reads a Simple Packet Block, which has neither time nor interface:
// it belongs to the first one and takes the time of the frame before.
func (rd *Reader) simpleFrame(block []byte) (frame, bool) {
	if len(block) < simpleHeaderSize || len(rd.ng.ifaces) == 0 {
		return frame{}, false
	}
	f := frame{at: rd.ng.last, wire: int(rd.ng.order.Uint32(block[8:]))}
	if f.at.IsZero() {
		f.at = time.Unix(0, 0).UTC()
	}
	if f.wire < 0 {
		return frame{}, false
	}
	f.size = min(f.wire, len(block)-simpleHeaderSize)
	if snap := rd.ng.ifaces[0].snap; snap > 0 {
		f.size = min(f.size, int(min(snap, frameLimit)))
	}
	f.data = block[simpleHeaderSize : simpleHeaderSize+f.size]
	return f, true
}

func (rd *Reader) noteDrops(f frame) {
	if f.drops == 0 {
		return
	}
	rd.ng.pending = true
	rd.ng.lost = Loss{Interface: f.iface, Dropped: uint64(f.drops)}
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
