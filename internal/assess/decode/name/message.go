package name

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/miekg/dns"
)

// Record types that the walk itself must know (IANA "Resource Record (RR) TYPEs").
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typePTR   = 12
	typeMX    = 15
	typeTXT   = 16
	typeAAAA  = 28
	typeSRV   = 33
	typeDNAME = 39
	typeOPT   = 41
	typeSVCB  = 64
	typeHTTPS = 65
)

// Bits of the header's second word (RFC 1035 section 4.1.1, RFC 4035 section 3.2).
const (
	flagQR = 1 << 15
	flagAA = 1 << 10
	flagTC = 1 << 9
	flagRD = 1 << 8
	flagRA = 1 << 7
	flagZ  = 1 << 6
	flagAD = 1 << 5
	flagCD = 1 << 4
)

// headerLen is the size of a message's header in bytes.
const headerLen = 12

// What can be wrong with a message. These texts reach reports.
var (
	errShort   = errors.New("message is shorter than its header says")
	errName    = errors.New("name cannot be read")
	errRecord  = errors.New("record is longer than its message")
	errData    = errors.New("record data does not fit its type")
	errOptions = errors.New("EDNS options cannot be read")
)

// header is a message's first twelve bytes.
type header struct {
	id, flags                              uint16
	questions, answers, authority, further int
}

func (h header) opcode() int      { return int(h.flags>>11) & 15 }
func (h header) rcode() uint16    { return h.flags & 15 }
func (h header) isResponse() bool { return h.flags&flagQR != 0 }
func (h header) has(f uint16) bool {
	return h.flags&f != 0
}

func readHeader(msg []byte) (header, error) {
	if len(msg) < headerLen {
		return header{}, errShort
	}
	word := func(i int) uint16 { return binary.BigEndian.Uint16(msg[2*i:]) }
	return header{
		id: word(0), flags: word(1),
		questions: int(word(2)), answers: int(word(3)), authority: int(word(4)), further: int(word(5)),
	}, nil
}

// question is one entry of the question section; name is in canonical form.
type question struct {
	name        string
	qtype, qcls uint16
}

func readQuestion(msg []byte, off int) (question, int, error) {
	name, off, err := readName(msg, off)
	if err != nil {
		return question{}, 0, err
	}
	if off+4 > len(msg) {
		return question{}, 0, errShort
	}
	return question{
		name:  strings.ToLower(name),
		qtype: binary.BigEndian.Uint16(msg[off:]),
		qcls:  binary.BigEndian.Uint16(msg[off+2:]),
	}, off + 4, nil
}

// readName unpacks a name, absolute, with the escapes of RFC 1035 section 5.1.
func readName(msg []byte, off int) (string, int, error) {
	name, next, err := dns.UnpackDomainName(msg, off)
	if err != nil {
		return "", 0, errName
	}
	return name, next, nil
}

// names remembers the canonical names that were read at some offsets of one
// message: most names of an answer are a pointer to one that was read before.
type names struct {
	at   [8]int
	name [8]string
	n    int
}

// read is readName in canonical form, with memory.
func (s *names) read(msg []byte, off int) (string, int, error) {
	if off+2 <= len(msg) && msg[off] >= 0xc0 {
		to := int(msg[off]&0x3f)<<8 | int(msg[off+1])
		for i := range min(s.n, len(s.at)) {
			if s.at[i] == to {
				return s.name[i], off + 2, nil
			}
		}
	}
	name, next, err := readName(msg, off)
	if err != nil {
		return "", 0, err
	}
	name = strings.ToLower(name) // only ASCII is left: the rest is escaped
	s.remember(off, name)
	return name, next, nil
}

func (s *names) remember(off int, name string) {
	i := s.n % len(s.at)
	s.at[i], s.name[i] = off, name
	s.n++
}

// skipName finds the end of a name without reading it.
func skipName(msg []byte, off int) (int, error) {
	for off < len(msg) {
		n := int(msg[off])
		switch {
		case n == 0:
			return off + 1, nil
		case n >= 0xc0:
			if off+2 > len(msg) {
				return 0, errName
			}
			return off + 2, nil
		case n >= 0x40:
			return 0, errName // reserved label kinds
		}
		off += n + 1
	}
	return 0, errName
}

// record is one resource record, its data still in the message.
type record struct {
	nameAt     int // where the owner's name begins
	rtype, cls uint16
	ttl        uint32
	dataAt     int // where the data begins
	end        int // where the next record begins
}

func (r record) data(msg []byte) []byte { return msg[r.dataAt:r.end] }

func readRecord(msg []byte, off int) (record, error) {
	r := record{nameAt: off}
	off, err := skipName(msg, off)
	if err != nil {
		return r, err
	}
	if off+10 > len(msg) {
		return r, errRecord
	}
	r.rtype = binary.BigEndian.Uint16(msg[off:])
	r.cls = binary.BigEndian.Uint16(msg[off+2:])
	r.ttl = binary.BigEndian.Uint32(msg[off+4:])
	r.dataAt = off + 10
	r.end = r.dataAt + int(binary.BigEndian.Uint16(msg[off+8:]))
	if r.end > len(msg) {
		return r, errRecord
	}
	return r, nil
}
