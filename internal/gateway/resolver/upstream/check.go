package upstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/miekg/dns"
)

// payloadSize is the UDP payload that is asked for: what fits into a packet on
// every path (DNS Flag Day 2020; RFC 9715 names 1400 as the most).
const payloadSize = 1232

// padTo is the block size of questions over TLS (RFC 8467 section 4.1).
const padTo = 128

// question is one question in wire form.
type question struct {
	wire []byte
	end  int // of the question section
	// exact demands the letter case of the question in the answer.
	exact bool
}

// form says how a question is dressed.
type form struct {
	mixCase, noEDNS, padded bool
}

func newQuestion(name string, qtype uint16, f form) (question, error) {
	m := new(dns.Msg)
	m.SetQuestion(dns.CanonicalName(name), qtype)
	m.CheckingDisabled = true
	if !f.noEDNS {
		m.SetEdns0(payloadSize, true)
	}
	if f.padded && !f.noEDNS {
		opt := m.IsEdns0()
		pad := (padTo - (m.Len()+4)%padTo) % padTo
		opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, pad)})
	}
	b, err := m.Pack()
	if err != nil {
		return question{}, fmt.Errorf("cannot ask for %q: %w", name, err)
	}
	q := question{wire: b, end: questionEnd(b), exact: f.mixCase}
	if f.mixCase {
		mixCase(b[12 : q.end-4])
	}
	return q, nil
}

// questionEnd finds the end of a question section that was just packed.
func questionEnd(b []byte) int {
	i := 12
	for b[i] != 0 {
		i += 1 + int(b[i])
	}
	return i + 5
}

func mixCase(name []byte) {
	for i, c := range name {
		if c >= 'a' && c <= 'z' && rand.N(2) == 0 {
			name[i] = c - 'a' + 'A'
		}
	}
}

// errMismatch is an answer to something else: late, misled or forged.
var errMismatch = errors.New("not an answer to this question")

// matches says whether b answers the question: a response with its id and its
// question. What is behind the question is not looked at.
func (q *question) matches(b []byte) error {
	if len(b) < q.end || b[0] != q.wire[0] || b[1] != q.wire[1] {
		return errMismatch
	}
	flags := binary.BigEndian.Uint16(b[2:])
	if flags&0xf800 != 0x8000 || binary.BigEndian.Uint16(b[4:]) != 1 { // QR, opcode 0
		return errMismatch
	}
	if !q.sameQuestion(b[:q.end]) {
		return errMismatch
	}
	return nil
}

// sameQuestion compares the question sections: the name byte for byte if exact,
// else without regard to letter case, type and class always byte for byte.
func (q *question) sameQuestion(b []byte) bool {
	for i := 12; i < q.end; i++ {
		if b[i] != q.wire[i] && (q.exact || i >= q.end-4 || lower(b[i]) != lower(q.wire[i])) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c + 'a' - 'A'
	}
	return c
}

func truncated(b []byte) bool { return b[2]&2 != 0 }
