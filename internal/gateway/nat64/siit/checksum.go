package siit

import (
	"encoding/binary"
	"net/netip"
)

// sum adds 16-bit words as RFC 1071 does, without the last complement. An odd byte
// is the high half of a word.
func sum(start uint64, b []byte) uint64 {
	for len(b) >= 8 {
		v := binary.BigEndian.Uint64(b)
		start += v>>48 + v>>32&0xffff + v>>16&0xffff + v&0xffff
		b = b[8:]
	}
	for len(b) >= 2 {
		start += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		start += uint64(b[0]) << 8
	}
	return start
}

// fold makes the sum 16 bits wide.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func checksum(start uint64, b []byte) uint16 { return ^fold(sum(start, b)) }

// addresses is the part of the pseudo header that the two versions have
// differently; protocol and length sum up to the same in both.
func addresses(src, dst netip.Addr) uint64 {
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		return sum(sum(0, s[:]), d[:])
	}
	s, d := src.As16(), dst.As16()
	return sum(sum(0, s[:]), d[:])
}

// pseudo is the sum of a whole pseudo header (RFC 8200 section 8.1, RFC 793).
func pseudo(src, dst netip.Addr, protocol uint8, length int) uint64 {
	return addresses(src, dst) + uint64(protocol) + uint64(length)
}

// adjust takes the words that sum up to minus out of a checksum and puts others in
// (RFC 1624). A checksum that was wrong stays wrong.
func adjust(check uint16, minus, plus uint64) uint16 {
	return ^fold(uint64(^check) + uint64(^fold(minus)) + uint64(fold(plus)))
}
