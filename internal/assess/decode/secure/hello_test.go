package secure

import (
	"strings"
	"testing"

	"assay/internal/assess/event"
)

// TestJA4 takes its fingerprints from the public descriptions of JA4: what a
// ClientHello held and what it is called.
func TestJA4(t *testing.T) {
	const (
		chromeSuites = "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9"
		chromeExts   = "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01"
		chromeSigs   = "0403,0804,0401,0503,0805,0501,0806,0601"
	)
	for _, c := range []struct {
		suites, exts, sigs, want string
		alpn                     []string
	}{
		{chromeSuites, chromeExts + ",0000,0010", chromeSigs, "t13d1516h2_8daaf6152771_e5627efa2ab1", []string{"h2", "http/1.1"}},
		{
			"00ff,1301,1302,1303,c02b,c02c,c02f,c030,cca8,cca9",
			"0010,0005,000a,000b,000d,0000,0017,0023,002b,002d,0033",
			"0503,0403,0807,0806,0805,0804,0601,0501,0401",
			"t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3", []string{"h2"},
		},
	} {
		h := event.ClientHello{
			Transport: event.TCP, Legacy: 0x0303, Versions: []uint16{0x0304, 0x0303}, HasSNI: true,
			Suites: numbers(t, c.suites), Extensions: numbers(t, c.exts), SigAlgs: numbers(t, c.sigs), ALPN: c.alpn,
		}
		if got := ja4(h); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func numbers(t *testing.T, list string) []uint16 {
	t.Helper()
	var out []uint16
	for _, s := range strings.Split(list, ",") {
		var v uint16
		for _, r := range s {
			v = v<<4 | uint16(strings.IndexRune("0123456789abcdef", r))
		}
		out = append(out, v)
	}
	return out
}

func TestJA4Parts(t *testing.T) {
	for _, c := range []struct {
		hello event.ClientHello
		want  string
	}{
		{event.ClientHello{Legacy: 0x0301}, "t10i000000_000000000000_000000000000"},
		{event.ClientHello{Legacy: 0x0300}, "ts3i000000_000000000000_000000000000"},
		{event.ClientHello{Transport: event.QUIC, Versions: []uint16{0x0304}, ALPN: []string{"\xab"}}, "q13i0000ab_000000000000_000000000000"},
		{event.ClientHello{Transport: event.DTLS, Legacy: 0xfefd, ALPN: []string{"a\xff"}}, "dd2i00006f_000000000000_000000000000"},
		{event.ClientHello{Transport: event.DTLS, Legacy: 0xfefd, Versions: []uint16{0xfefd, 0xfefc}}, "dd3i000000_000000000000_000000000000"},
		{event.ClientHello{Legacy: 0x0303, Suites: make([]uint16, 120), ALPN: []string{"x"}}, "t12i9900xx_"},
	} {
		if got := ja4(c.hello); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s, want %s", c.hello, got, c.want)
		}
	}
}

// extension builds one extension.
func extension(kind uint16, data string) string {
	return string([]byte{byte(kind >> 8), byte(kind), byte(len(data) >> 8), byte(len(data))}) + data
}

// clientHello builds a ClientHello body.
func clientHello(session, suites string, exts ...string) []byte {
	block := strings.Join(exts, "")
	body := "\x03\x03" + strings.Repeat("R", 32) + string([]byte{byte(len(session))}) + session +
		string([]byte{byte(len(suites) >> 8), byte(len(suites))}) + suites + "\x01\x00"
	if exts != nil {
		body += string([]byte{byte(len(block) >> 8), byte(len(block))}) + block
	}
	return []byte(body)
}

func TestClientHello(t *testing.T) {
	v13 := extension(extVersions, "\x04\x0a\x0a\x03\x04")
	for _, c := range []struct {
		name  string
		body  []byte
		check func(h hello) bool
	}{
		{"no extensions", clientHello("", "\x00\x2f"), func(h hello) bool { return h.MaxVersion() == 0x0303 && !h.HasSNI }},
		{"GREASE is left out", clientHello("", "\x1a\x1a\x13\x01", v13, extension(0x2a2a, "")), func(h hello) bool {
			return len(h.Suites) == 1 && len(h.Versions) == 1 && len(h.Extensions) == 1
		}},
		{"an empty server name", clientHello("", "\x13\x01", extension(0, "")), func(h hello) bool { return h.HasSNI && h.SNI == "" }},
		{"session id of TLS 1.3 is no ticket", clientHello("12345678", "\x13\x01", v13), func(h hello) bool { return !h.Ticket }},
		{"session id of TLS 1.2 is", clientHello("12345678", "\x13\x01"), func(h hello) bool { return h.Ticket }},
		{"fallback", clientHello("", "\x00\x2f\x56\x00"), func(h hello) bool { return h.Fallback }},
		{"only psk_ke", clientHello("", "\x13\x01", extension(extPSKModes, "\x01\x00")), func(h hello) bool { return h.PSKOnlyKE }},
		{"psk_dhe_ke too", clientHello("", "\x13\x01", extension(extPSKModes, "\x02\x00\x01")), func(h hello) bool { return !h.PSKOnlyKE }},
		{"ECH outer", clientHello("", "\x13\x01", extension(extECH, "\x00abc")), func(h hello) bool { return h.ECH }},
		{"ECH inner", clientHello("", "\x13\x01", extension(extECH, "\x01")), func(h hello) bool { return !h.ECH }},
	} {
		h, ok := readClientHello(c.body, event.TCP)
		if !ok || !c.check(h) {
			t.Errorf("%s: %t %+v", c.name, ok, h)
		}
	}
}

// TestClientHelloCutShort: every shorter form is malformed, but for the one that
// ends exactly before the extensions.
func TestClientHelloCutShort(t *testing.T) {
	whole := clientHello("s", "\x13\x01", extension(extSigAlgs, "\x00\x02\x04\x03"))
	bare := len(clientHello("s", "\x13\x01"))
	for n := range whole {
		if _, ok := readClientHello(whole[:n], event.TCP); ok != (n == bare) {
			t.Errorf("%d of %d bytes: %t", n, len(whole), ok)
		}
	}
	if _, ok := readClientHello(append(whole, 0), event.TCP); ok {
		t.Error("a byte too much was accepted")
	}
	many := clientHello("", strings.Repeat("\x00\x2f", listLimit+1))
	if _, ok := readClientHello(many, event.TCP); ok {
		t.Error("an absurd number of suites was accepted")
	}
}
