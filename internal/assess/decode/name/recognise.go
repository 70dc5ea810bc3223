package name

import (
	"encoding/binary"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// maxQuestion is the longest a header with one question can be, in bytes.
const maxQuestion = headerLen + 255 + 4

// recogniseDNS takes what looks like DNS on port 53, and on other ports only a
// query that is ordinary in every respect: a false recognition is worse than none.
func recogniseDNS(c wire.Conn, from event.Side, data []byte) wire.Match {
	switch {
	case onPort(c, portMDNS), onPort(c, portLLMNR), onPort(c, portNBNS):
		return wire.No
	case onPort(c, portDNS):
		return match(plausible(data))
	default:
		return match(from == event.FromClient && ordinary(data))
	}
}

// recogniseOn takes what looks like DNS on one port: mDNS and LLMNR are what
// they are by their port only.
func recogniseOn(port uint16) func(wire.Conn, event.Side, []byte) wire.Match {
	return func(c wire.Conn, _ event.Side, data []byte) wire.Match {
		return match(onPort(c, port) && plausible(data))
	}
}

// recogniseStream judges the first message behind its length.
func recogniseStream(c wire.Conn, from event.Side, first []byte) wire.Match {
	near := onPort(c, portDNS)
	if !near && from != event.FromClient {
		return wire.No
	}
	n, whole := framed(first)
	switch {
	case len(first) >= 2 && (n < 2+headerLen || !near && n > 2+maxQuestion+maxOPT):
		return wire.No
	case len(first) >= 6 && binary.BigEndian.Uint16(first[4:])>>11&15 > 6:
		return wire.No
	case near && plausible(first[min(2, len(first)):]):
		return wire.Yes
	case whole:
		return match(!near && ordinary(first[2:n]))
	case len(first) >= 2+maxQuestion+maxOPT:
		return wire.No
	default:
		return wire.Maybe
	}
}

// maxOPT is how much an OPT record may add to a query that is recognised by its
// content alone, in bytes.
const maxOPT = 11 + 500

func match(yes bool) wire.Match {
	if yes {
		return wire.Yes
	}
	return wire.No
}

func onPort(c wire.Conn, port uint16) bool { return c.ServerPort == port || c.ClientPort == port }

// plausible says that data begins with a header and questions that can be DNS.
func plausible(data []byte) bool {
	h, err := readHeader(data)
	if err != nil || h.opcode() > 6 || h.questions > questionLimit || h.rcode() > 11 {
		return false
	}
	off := headerLen
	for range h.questions {
		if off, err = skipName(data, off); err != nil || off+4 > len(data) {
			return false
		}
		off += 4
	}
	// Without a question there must be a record, or an answer that says no.
	if h.questions > 0 || h.isResponse() && h.rcode() != 0 {
		return true
	}
	_, err = readRecord(data, off)
	return err == nil
}

// ordinary says that data is exactly one standard query for one ordinary name.
func ordinary(data []byte) bool {
	h, err := readHeader(data)
	if err != nil || h.flags&^(flagRD|flagAD|flagCD) != 0 || !h.has(flagRD) {
		return false
	}
	if h.questions != 1 || h.answers+h.authority != 0 || h.further > 1 {
		return false
	}
	q, at, err := readQuestion(data, headerLen)
	if err != nil || q.qcls != 1 || !isCommon(q.qtype) || !isHostName(q.name) {
		return false
	}
	e, end, err := findEDNS(data, at, 0, h.further)
	return err == nil && end == len(data) && e.present == (h.further == 1)
}

func isCommon(t uint16) bool {
	switch t {
	case typeA, typeNS, typeCNAME, 6, typePTR, typeMX, typeTXT, typeAAAA, typeSRV, 43, 48, typeSVCB, typeHTTPS:
		return true
	default:
		return false
	}
}

// isHostName says that a canonical name has two labels or more of letters,
// digits, hyphens and underscores.
func isHostName(name string) bool {
	dots := 0
	for i := range len(name) {
		switch b := name[i]; {
		case b == '.':
			dots++
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '-', b == '_':
		default:
			return false
		}
	}
	return dots >= 2 && name[0] != '.'
}
