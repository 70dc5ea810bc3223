package local

import (
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// coapPort is where CoAP is served in clear (RFC 7252 section 6.1).
const coapPort = 5683

// coap reads CoAP over UDP. Away from its port only a request with a readable
// path and nothing but registered options is believed.
func coap() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "coap",
		Recognise: func(c wire.Conn, _ event.Side, data []byte) wire.Match {
			m, ok := parseCoAP(data)
			return yesIf(ok && (usesPort(c, coapPort) && m.code != 0 || m.isTelling()))
		},
		New: func() wire.Datagram { return &coapReader{} },
	}
}

type coapReader struct{ told heard[event.CoAPSeen] }

// Packet reads one message. Empty messages (acknowledgement, reset, ping) belong
// to the protocol and tell nothing.
func (r *coapReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	m, ok := parseCoAP(data)
	if !ok {
		return false
	}
	c.Name("coap")
	seen := event.CoAPSeen{Code: m.code, Path: m.path, Observe: m.observe}
	if m.code == 0 || !r.told.first(seen) {
		return true
	}
	c.Emit(0, seen)
	if from == event.FromClient && c.Conn().Group && m.path == "/.well-known/core" {
		c.Emit(0, event.Announced{Protocol: "coap", Query: true, Texts: []string{"path: " + m.path}})
	}
	return true
}

type coapMessage struct {
	code    uint8
	path    string
	observe bool
	known   bool // all options are registered ones
}

// isTelling says that a message looks like CoAP so much that the port does not
// matter: GET, POST, PUT or DELETE of a path of plain characters.
func (m coapMessage) isTelling() bool {
	return m.code >= 1 && m.code <= 4 && m.known && len(m.path) >= 4 && isPathText(m.path)
}

func isPathText(path string) bool {
	for _, c := range []byte(path) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("/._-~", rune(c)) {
			return false
		}
	}
	return true
}

// parseCoAP checks a whole message (RFC 7252 section 3): version 1, a token of at
// most 8 bytes, a code that exists, options to the last byte or to the marker of
// a payload that is not empty.
func parseCoAP(data []byte) (coapMessage, bool) {
	if len(data) < 4 || data[0]>>6 != 1 {
		return coapMessage{}, false
	}
	token := int(data[0] & 15)
	m := coapMessage{code: data[1], known: true}
	if m.code == 0 {
		return m, token == 0 && len(data) == 4
	}
	if token > 8 || len(data) < 4+token || !isCoAPCode(m.code) {
		return coapMessage{}, false
	}
	return m, m.readOptions(data[4+token:])
}

// isCoAPCode accepts the methods 0.01 to 0.07 and the response classes 2, 4 and 5.
func isCoAPCode(code uint8) bool {
	switch code >> 5 {
	case 0:
		return code >= 1 && code <= 7
	case 2, 4, 5:
		return true
	default:
		return false
	}
}

// The options that are told (RFC 7252 section 5.10, RFC 7641 section 2).
const (
	optObserve = 6
	optURIPath = 11
)

// coapPathLimit is the most bytes kept of a path.
const coapPathLimit = 256

func (m *coapMessage) readOptions(rest []byte) bool {
	number := 0
	for len(rest) > 0 {
		if rest[0] == 0xff {
			return len(rest) > 1
		}
		first := rest[0]
		rest = rest[1:]
		delta, rest1, ok1 := coapExtended(first>>4, rest)
		length, rest2, ok2 := coapExtended(first&15, rest1)
		if !ok1 || !ok2 || length > len(rest2) {
			return false
		}
		number += delta
		m.option(number, rest2[:length])
		rest = rest2[length:]
	}
	return true
}

// coapExtended reads the extension of an option's delta or length (section 3.1).
func coapExtended(nibble byte, rest []byte) (int, []byte, bool) {
	switch {
	case nibble < 13:
		return int(nibble), rest, true
	case nibble == 13 && len(rest) >= 1:
		return int(rest[0]) + 13, rest[1:], true
	case nibble == 14 && len(rest) >= 2:
		return int(rest[0])<<8 + int(rest[1]) + 269, rest[2:], true
	default:
		return 0, nil, false
	}
}

func (m *coapMessage) option(number int, value []byte) {
	switch number {
	case optObserve:
		m.observe = true
	case optURIPath:
		m.path += "/" + string(value)
		m.path = m.path[:min(len(m.path), coapPathLimit)]
	case 1, 3, 4, 5, 7, 8, 9, 12, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292:
		// registered in the CoAP Option Numbers registry
	default:
		m.known = false
	}
}
