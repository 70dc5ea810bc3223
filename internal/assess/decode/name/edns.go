package name

import (
	"encoding/binary"
	"slices"
)

// EDNS option codes (IANA "DNS EDNS0 Option Codes").
const (
	optionKeyTag = 14 // RFC 8145
	optionEDE    = 15 // RFC 8914
)

// Bounds on what is kept of one OPT record.
const (
	optionLimit = 16
	keyTagLimit = 16
	edeLimit    = 8
)

// edns is what an OPT record said (RFC 6891 section 6.1).
type edns struct {
	present bool
	udpSize uint16
	rcode   uint16 // the upper eight bits, already shifted
	do      bool
	options []uint16
	keyTags []uint16
	ede     []uint16
}

// readOPT reads an OPT record. Its owner must be the root.
func readOPT(msg []byte, r record) (edns, error) {
	if msg[r.nameAt] != 0 {
		return edns{}, errOptions
	}
	e := edns{
		present: true,
		udpSize: r.cls,
		rcode:   uint16(r.ttl>>24) << 4,
		do:      r.ttl&0x8000 != 0,
	}
	for data := r.data(msg); len(data) > 0; {
		if len(data) < 4 {
			return edns{}, errOptions
		}
		code, n := binary.BigEndian.Uint16(data), 4+int(binary.BigEndian.Uint16(data[2:]))
		if n > len(data) {
			return edns{}, errOptions
		}
		e.option(code, data[4:n])
		data = data[n:]
	}
	return e, nil
}

func (e *edns) option(code uint16, data []byte) {
	if len(e.options) < optionLimit {
		e.options = append(e.options, code)
	}
	switch code {
	case optionKeyTag:
		for ; len(data) >= 2 && len(e.keyTags) < keyTagLimit; data = data[2:] {
			e.keyTags = append(e.keyTags, binary.BigEndian.Uint16(data))
		}
	case optionEDE:
		if len(data) >= 2 && len(e.ede) < edeLimit {
			e.ede = append(e.ede, binary.BigEndian.Uint16(data))
		}
	}
}

// findEDNS walks the records of a message from off and returns its OPT record.
// It passes over count records of the answer and authority sections first.
func findEDNS(msg []byte, off, before, further int) (edns, int, error) {
	var found edns
	for i := range before + further {
		r, err := readRecord(msg, off)
		if err != nil {
			return edns{}, 0, err
		}
		off = r.end
		if i < before || r.rtype != typeOPT {
			continue
		}
		e, err := readOPT(msg, r)
		if err != nil {
			return edns{}, 0, err
		}
		if found.present {
			return edns{}, 0, errOptions // RFC 6891 section 6.1.1: at most one
		}
		found = e
	}
	found.options = slices.Clip(found.options)
	return found, off, nil
}
