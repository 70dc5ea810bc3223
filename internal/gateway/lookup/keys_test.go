package lookup

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// The forms are those of RFC 3110 section 2, whose keys have short or long exponents.
func TestRSABits(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	n := key.N.Bytes()
	long := slices.Concat([]byte{0, 1, 44}, make([]byte, 300), n) // an exponent of 300 bytes
	for name, c := range map[string]struct {
		algorithm uint8
		key       []byte
		want      int
	}{
		"a short exponent":             {dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, n), 1024},
		"a long exponent":              {dns.RSASHA512, long, 1024},
		"zeros before the modulus":     {dns.RSASHA1, slices.Concat([]byte{3, 1, 0, 1, 0, 0}, n), 1024},
		"nothing but an exponent":      {dns.RSASHA256, []byte{3, 1, 0, 1}, 0},
		"an exponent beyond the key":   {dns.RSASHA256, []byte{200, 1, 0, 1}, 0},
		"an exponent of 65535 bytes":   {dns.RSASHA256, []byte{0, 255, 255, 1}, 0},
		"nothing":                      {dns.RSASHA256, nil, 0},
		"a length that is cut off":     {dns.RSASHA256, []byte{0, 1}, 0},
		"an algorithm other than RSA":  {dns.ECDSAP256SHA256, slices.Concat([]byte{3, 1, 0, 1}, n), 0},
		"an algorithm nobody has seen": {250, slices.Concat([]byte{3, 1, 0, 1}, n), 0},
	} {
		got := rsaBits(&dns.DNSKEY{Algorithm: c.algorithm, PublicKey: base64.StdEncoding.EncodeToString(c.key)})
		if got != c.want {
			t.Errorf("%s: %d bits, want %d", name, got, c.want)
		}
	}
	if got := rsaBits(&dns.DNSKEY{Algorithm: dns.RSASHA256, PublicKey: "!"}); got != 0 {
		t.Errorf("a key that is no base64 has %d bits", got)
	}
}

func FuzzModulus(f *testing.F) {
	f.Add([]byte{3, 1, 0, 1, 9, 9})
	f.Add([]byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m := modulus(b); len(m) > len(b) {
			t.Errorf("%d bytes of a key of %d", len(m), len(b))
		}
	})
}
