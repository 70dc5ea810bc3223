package wire

import "encoding/binary"

// record is where one resource record lies.
type record struct {
	kind, class uint16
	ttl         uint32
	ttlAt       int
	data, end   int // of the record data
}

// readRecord reads the frame of the record at i.
func readRecord(b []byte, i int) (record, bool) {
	i = skipName(b, i)
	if i < 0 || len(b) < i+10 {
		return record{}, false
	}
	r := record{
		kind:  binary.BigEndian.Uint16(b[i:]),
		class: binary.BigEndian.Uint16(b[i+2:]),
		ttl:   binary.BigEndian.Uint32(b[i+4:]),
		ttlAt: i + 4,
		data:  i + 10,
	}
	r.end = r.data + int(binary.BigEndian.Uint16(b[i+8:]))
	return r, r.end <= len(b)
}

// skipName steps over a name that may end in a compression pointer and gives
// the offset behind it, or -1. It does not follow the pointer.
func skipName(b []byte, i int) int {
	start := i
	for i < len(b) && i-start <= maxName {
		n := int(b[i])
		switch {
		case n == 0:
			return i + 1
		case n >= 0xc0:
			return i + 2
		case n > maxLabel:
			return -1
		}
		i += 1 + n
	}
	return -1
}

// TTLs gives the offset of every TTL in a message, the one of OPT left out: it
// is no time there. It says no for a message that does not hold what its header
// promises, and for offsets beyond 65535.
func TTLs(b []byte) ([]uint16, bool) {
	if len(b) < headerSize || len(b) > 1<<16-1 {
		return nil, false
	}
	at := headerSize
	for range binary.BigEndian.Uint16(b[4:]) {
		if at = skipName(b, at); at < 0 || len(b) < at+4 {
			return nil, false
		}
		at += 4
	}
	count := int(binary.BigEndian.Uint16(b[6:])) + int(binary.BigEndian.Uint16(b[8:])) + int(binary.BigEndian.Uint16(b[10:]))
	var out []uint16
	for range count {
		r, ok := readRecord(b, at)
		if !ok {
			return nil, false
		}
		if r.kind != typeOPT {
			out = append(out, uint16(r.ttlAt))
		}
		at = r.end
	}
	return out, at == len(b)
}

// AppendKey appends what a question is told apart by, letter case left out
// (RFC 4343): the name, the type and the class.
func AppendKey(dst, name []byte, qtype, qclass uint16) []byte {
	for _, c := range name {
		if c-'A' < 26 { // a length byte is at most 63 and so never a letter
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = binary.BigEndian.AppendUint16(dst, qtype)
	return binary.BigEndian.AppendUint16(dst, qclass)
}

// Options of an OPT record that the resolver writes.
const (
	optSize    = 11
	optionEDE  = 15 // RFC 8914
	doInRecord = 0x80
)

// EDE is an extended DNS error (RFC 8914). Has is false when there is none:
// code 0 has a meaning of its own.
type EDE struct {
	Text string
	Code uint16
	Has  bool
}

// AppendOPT appends the OPT record of an answer: the payload size the box takes
// itself, the upper eight bits of the response code, DO as the client set it,
// and an extended error when there is one.
func AppendOPT(b []byte, size uint16, rcodeHigh uint8, do bool, ede EDE) []byte {
	b = append(b, 0, 0, typeOPT)
	b = binary.BigEndian.AppendUint16(b, size)
	flags := byte(0)
	if do {
		flags = doInRecord
	}
	b = append(b, rcodeHigh, 0, flags, 0)
	if !ede.Has {
		return append(b, 0, 0)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(6+len(ede.Text)))
	b = append(b, 0, optionEDE)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(ede.Text)))
	b = binary.BigEndian.AppendUint16(b, ede.Code)
	return append(b, ede.Text...)
}

// SizeOPT is how many bytes AppendOPT appends.
func SizeOPT(ede EDE) int {
	if !ede.Has {
		return optSize
	}
	return optSize + 6 + len(ede.Text)
}
