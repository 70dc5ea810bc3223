package event

import "testing"

func TestSuiteNames(t *testing.T) {
	for v, want := range map[uint16][2]string{
		0x1301: {"TLS_AES_128_GCM_SHA256", ""},
		0x002f: {"TLS_RSA_WITH_AES_128_CBC_SHA", "RSA"},
		0xc02f: {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE_RSA"},
		0x00a6: {"TLS_DH_anon_WITH_AES_128_GCM_SHA256", "DH_anon"},
		0x00ae: {"TLS_PSK_WITH_AES_128_CBC_SHA256", "PSK"},
		0xc0aa: {"TLS_PSK_DHE_WITH_AES_128_CCM_8", "DHE_PSK"},
		0xfeff: {"SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA", "RSA_FIPS"},
		0x00ff: {"TLS_EMPTY_RENEGOTIATION_INFO_SCSV", ""},
		0x5600: {"TLS_FALLBACK_SCSV", ""},
		0xeeee: {"0xeeee", ""},
	} {
		if got := SuiteName(v); got != want[0] {
			t.Errorf("%#04x is called %s, want %s", v, got, want[0])
		}
		if got := SuiteKeyExchange(v); got != want[1] {
			t.Errorf("%s has key exchange %q, want %q", want[0], got, want[1])
		}
	}
}

// TestGREASE: RFC 8701 section 2 reserves sixteen values.
func TestGREASE(t *testing.T) {
	n := 0
	for v := range 1 << 16 {
		if !IsGREASE(uint16(v)) {
			continue
		}
		n++
		if _, known := KnownSuite(uint16(v)); known || v>>8 != v&0xff || v&15 != 10 {
			t.Errorf("%#04x is taken for GREASE", v)
		}
	}
	if n != 16 {
		t.Errorf("%d values, want 16", n)
	}
}
