package secure

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"

	"assay/internal/assess/event"
)

const (
	// listLimit is the most entries of any list in a hello. The longest offers
	// of real clients hold fewer than 200 suites; more is called malformed, not cut.
	listLimit = 512
	// nameLimit is the longest server name that is kept, in bytes.
	nameLimit = 255
)

// hello is a ClientHello with what only the reader needs of it.
type hello struct {
	event.ClientHello
	random  [32]byte
	session []byte
}

func (h *hello) addSuite(v uint16) {
	if event.IsGREASE(v) {
		return
	}
	h.Suites = append(h.Suites, v)
	h.Fallback = h.Fallback || v == event.SuiteFallback
}

// readClientHello reads the body of a ClientHello (RFC 9846 section 4.1.2; with
// the cookie of RFC 6347 section 4.2.1 for DTLS). False means malformed.
func readClientHello(body []byte, transport event.Transport) (hello, bool) {
	h := hello{ClientHello: event.ClientHello{Transport: transport}}
	s := cryptobyte.String(body)
	if !h.readHead(&s) || !h.readSuites(&s) || !h.readExtensions(s) {
		return hello{}, false
	}
	h.Ticket = h.Ticket || len(h.session) > 0 && !h.offers13()
	h.JA4 = ja4(h.ClientHello)
	return h, true
}

// readHead reads what comes before the cipher suites.
func (h *hello) readHead(s *cryptobyte.String) bool {
	const sessionLimit = 32
	var session, cookie cryptobyte.String
	ok := s.ReadUint16(&h.Legacy) && s.CopyBytes(h.random[:]) && s.ReadUint8LengthPrefixed(&session) &&
		len(session) <= sessionLimit
	h.session = append([]byte(nil), session...)
	h.Time = binary.BigEndian.Uint32(h.random[:])
	return ok && (h.Transport != event.DTLS || s.ReadUint8LengthPrefixed(&cookie))
}

// readSuites reads the cipher suites and the compression methods.
func (h *hello) readSuites(s *cryptobyte.String) bool {
	var suites, compression cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&suites) || !s.ReadUint8LengthPrefixed(&compression) || len(suites)/2 > listLimit {
		return false
	}
	for !suites.Empty() {
		var v uint16
		if !suites.ReadUint16(&v) {
			return false
		}
		h.addSuite(v)
	}
	for _, method := range compression {
		h.Compressed = h.Compressed || method != 0
	}
	return true
}

func (h *hello) offers13() bool {
	for _, v := range h.Versions {
		if event.TLSVersion(v) == 0x0304 {
			return true
		}
	}
	return false
}

// readExtensions reads the extensions block, which old clients leave out.
func (h *hello) readExtensions(s cryptobyte.String) bool {
	var block cryptobyte.String
	if !readLastBlock(&s, &block) {
		return false
	}
	return eachExtension(block, func(kind uint16, data cryptobyte.String) bool {
		if event.IsGREASE(kind) {
			return true
		}
		h.Extensions = append(h.Extensions, kind)
		return len(h.Extensions) <= listLimit && clientExtension(kind)(h, data)
	})
}

// eachExtension calls read for every extension, until it refuses one.
func eachExtension(block cryptobyte.String, read func(kind uint16, data cryptobyte.String) bool) bool {
	for !block.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !block.ReadUint16(&kind) || !block.ReadUint16LengthPrefixed(&data) || !read(kind, data) {
			return false
		}
	}
	return true
}

// clientExtension is the reader of one extension.
func clientExtension(kind uint16) func(*hello, cryptobyte.String) bool {
	switch kind {
	case extServerName:
		return (*hello).readServerName
	case extGroups:
		return func(h *hello, d cryptobyte.String) bool { return readList16(&d, &h.Groups) }
	case extSigAlgs:
		return func(h *hello, d cryptobyte.String) bool { return readList16(&d, &h.SigAlgs) }
	case extALPN:
		return (*hello).readALPN
	case extVersions:
		return (*hello).readVersions
	case extKeyShare:
		return (*hello).readKeyShares
	case extPSKModes:
		return (*hello).readPSKModes
	case extECH:
		return (*hello).readECH
	default:
		return flagExtension(kind)
	}
}

