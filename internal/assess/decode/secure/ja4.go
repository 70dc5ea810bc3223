package secure

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"assay/internal/assess/event"
)

// ja4 is the JA4 fingerprint of a ClientHello: transport, version, server name,
// counts and first ALPN value; then digests of the sorted cipher suites and of
// the sorted extensions with the signature algorithms. It follows the public
// description of JA4 for TLS clients (FoxIO, BSD 3-Clause); none of the other
// fingerprints of that family is made here.
func ja4(h event.ClientHello) string {
	sni := "i"
	if h.HasSNI {
		sni = "d"
	}
	out := make([]byte, 0, 40)
	out = append(out, ja4Transport(h.Transport)...)
	out = append(out, ja4Version(h)...)
	out = append(out, sni...)
	out = twoDigits(out, len(h.Suites))
	out = twoDigits(out, len(h.Extensions))
	out = append(out, ja4ALPN(h.ALPN)...)
	out = append(append(out, '_'), ja4Suites(h)...)
	out = append(append(out, '_'), ja4Extensions(h)...)
	return string(out)
}

func twoDigits(out []byte, n int) []byte {
	n = min(n, 99)
	return append(out, byte('0'+n/10), byte('0'+n%10))
}

func ja4Transport(t event.Transport) string {
	switch t {
	case event.QUIC:
		return "q"
	case event.DTLS:
		return "d"
	default:
		return "t"
	}
}

func ja4Version(h event.ClientHello) string {
	version := h.Legacy
	if len(h.Versions) > 0 {
		version = slices.MaxFunc(h.Versions, func(a, b uint16) int {
			return int(event.TLSVersion(a)) - int(event.TLSVersion(b))
		})
	}
	if name, ok := ja4Versions[version]; ok {
		return name
	}
	return "00"
}

// ja4Versions are the two characters for each version.
var ja4Versions = map[uint16]string{
	0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
	0xfeff: "d1", 0xfefd: "d2", 0xfefc: "d3",
}

// ja4ALPN is the first and last character of the first value, of its
// hexadecimal form when one of them is not alphanumeric.
func ja4ALPN(values []string) string {
	if len(values) == 0 || values[0] == "" {
		return "00"
	}
	v := values[0]
	if !isAlnum(v[0]) || !isAlnum(v[len(v)-1]) {
		v = hex.EncodeToString([]byte(v))
	}
	return v[:1] + v[len(v)-1:]
}

func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func ja4Suites(h event.ClientHello) string {
	if len(h.Suites) == 0 {
		return ja4None
	}
	var room [64]uint16 // most hellos offer fewer
	suites := append(room[:0], h.Suites...)
	slices.Sort(suites)
	return ja4Digest(appendHexList(nil, suites))
}

func ja4Extensions(h event.ClientHello) string {
	if len(h.Extensions) == 0 {
		return ja4None
	}
	var room [64]uint16
	kinds := room[:0]
	for _, e := range h.Extensions {
		if e != extServerName && e != extALPN {
			kinds = append(kinds, e)
		}
	}
	slices.Sort(kinds)
	text := appendHexList(make([]byte, 0, 512), kinds)
	if len(h.SigAlgs) > 0 {
		text = appendHexList(append(text, '_'), h.SigAlgs)
	}
	return ja4Digest(text)
}

// ja4None stands for the digest of an empty list.
const ja4None = "000000000000"

func ja4Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// appendHexList writes values as four digits each, joined by commas. Every hello
// comes by here, so nothing is formatted by way of reflection.
func appendHexList(out []byte, values []uint16) []byte {
	const digits = "0123456789abcdef"
	out = slices.Grow(out, 5*len(values))
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
	}
	return out
}
