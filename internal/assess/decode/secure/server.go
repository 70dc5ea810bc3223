package secure

import (
	"bytes"
	"math/bits"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"assay/internal/assess/event"
)

// retryRandom is the random of a ServerHello that is a HelloRetryRequest: the
// SHA-256 of "HelloRetryRequest" (RFC 9846 section 4.1.3).
var retryRandom = []byte("\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c")

// readServerHello reads the body of a ServerHello (RFC 9846 section 4.1.3,
// RFC 5246 section 7.4.1.3); sent is the session id of the ClientHello.
func readServerHello(body, sent []byte, transport event.Transport) (event.ServerHello, bool) {
	h := event.ServerHello{Transport: transport}
	s := cryptobyte.String(body)
	var random []byte
	var session, block cryptobyte.String
	var compression uint8
	ok := s.ReadUint16(&h.Version) && s.ReadBytes(&random, 32) && s.ReadUint8LengthPrefixed(&session) &&
		s.ReadUint16(&h.Suite) && s.ReadUint8(&compression) && readLastBlock(&s, &block)
	if !ok {
		return h, false
	}
	h.Retry = bytes.Equal(random, retryRandom)
	ok = eachExtension(block, func(kind uint16, data cryptobyte.String) bool { return serverExtension(&h, kind, data) })
	if !ok {
		return h, false
	}
	h.Resumed = event.TLSVersion(h.Version) < 0x0304 && len(sent) > 0 && bytes.Equal(session, sent)
	return h, true
}

// readLastBlock reads the extensions block at the end, which may be absent.
func readLastBlock(s, block *cryptobyte.String) bool {
	return s.Empty() || s.ReadUint16LengthPrefixed(block) && s.Empty()
}

func serverExtension(h *event.ServerHello, kind uint16, d cryptobyte.String) bool {
	switch kind {
	case extVersions:
		return d.ReadUint16(&h.Version)
	case extKeyShare:
		return d.ReadUint16(&h.Group)
	case extEMS:
		h.EMS = true
	case extPSK:
		h.PSK = true
	case extALPN:
		var list, name cryptobyte.String
		if !d.ReadUint16LengthPrefixed(&list) || !list.ReadUint8LengthPrefixed(&name) {
			return false
		}
		h.ALPN = string(name)
	}
	return true
}

// hintLimit is how much of a PSK identity or hint is kept, in bytes.
const hintLimit = 256

// readServerKeyExchange reads a ServerKeyExchange of the given suite and version
// (RFC 5246 section 7.4.3, RFC 8422, RFC 4279, RFC 5489). The hint is that of PSK suites.
func readServerKeyExchange(body []byte, suite, version uint16) (x event.ServerKeyExchange, hint string, ok bool) {
	kx := event.SuiteKeyExchange(suite)
	s := cryptobyte.String(body)
	if strings.HasSuffix(kx, "PSK") {
		var h cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&h) {
			return x, "", false
		}
		hint, x.PSKHinted = string(h[:min(len(h), hintLimit)]), len(h) > 0
	}
	read := groupReader(kx)
	if read == nil {
		return x, hint, true
	}
	ok = read(&s, &x)
	signed := !strings.HasSuffix(kx, "PSK") && !strings.HasSuffix(kx, "anon")
	if ok && signed && event.TLSVersion(version) == 0x0303 {
		ok = s.ReadUint16(&x.SigAlg)
	}
	return x, hint, ok
}

// groupReader reads the parameters of a key exchange; nil when there are none
// that are read here (static keys, SRP, export RSA).
func groupReader(kx string) func(*cryptobyte.String, *event.ServerKeyExchange) bool {
	switch {
	case strings.HasPrefix(kx, "ECDHE") || kx == "ECDH_anon":
		return readCurve
	case strings.HasPrefix(kx, "DHE") || strings.HasPrefix(kx, "DH_anon"):
		return readDH
	default:
		return nil
	}
}

func readCurve(s *cryptobyte.String, x *event.ServerKeyExchange) bool {
	const namedCurve = 3
	var kind uint8
	var point cryptobyte.String
	return s.ReadUint8(&kind) && kind == namedCurve && s.ReadUint16(&x.Group) && s.ReadUint8LengthPrefixed(&point)
}

func readDH(s *cryptobyte.String, x *event.ServerKeyExchange) bool {
	var p, g, y cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&p) || !s.ReadUint16LengthPrefixed(&g) || !s.ReadUint16LengthPrefixed(&y) {
		return false
	}
	p = bytes.TrimLeft(p, "\x00")
	if len(p) == 0 {
		return false
	}
	x.DHBits = len(p)*8 - bits.LeadingZeros8(p[0])
	return true
}

// readPSKIdentity reads the identity that a client names in clear (RFC 4279).
func readPSKIdentity(body []byte, suite uint16) (string, bool) {
	if !strings.HasSuffix(event.SuiteKeyExchange(suite), "PSK") {
		return "", false
	}
	s := cryptobyte.String(body)
	var id cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&id) {
		return "", false
	}
	return string(id[:min(len(id), hintLimit)]), true
}
