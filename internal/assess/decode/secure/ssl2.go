package secure

import (
	"golang.org/x/crypto/cryptobyte"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// ssl2HeadLen is what is needed to know an SSL 2.0 hello: length (2), type (1),
// version (2), three lengths (6).
const ssl2HeadLen = 11

const (
	ssl2ClientHello = 1
	ssl2ServerHello = 4
)

// recogniseSSL2 knows a ClientHello of SSL 2.0 or in its format (RFC 5246
// appendix E.2): its lengths must add up exactly.
func recogniseSSL2(b []byte) wire.Match {
	if b[0]&0x80 == 0 {
		return wire.No
	}
	if len(b) < ssl2HeadLen {
		if len(b) > 2 && b[2] != ssl2ClientHello {
			return wire.No
		}
		return wire.Maybe
	}
	if ssl2Length(b) == 0 {
		return wire.No
	}
	return wire.Yes
}

// ssl2Length is the length of the ClientHello with its header, or 0.
func ssl2Length(b []byte) int {
	size := int(b[0]&0x7f)<<8 | int(b[1])
	suites, session, challenge := u16(b[5:]), u16(b[7:]), u16(b[9:])
	sane := b[2] == ssl2ClientHello && isSSL2Version(u16(b[3:])) && suites > 0 && suites%3 == 0 &&
		(session == 0 || session == 16) && challenge >= 16 && challenge <= 32
	if !sane || size != ssl2HeadLen-2+suites+session+challenge {
		return 0
	}
	return size + 2
}

// isSSL2Version says that a hello of this format may ask for the version.
func isSSL2Version(v int) bool { return v == 2 || v >= 0x0300 && v <= 0x0304 }

func u16(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// readSSL2 reads a ClientHello that ssl2Length accepted, with its header.
func readSSL2(b []byte) (hello, bool) {
	h := hello{ClientHello: event.ClientHello{Legacy: uint16(u16(b[3:])), SSL2: true}}
	s := cryptobyte.String(b[ssl2HeadLen : ssl2HeadLen+u16(b[5:])])
	for !s.Empty() {
		var kind uint32
		if !s.ReadUint24(&kind) || len(h.Suites)+len(h.SSL2Suites) >= listLimit {
			return hello{}, false
		}
		if kind > 0xffff {
			h.SSL2Suites = append(h.SSL2Suites, kind)
			continue
		}
		h.addSuite(uint16(kind))
	}
	return h, true
}