// Extension types (IANA "TLS ExtensionType Values").
const (
	extServerName = 0
	extGroups     = 10
	extSigAlgs    = 13
	extALPN       = 16
	extEMS        = 23
	extTicket     = 35
	extPSK        = 41
	extEarlyData  = 42
	extVersions   = 43
	extPSKModes   = 45
	extKeyShare   = 51
	extECH        = 0xfe0d
)

// flagExtension reads extensions of which only the presence counts.
func flagExtension(kind uint16) func(*hello, cryptobyte.String) bool {
	return func(h *hello, d cryptobyte.String) bool {
		switch kind {
		case extEMS:
			h.EMS = true
		case extTicket:
			h.Ticket = h.Ticket || !d.Empty()
		case extPSK:
			h.PSKOffered = true
		case extEarlyData:
			h.EarlyData = true
		}
		return true
	}
}

// readServerName reads server_name (RFC 6066 section 3).
func (h *hello) readServerName(d cryptobyte.String) bool {
	h.HasSNI = true
	var list cryptobyte.String
	if d.Empty() {
		return true
	}
	if !d.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		var kind uint8
		var name cryptobyte.String
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) {
			return false
		}
		if kind == 0 && h.SNI == "" {
			h.SNI = string(name[:min(len(name), nameLimit)])
		}
	}
	return true
}

// readALPN reads application_layer_protocol_negotiation (RFC 7301).
func (h *hello) readALPN(d cryptobyte.String) bool {
	var list cryptobyte.String
	if !d.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		var name cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&name) || len(h.ALPN) >= listLimit {
			return false
		}
		h.ALPN = append(h.ALPN, string(name))
	}
	return true
}

func (h *hello) readVersions(d cryptobyte.String) bool {
	var list cryptobyte.String
	return d.ReadUint8LengthPrefixed(&list) && readRest16(list, &h.Versions)
}

func (h *hello) readKeyShares(d cryptobyte.String) bool {
	var list cryptobyte.String
	if !d.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		var group uint16
		var share cryptobyte.String
		if !list.ReadUint16(&group) || !list.ReadUint16LengthPrefixed(&share) || len(h.KeyShares) >= listLimit {
			return false
		}
		if !event.IsGREASE(group) {
			h.KeyShares = append(h.KeyShares, group)
		}
	}
	return true
}

// readPSKModes reads psk_key_exchange_modes: 0 is psk_ke, 1 psk_dhe_ke.
func (h *hello) readPSKModes(d cryptobyte.String) bool {
	var modes cryptobyte.String
	if !d.ReadUint8LengthPrefixed(&modes) {
		return false
	}
	without, with := false, false
	for _, m := range modes {
		without = without || m == 0
		with = with || m == 1
	}
	h.PSKOnlyKE = without && !with
	return true
}

// readECH tells the outer hello of encrypted_client_hello (RFC 9849) by its first byte.
func (h *hello) readECH(d cryptobyte.String) bool {
	h.ECH = len(d) > 0 && d[0] == 0
	return true
}

// readList16 reads a length-prefixed list of 16-bit values, GREASE left out.
func readList16(d *cryptobyte.String, into *[]uint16) bool {
	var list cryptobyte.String
	return d.ReadUint16LengthPrefixed(&list) && readRest16(list, into)
}

func readRest16(list cryptobyte.String, into *[]uint16) bool {
	if len(list)/2 > listLimit {
		return false
	}
	for !list.Empty() {
		var v uint16
		if !list.ReadUint16(&v) {
			return false
		}
		if !event.IsGREASE(v) {
			*into = append(*into, v)
		}
	}
	return true
}
