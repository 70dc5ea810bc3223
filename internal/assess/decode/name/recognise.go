package name

import (
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
	n, whole := framed(first)
	switch {
	case len(first) < 2+headerLen:
		return short(first, n)
	case onPort(c, portDNS):
		return judge(plausible, first[2:min(n, len(first))], whole, 2+maxQuestion)
	case from != event.FromClient || n > 2+maxQuestion+maxOPT:
		return wire.No
	default:
		return judge(ordinary, first[2:min(n, len(first))], whole, 2+maxQuestion+maxOPT)
	}
}

// judge says yes when msg passes the test, and no when more bytes cannot change
// that: the message is whole, insane, or longer than the test looks.
func judge(test func([]byte) bool, msg []byte, whole bool, limit int) wire.Match {
	if test(msg) {
		return wire.Yes
	}
	if h, err := readHeader(msg); err != nil || !sane(h) || whole || len(msg) >= limit {
		return wire.No
	}
	return wire.Maybe
}

// short judges fewer bytes than a header, of a message of n bytes.
func short(first []byte, n int) wire.Match {
	if len(first) >= 2 && n < 2+headerLen {
		return wire.No
	}
	return wire.Maybe
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
	if err != nil || !sane(h) {
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
	r, err := readRecord(data, off)
	return err == nil && r.rtype != 0
}

// sane says that a header can be one of DNS: a known operation and result, few
// questions.
func sane(h header) bool {
	return h.opcode() <= 6 && h.questions <= questionLimit && h.rcode() <= 11
}

// ordinary says that data is exactly one standard query for one ordinary name.
func ordinary(data []byte) bool {
	h, err := readHeader(data)
	if err != nil || !isPlainQuery(h) {
		return false
	}
	q, at, err := readQuestion(data, headerLen)
	if err != nil || q.qcls != 1 || !isCommon(q.qtype) || !isHostName(q.name) {
		return false
	}
	e, end, err := findEDNS(data, at, 0, h.further)
	return err == nil && end == len(data) && e.present == (h.further == 1)
}

// isPlainQuery says that a header asks one question recursively, with at most an
// EDNS record besides.
func isPlainQuery(h header) bool {
	return h.flags&^(flagRD|flagAD|flagCD) == 0 && h.has(flagRD) &&
		h.questions == 1 && h.answers+h.authority == 0 && h.further <= 1
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
