package resolver

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/wire"
)

// Sizes of answers over UDP (RFC 1035 section 4.2.1, RFC 6891 section 6.2.5).
const (
	plainSize  = 512
	serverSize = 1232 // what travels in one packet everywhere (DNS Flag Day 2020)
	tcpSize    = 1<<16 - 1
)

// limit is how long an answer to the question may be.
func limit(q *wire.Query, tcp bool) int {
	switch {
	case tcp:
		return tcpSize
	case !q.EDNS:
		return plainSize
	}
	return int(min(max(q.Size, plainSize), serverSize))
}

// staleTTL is the TTL of an answer that is given out after its end (RFC 8767
// section 4).
const staleTTL = 30

// reply appends the answer that e holds to q, in the form that the client asked
// for.
func reply(out []byte, q *wire.Query, e *cache.Entry, age uint32, limit int) []byte {
	ede := e.EDE
	if e.Status == Failed && e.Stale != nil {
		e, ede = e.Stale, wire.EDE{Code: dns.ExtendedErrorCodeStaleAnswer, Has: true}
		return finish(patched(out, q, e, 0, true), q, 0, ede, limit)
	}
	if withheld(e.Status, q.CD()) {
		return refusal(out, q, dns.RcodeServerFailure, ede)
	}
	return finish(patched(out, q, e, age, false), q, 0, ede, limit)
}

// withheld says whether a client does not get an answer of this status: it gets
// SERVFAIL (RFC 4035 section 5.5).
func withheld(s Status, cd bool) bool {
	switch s {
	case Failed:
		return true
	case Bogus, Indeterminate:
		return !cd
	default:
		return false
	}
}

// patched appends the packed answer with the client's id, flags and spelling,
// and its TTLs counted down, or all of them staleTTL.
func patched(out []byte, q *wire.Query, e *cache.Entry, age uint32, stale bool) []byte {
	p := &e.Plain
	if q.DO {
		p = &e.Full
	}
	out = append(out, p.Wire...)
	flags := binary.BigEndian.Uint16(p.Wire[2:])&(wire.FlagAA|0xf) | q.Flags&wire.FlagsKept | wire.FlagQR | wire.FlagRA
	if e.Status == Secure && (q.DO || q.AD()) && !q.CD() {
		flags |= wire.FlagAD
	}
	binary.BigEndian.PutUint16(out, q.ID)
	binary.BigEndian.PutUint16(out[2:], flags)
	copy(out[headerSize:], q.Name)
	if stale {
		for _, at := range p.TTLs {
			binary.BigEndian.PutUint32(out[at:], staleTTL)
		}
		return out
	}
	countDown(out, p.TTLs, age)
	return out
}

// Offsets in a message header.
const (
	headerSize = 12
	arcountAt  = 10
)

// finish appends OPT where the client sent one, and cuts the message short when
// it is too long: then only the question stays, and TC says so (RFC 2181
// section 9).
func finish(out []byte, q *wire.Query, rcodeHigh uint8, ede wire.EDE, limit int) []byte {
	opt := 0
	if q.EDNS {
		if len(out)+wire.SizeOPT(ede) > limit {
			ede.Text = ""
		}
		opt = wire.SizeOPT(ede)
	}
	if len(out)+opt > limit {
		out = out[:q.End]
		flags := binary.BigEndian.Uint16(out[2:])
		binary.BigEndian.PutUint16(out[2:], flags|wire.FlagTC)
		clear(out[6:headerSize])
	}
	if !q.EDNS {
		return out
	}
	binary.BigEndian.PutUint16(out[arcountAt:], binary.BigEndian.Uint16(out[arcountAt:])+1)
	return wire.AppendOPT(out, serverSize, rcodeHigh, q.DO, ede)
}

// refusal appends an answer that holds nothing but a response code.
func refusal(out []byte, q *wire.Query, rcode int, ede wire.EDE) []byte {
	questions := uint16(0)
	if q.Name != nil {
		questions = 1
	}
	out = binary.BigEndian.AppendUint16(out, q.ID)
	out = binary.BigEndian.AppendUint16(out, q.Flags&wire.FlagsKept|wire.FlagQR|wire.FlagRA|uint16(rcode&0xf))
	out = binary.BigEndian.AppendUint16(out, questions)
	out = append(out, 0, 0, 0, 0, 0, 0)
	if q.Name != nil {
		out = append(out, q.Name...)
		out = binary.BigEndian.AppendUint16(out, q.Type)
		out = binary.BigEndian.AppendUint16(out, q.Class)
	}
	return finish(out, q, uint8(rcode>>4), ede, plainSize)
}
