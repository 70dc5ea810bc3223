package local

import (
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// How sure one has to be of RTP: its header has no magic number, and SRTP
// (RFC 3711) has the same header in front of an encrypted payload.
const (
	rtpNamed  = 4  // packets in sequence until the conversation is named
	rtpProven = 12 // packets whose payload is readable until media in clear is told
)

// rtp reads RTP (RFC 3550) by content. A conversation is named "rtp" and told as
// media in clear when the payloads have the shape of their codec; with a
// well-formed header alone it is named "rtp-or-srtp" and nothing is told.
func rtp() wire.DatagramKind {
	return wire.DatagramKind{
		Name: unsure,
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			p, ok := parseRTP(data)
			return yesIf(ok && data[0]&15 == 0 && p.ssrc != 0 && c.ClientPort >= 1024 && c.ServerPort >= 1024)
		},
		New: func() wire.Datagram { return &rtpReader{} },
	}
}

type rtpReader struct {
	sides [2]rtpSide
	told  bool
}

// rtpSide is one direction's stream.
type rtpSide struct {
	last   rtpPacket
	run    int // packets in sequence, this one included
	clear  int // of these in a row, packets whose payload is readable
	opaque bool
}

// Packet reads one packet. Until a run of packets fits together the conversation
// is neither named nor told of.
func (r *rtpReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	if isRTCP(data) {
		return true
	}
	p, ok := parseRTP(data)
	s := &r.sides[from&1]
	if !ok || !s.follow(p) {
		return false
	}
	s.judge(p)
	switch {
	case s.clear >= rtpProven && !r.told:
		r.told = true
		c.Name("rtp")
		c.Emit(0, event.MediaSeen{Protocol: "rtp", PayloadType: p.kind})
	case s.run == rtpNamed && !r.told:
		c.Name("rtp-or-srtp")
	}
	return true
}

// follow says whether p continues the stream: the same source and payload type,
// and the next sequence number or, after a loss, one of the next few.
func (s *rtpSide) follow(p rtpPacket) bool {
	before := s.last
	s.last = p
	s.last.payload = nil // not ours to keep
	if s.run == 0 {
		s.run = 1
		return true
	}
	step := p.sequence - before.sequence
	if p.ssrc != before.ssrc || p.kind != before.kind || step == 0 || step > 8 {
		s.run, s.clear = 0, 0
		return false
	}
	s.run++
	return true
}

// judge looks whether the payload has the shape that its codec demands. One that
// does not decides for the whole stream.
func (s *rtpSide) judge(p rtpPacket) {
	if s.opaque || !p.isReadable() {
		s.opaque, s.clear = true, 0
		return
	}
	s.clear++
}

type rtpPacket struct {
	kind     uint8
	sequence uint16
	ssrc     uint32
	payload  []byte // of the packet at hand, valid during the call only
}

// The static payload types whose payload can be told from ciphertext (RFC 3551).
const (
	rtpPCMU   = 0
	rtpPCMA   = 8
	rtpJPEG   = 26
	rtpMPEGTS = 33
)

// isReadable says that a payload cannot be ciphertext with an SRTP tag.
func (p rtpPacket) isReadable() bool {
	switch p.kind {
	case rtpPCMU, rtpPCMA:
		return len(p.payload)%80 == 0 // whole 10 ms; a tag would add 4 or 10 bytes
	case rtpMPEGTS:
		return len(p.payload)%188 == 0 && p.payload[0] == 0x47
	case rtpJPEG:
		return isRTPJPEG(p.payload)
	default:
		return p.kind >= 96 && isH264Unit(p.payload)
	}
}

// isRTPJPEG checks the header of RFC 2435 section 3.1: no picture is larger than
// 1 MiB here, and width and height are told.
func isRTPJPEG(b []byte) bool {
	return len(b) > 8 && b[1] < 16 && b[4]&0x3f <= 1 && b[5] != 0 && b[6] != 0 && b[7] != 0
}

// isH264Unit checks the NAL unit header of RFC 6184 section 5.2: no error bit, and
// one of the types that real streams use. One packet in nine fits by chance.
func isH264Unit(b []byte) bool {
	if b[0]&0x80 != 0 {
		return false
	}
	switch b[0] & 31 {
	case 1, 5, 6, 7, 8, 24:
		return true
	case 28:
		inner := b[1] & 31
		return b[1]&0x20 == 0 && (inner == 1 || inner == 5)
	default:
		return false
	}
}

// parseRTP checks the fixed header (RFC 3550 section 5.1). Payload types that
// would read as RTCP are refused (RFC 5761 section 4).
func parseRTP(data []byte) (rtpPacket, bool) {
	const fixed = 12
	if len(data) < fixed || data[0]>>6 != 2 {
		return rtpPacket{}, false
	}
	p := rtpPacket{
		kind:     data[1] & 0x7f,
		sequence: binary.BigEndian.Uint16(data[2:]),
		ssrc:     binary.BigEndian.Uint32(data[8:]),
	}
	at := fixed + 4*int(data[0]&15)
	if data[0]&0x10 != 0 {
		if len(data) < at+4 {
			return rtpPacket{}, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(data[at+2:]))
	}
	if len(data) < at+2 || p.kind > 34 && p.kind < 96 {
		return rtpPacket{}, false
	}
	p.payload = data[at:]
	return p, true
}

// isRTCP accepts the reports that run beside a stream (RFC 3550 section 6).
func isRTCP(data []byte) bool {
	return len(data) >= 8 && data[0]>>6 == 2 && data[1] >= 200 && data[1] <= 207 &&
		4*(1+int(binary.BigEndian.Uint16(data[2:]))) <= len(data)
}
