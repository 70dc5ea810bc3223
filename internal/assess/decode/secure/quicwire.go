package secure

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
)

// The QUIC versions whose Initial packets can be decrypted here.
const (
	quicVersion1 = 0x00000001 // RFC 9000
	quicVersion2 = 0x6b3343cf // RFC 9369
)

// connectionIDLimit is the longest connection ID, in bytes (RFC 9000 section 17.2).
const connectionIDLimit = 20

// longHeader is the part of a long header that all versions share (RFC 8999).
type longHeader struct {
	first      byte
	version    uint32
	dcid, scid []byte
	all        []byte // the datagram from the header's first byte
	rest       []byte // what follows the connection IDs
}

// packetKind is the kind of a long header packet, whatever the version's code.
type packetKind uint8

const (
	packetInitial packetKind = iota
	packetZeroRTT
	packetHandshake
	packetRetry
)

// readLongHeader reads the version-independent header.
func readLongHeader(b []byte) (longHeader, bool) {
	h := longHeader{all: b}
	if len(b) < 7 || b[0]&0x80 == 0 {
		return h, false
	}
	h.first, h.version = b[0], binary.BigEndian.Uint32(b[1:])
	s := cryptobyte.String(b[5:])
	var dcid, scid cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&dcid) || !s.ReadUint8LengthPrefixed(&scid) {
		return h, false
	}
	h.dcid, h.scid, h.rest = dcid, scid, s
	fixed := h.first&0x40 != 0 || h.version == 0
	return h, fixed && len(dcid) <= connectionIDLimit && len(scid) <= connectionIDLimit
}

// isReadable says that Initial packets of this version can be decrypted.
func (h longHeader) isReadable() bool { return h.version == quicVersion1 || h.version == quicVersion2 }

// isForeign knows versions that are QUIC but cannot be read: drafts, Google's own,
// and those that force negotiation (RFC 9000 section 15).
func (h longHeader) isForeign() bool {
	v := h.version
	return v>>8 == 0xff0000 || v&0x0f0f0f0f == 0x0a0a0a0a || isGoogleVersion(h.all[1:5])
}

// isGoogleVersion knows "Q043" to "T059".
func isGoogleVersion(b []byte) bool {
	return (b[0] == 'Q' || b[0] == 'T') && b[1] == '0' && isDigit(b[2]) && isDigit(b[3])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// googleVersion finds the version in the public header of Google's QUIC: up to Q043
// after flags and a connection ID of 8, 4, 1 or no bytes, in Q044 to Q049, whose
// connection IDs are not those of RFC 8999, after the first byte.
func googleVersion(b []byte) (version uint32, ok bool) {
	if len(b) < 14 {
		return 0, false
	}
	places := []int{9, 5, 2, 1}
	switch {
	case b[0]&0xc0 == 0xc0:
		places = []int{1}
	case b[0]&0xc3 != 0x01: // no version, or a reset
		return 0, false
	}
	for _, at := range places {
		if v := b[at : at+4]; isGoogleVersion(v) && (at != 1 || b[0]&0x0c == 0 || v[2] == '4') {
			return binary.BigEndian.Uint32(v), true
		}
	}
	return 0, false
}

// kind is the packet's kind; version 2 numbers them anew (RFC 9369 section 3.2).
func (h longHeader) kind() packetKind {
	code := h.first >> 4 & 3
	if h.version == quicVersion2 {
		code = (code + 3) & 3
	}
	return packetKind(code)
}

// quicPacket says where the parts of a packet are, from its first byte.
type quicPacket struct {
	number int // where the packet number begins
	end    int
}

// packet finds the end of a packet of version 1 or 2 (RFC 9000 section 17.2).
func (h longHeader) packet() (quicPacket, bool) {
	if h.kind() == packetRetry {
		return quicPacket{end: len(h.all)}, true
	}
	s := cryptobyte.String(h.rest)
	if h.kind() == packetInitial {
		n, ok := readVarint(&s)
		if !ok || n > uint64(len(s)) || !s.Skip(int(n)) {
			return quicPacket{}, false
		}
	}
	length, ok := readVarint(&s)
	if !ok || length > uint64(len(s)) {
		return quicPacket{}, false
	}
	number := len(h.all) - len(s)
	return quicPacket{number: number, end: number + int(length)}, true
}

// readVarint reads a variable-length integer (RFC 9000 section 16).
func readVarint(s *cryptobyte.String) (uint64, bool) {
	var first uint8
	if !s.ReadUint8(&first) {
		return 0, false
	}
	v := uint64(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		var b uint8
		if !s.ReadUint8(&b) {
			return 0, false
		}
		v = v<<8 | uint64(b)
	}
	return v, true
}

// Frame types that may stand in an Initial packet (RFC 9000 section 12.4).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
)

// readFrames hands every CRYPTO frame to take and stops at the first frame that
// is of another kind than an Initial may hold, or that take refuses.
func readFrames(payload []byte, take func(off int, piece []byte) bool) {
	s := cryptobyte.String(payload)
	for !s.Empty() {
		kind, ok := readVarint(&s)
		if !ok {
			return
		}
		switch kind {
		case framePadding, framePing:
		case frameACK, frameACKECN:
			ok = skipACK(&s, kind == frameACKECN)
		case frameCrypto:
			ok = readCrypto(&s, take)
		default: // CONNECTION_CLOSE, or nothing that belongs here
			return
		}
		if !ok {
			return
		}
	}
}

func readCrypto(s *cryptobyte.String, take func(int, []byte) bool) bool {
	off, ok1 := readVarint(s)
	n, ok2 := readVarint(s)
	var piece []byte
	if !ok1 || !ok2 || off > assemblyLimit || n > uint64(len(*s)) || !s.ReadBytes(&piece, int(n)) {
		return false
	}
	return take(int(off), piece)
}

// skipACK passes over an ACK frame (RFC 9000 section 19.3).
func skipACK(s *cryptobyte.String, ecn bool) bool {
	skip := func(n uint64) bool {
		for range n {
			if _, ok := readVarint(s); !ok {
				return false
			}
		}
		return true
	}
	if !skip(2) {
		return false
	}
	ranges, ok := readVarint(s)
	if !ok || ranges > uint64(len(*s)) || !skip(1+2*ranges) {
		return false
	}
	return !ecn || skip(3)
}
