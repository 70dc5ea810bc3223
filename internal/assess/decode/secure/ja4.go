package secure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

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
	return fmt.Sprintf("%s%s%s%02d%02d%s_%s_%s", ja4Transport(h.Transport), ja4Version(h), sni,
		min(len(h.Suites), 99), min(len(h.Extensions), 99), ja4ALPN(h.ALPN), ja4Suites(h), ja4Extensions(h))
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
	return ja4Digest(hexList(slices.Sorted(slices.Values(h.Suites))))
}

func ja4Extensions(h event.ClientHello) string {
	var kinds []uint16
	for _, e := range h.Extensions {
		if e != extServerName && e != extALPN {
			kinds = append(kinds, e)
		}
	}
	if len(h.Extensions) == 0 {
		return ja4None
	}
	slices.Sort(kinds)
	text := hexList(kinds)
	if len(h.SigAlgs) > 0 {
		text += "_" + hexList(h.SigAlgs)
	}
	return ja4Digest(text)
}

// ja4None stands for the digest of an empty list.
const ja4None = "000000000000"

func ja4Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

func hexList(values []uint16) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprintf("%04x", v)
	}
	return strings.Join(parts, ",")
}
