// Package wire reads the questions of clients and finds the TTLs in answers, on
// the bytes as they stand on the wire (RFC 1035 section 4, RFC 6891).
//
// It owns the few places where bytes are looked at without a message library,
// because every question of a device passes there. It must not know the cache,
// the upstream or what an answer means; and it trusts no length it has read.
package wire

import "encoding/binary"

// Sizes of RFC 1035.
const (
	headerSize = 12
	maxName    = 255
	maxLabel   = 63
)

// Header bits, as in the second 16-bit word of a message.
const (
	FlagQR = 1 << 15
	FlagAA = 1 << 10
	FlagTC = 1 << 9
	FlagRD = 1 << 8
	FlagRA = 1 << 7
	FlagAD = 1 << 5
	FlagCD = 1 << 4

	opcodeMask = 0xf << 11
	// FlagsKept are the bits of a question that its answer repeats (RFC 1035
	// section 4.1.1, RFC 4035 section 3.2.2): opcode, RD and CD.
	FlagsKept = opcodeMask | FlagRD | FlagCD
)

const (
	typeOPT = 41
	// doBit is DO in the TTL field of an OPT record (RFC 3225).
	doBit = 1 << 15
	// maxExtra bounds the additional records of a question: OPT, TSIG or SIG(0)
	// and room for one more.
	maxExtra = 3
)

// Problem says what is wrong with a question, and so how it must be met.
type Problem uint8

// The problems, from none to worst.
const (
	OK      Problem = iota
	FormErr         // answer FORMERR
	NotImp          // answer NOTIMP: an opcode that is not QUERY
	Silent          // no answer at all: a response, or too short to hold a header
)

// Query is one question of a client. The slices point into the packet.
type Query struct {
	Name    []byte // owner in wire form, in the client's own case; nil when it could not be read
	End     int    // where the question section ends; 12 when there is none
	ID      uint16
	Flags   uint16
	Type    uint16
	Class   uint16
	Size    uint16 // the client's UDP payload size, 0 without EDNS
	Version uint8  // of EDNS
	EDNS    bool
	DO      bool
}

// RD says whether recursion is desired.
func (q *Query) RD() bool { return q.Flags&FlagRD != 0 }

// AD says whether the client wants to know if data is authentic (RFC 6840 section 5.7).
func (q *Query) AD() bool { return q.Flags&FlagAD != 0 }

// CD says whether the client checks for itself (RFC 4035 section 3.2.2).
func (q *Query) CD() bool { return q.Flags&FlagCD != 0 }

// Parse reads one question. With a Problem other than OK and Silent the fields
// that could be read are set, so that the refusal can echo them.
func Parse(b []byte) (Query, Problem) {
	if len(b) < headerSize {
		return Query{}, Silent
	}
	q := Query{ID: binary.BigEndian.Uint16(b), Flags: binary.BigEndian.Uint16(b[2:]), End: headerSize}
	switch {
	case q.Flags&FlagQR != 0:
		return q, Silent
	case q.Flags&opcodeMask != 0:
		return q, NotImp
	case binary.BigEndian.Uint16(b[4:]) != 1 || binary.BigEndian.Uint16(b[6:]) != 0:
		return q, FormErr
	}
	if !q.question(b) {
		return q, FormErr
	}
	return q, q.rest(b)
}

// question reads the one question. Its name cannot be compressed: there is
// nothing before it to point to.
func (q *Query) question(b []byte) bool {
	end := plainName(b, headerSize)
	if end < 0 || len(b) < end+4 {
		return false
	}
	q.Name = b[headerSize:end]
	q.Type = binary.BigEndian.Uint16(b[end:])
	q.Class = binary.BigEndian.Uint16(b[end+2:])
	q.End = end + 4
	return true
}

// rest reads what follows the question. An IXFR carries a record in its
// authority section (RFC 1995); it is stepped over like any other.
func (q *Query) rest(b []byte) Problem {
	authority, extra := int(binary.BigEndian.Uint16(b[8:])), int(binary.BigEndian.Uint16(b[10:]))
	if authority > 1 || extra > maxExtra {
		return FormErr
	}
	at := q.End
	for i := range authority + extra {
		r, ok := readRecord(b, at)
		if !ok {
			return FormErr
		}
		if r.kind == typeOPT && (i < authority || !q.opt(b, at, r)) {
			return FormErr
		}
		at = r.end
	}
	if at != len(b) {
		return FormErr
	}
	return OK
}

// opt takes the OPT record; it says no for a second one or a damaged one
// (RFC 6891 section 6.1.1).
func (q *Query) opt(b []byte, at int, r record) bool {
	if q.EDNS || b[at] != 0 || !optionsFit(b[r.data:r.end]) {
		return false
	}
	q.EDNS = true
	q.Size = r.class
	q.Version = uint8(r.ttl >> 16)
	q.DO = r.ttl&doBit != 0
	return true
}

func optionsFit(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

// plainName steps over a name without compression that starts at i and gives
// the offset behind it, or -1.
func plainName(b []byte, i int) int {
	start := i
	for i < len(b) {
		n := int(b[i])
		i++
		switch {
		case n == 0:
			if i-start > maxName {
				return -1
			}
			return i
		case n > maxLabel:
			return -1
		}
		i += n
	}
	return -1
}
