package evidence

import (
	"encoding/binary"
	"time"
)

// The magic numbers of pcap files (draft-ietf-opsawg-pcap section 4). The
// modified form has eight more bytes in each record header.
const (
	pcapMicro    = 0xa1b2c3d4
	pcapNano     = 0xa1b23c4d
	pcapModified = 0xa1b2cd34
	pcapHeader   = 24
)

type pcapState struct {
	order  binary.ByteOrder
	unit   int64 // nanoseconds per unit of the sub-second field
	record int   // length of a record header, in bytes
	link   LinkType
	swap   lengthOrder
}

// lengthOrder says how far the two length fields of a record can be trusted to
// be in order: files older than version 2.3 have them the other way round, and
// some of version 2.3 do.
type lengthOrder uint8

const (
	lengthsInOrder lengthOrder = iota
	lengthsMaybeSwapped
	lengthsSwapped
)

// openPcap reads a file header; false means that this is no pcap file.
func (rd *Reader) openPcap(head []byte) bool {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		st := pcapState{order: order, unit: 1000, record: 16}
		switch order.Uint32(head) {
		case pcapMicro:
			rd.format = "pcap, microseconds"
		case pcapNano:
			st.unit = 1
			rd.format = "pcap, nanoseconds"
		case pcapModified:
			st.record = 24
			rd.format = "pcap, modified"
		default:
			continue
		}
		rd.pcap = st
		rd.readPcapHeader(head)
		return true
	}
	return false
}

func (rd *Reader) readPcapHeader(head []byte) {
	if len(head) < pcapHeader {
		rd.truncated = "the file ends inside its header"
		rd.src.skip(int64(len(head)))
		return
	}
	st := &rd.pcap
	major, minor := st.order.Uint16(head[4:]), st.order.Uint16(head[6:])
	switch {
	case major < 2 || major == 2 && minor < 3:
		st.swap = lengthsSwapped
	case major == 2 && minor == 3:
		st.swap = lengthsMaybeSwapped
	}
	st.link = LinkType(st.order.Uint32(head[20:]) & 0xffff)
	rd.src.skip(pcapHeader)
}

// nextPcap reads one record.
func (rd *Reader) nextPcap() bool {
	st := &rd.pcap
	head := rd.src.peek(st.record)
	if len(head) == 0 {
		return false
	}
	if len(head) < st.record {
		return rd.cut("the file ends inside the header of frame %d", rd.num+1)
	}
	sec := int64(st.order.Uint32(head))
	sub := int64(st.order.Uint32(head[4:]))
	size, length := st.order.Uint32(head[8:]), st.order.Uint32(head[12:])
	if st.swap == lengthsSwapped || st.swap == lengthsMaybeSwapped && size > length {
		size, length = length, size
	}
	if size > frameLimit {
		return rd.cut("frame %d claims %d captured bytes, more than any capture holds: the file is damaged from there on", rd.num+1, size)
	}
	whole := rd.src.peek(st.record + int(size))
	if len(whole) < st.record+int(size) {
		return rd.cut("the file ends inside frame %d", rd.num+1)
	}
	rd.src.from += len(whole)
	rd.num++
	e := &rd.entry
	e.Num, e.At, e.Kind = rd.num, time.Unix(sec, sub*st.unit).UTC(), KindPacket
	e.Packet = Packet{Link: st.link, Length: int(max(length, size)), Data: whole[st.record:]}
	return true
}
