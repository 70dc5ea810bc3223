package validate_test

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

func unix(t time.Time) uint32 { return uint32(t.Unix()) }

// TestValidityPeriod walks over both ends of a signature, and over the day in
// 2106 when 32 bits of seconds begin anew.
func TestValidityPeriod(t *testing.T) {
	wrap := time.Unix(1<<32, 0).UTC()
	cases := []struct {
		what     string
		now      time.Time
		from, to time.Time
		status   validate.Status
		ede      uint16
	}{
		{"in the middle", noon, noon.Add(-time.Hour), noon.Add(time.Hour), validate.Secure, 0},
		{"first second", noon, noon, noon.Add(time.Hour), validate.Secure, 0},
		{"last second", noon, noon.Add(-time.Hour), noon, validate.Secure, 0},
		{"a second early", noon, noon.Add(time.Second), noon.Add(time.Hour), validate.Bogus, dns.ExtendedErrorCodeSignatureNotYetValid},
		{"a second late", noon, noon.Add(-time.Hour), noon.Add(-time.Second), validate.Bogus, dns.ExtendedErrorCodeSignatureExpired},
		{"ends before it begins", noon, noon.Add(time.Hour), noon.Add(-time.Hour), validate.Bogus, dns.ExtendedErrorCodeSignatureExpiredBeforeValid},
		{"across the wrap, before it", wrap.Add(-time.Second), wrap.Add(-time.Hour), wrap.Add(time.Hour), validate.Secure, 0},
		{"across the wrap, after it", wrap.Add(time.Second), wrap.Add(-time.Hour), wrap.Add(time.Hour), validate.Secure, 0},
		{"expired across the wrap", wrap.Add(time.Second), wrap.Add(-time.Hour), wrap.Add(-time.Second), validate.Bogus, dns.ExtendedErrorCodeSignatureExpired},
	}
	for _, c := range cases {
		i := newIsland(t, validate.Limits{})
		i.now = c.now
		around := func(s *dns.RRSIG) {
			s.Inception, s.Expiration = unix(c.now.Add(-time.Hour)), unix(c.now.Add(time.Hour))
		}
		i.src.put("test.", dns.TypeDNSKEY, reply(0, []dns.RR{i.key.rr, i.key.sign(t, around, i.key.rr)}, nil))
		rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
		sig := i.key.sign(t, func(s *dns.RRSIG) { s.Inception, s.Expiration = unix(c.from), unix(c.to) }, rrs...)
		expect(t, c.what, i.judge("www.test.", dns.TypeA, reply(0, append(rrs, sig), nil)), c.status, c.ede)
	}
}

// TestTTLCap: the least of TTL, original TTL and what is left of the signature
// (RFC 4035 section 5.3.3).
func TestTTLCap(t *testing.T) {
	for _, c := range []struct{ ttl, orig, left, want uint32 }{
		{60, 300, 3600, 60}, {300, 60, 3600, 60}, {300, 300, 10, 10}, {300, 300, 0, 0},
	} {
		i := newIsland(t, validate.Limits{})
		rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
		rrs[0].Header().Ttl = c.ttl
		sig := i.key.sign(t, func(s *dns.RRSIG) { s.OrigTtl, s.Expiration = c.orig, unix(noon)+c.left }, rrs...)
		v := i.judge("www.test.", dns.TypeA, reply(0, append(rrs, sig), nil))
		if v.Status != validate.Secure || v.TTL != c.want {
			t.Errorf("%+v: %s, TTL %d", c, v.Status, v.TTL)
		}
	}
}

// TestSignerMustBeTheZone: a signature in the name of anything but the zone of
// the owner counts for nothing, however the names look as text.
func TestSignerMustBeTheZone(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	rrs := parse(t, "www.eviltest. 60 IN A 192.0.2.1")
	v := i.judge("www.eviltest.", dns.TypeA, reply(0, append(rrs, i.key.sign(t, nil, rrs...)), nil))
	expect(t, "a name that ends like the zone", v, validate.Insecure, 0)

	rrs = parse(t, "www.sub.test. 60 IN A 192.0.2.1")
	sig := i.key.sign(t, func(s *dns.RRSIG) { s.SignerName = "sub.test." }, rrs...)
	v = i.judge("www.sub.test.", dns.TypeA, reply(0, append(rrs, sig), nil))
	expect(t, "a signer that is no zone", v, validate.Bogus, dns.ExtendedErrorCodeRRSIGsMissing)
}

func TestLabelsField(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	for _, labels := range []uint8{0, 1, 3, 9, 255} {
		rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
		sig := i.key.sign(t, nil, rrs...)
		sig.Labels = labels
		v := i.judge("www.test.", dns.TypeA, reply(0, append(rrs, sig), nil))
		expect(t, "altered labels", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
	}
}

// rsaKey makes a DNSKEY of a size and exponent; nobody has its private half.
func rsaKey(bits int, exponent []byte) *dns.DNSKEY {
	wire := append([]byte{byte(len(exponent))}, exponent...)
	wire = append(wire, slices.Repeat([]byte{0xab}, bits/8)...)
	return &dns.DNSKEY{Hdr: header("test.", dns.TypeDNSKEY), Flags: 256, Protocol: 3, Algorithm: dns.RSASHA256, PublicKey: base64.StdEncoding.EncodeToString(wire)}
}

// TestKeysThatCannotBeUsed: RSA keys that are too short or too odd make what
// they sign insecure; a sound signature beside them still counts, and sound sizes
// are not excused.
func TestKeysThatCannotBeUsed(t *testing.T) {
	f4 := []byte{1, 0, 1}
	for _, c := range []struct {
		what   string
		key    *dns.DNSKEY
		status validate.Status
		ede    uint16
	}{
		{"512 bits", rsaKey(512, f4), validate.Insecure, 1},
		{"1016 bits", rsaKey(1016, f4), validate.Insecure, 1},
		{"8192 bits", rsaKey(8192, f4), validate.Insecure, 1},
		{"an exponent of 2^32", rsaKey(2048, []byte{1, 0, 0, 0, 1}), validate.Insecure, 1},
		{"an exponent of 2^31+1", rsaKey(2048, []byte{0x80, 0, 0, 1}), validate.Insecure, 1},
		{"1024 bits", rsaKey(1024, f4), validate.Bogus, dns.ExtendedErrorCodeDNSBogus},
		{"2048 bits", rsaKey(2048, f4), validate.Bogus, dns.ExtendedErrorCodeDNSBogus},
		{"an exponent that begins with zero", rsaKey(512, []byte{0, 1}), validate.Bogus, dns.ExtendedErrorCodeDNSBogus},
	} {
		i := newIsland(t, validate.Limits{}, c.key)
		rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
		good := i.key.sign(t, nil, rrs...)
		sig := dns.Copy(good).(*dns.RRSIG)
		sig.Algorithm, sig.KeyTag = c.key.Algorithm, c.key.KeyTag()
		expect(t, c.what, i.judge("www.test.", dns.TypeA, reply(0, append(rrs, sig), nil)), c.status, c.ede)
		both := reply(0, []dns.RR{rrs[0], sig, good}, nil)
		expect(t, c.what+" beside a good key", i.judge("www.test.", dns.TypeA, both), validate.Secure, 0)
	}
}

// TestZoneKeyBit: RFC 4034 section 2.1.1, RFC 8914 code 11; a revoked key is no
// better (RFC 5011 section 2.1).
func TestZoneKeyBit(t *testing.T) {
	for _, flags := range []uint16{0, 1, 256 | dns.REVOKE} {
		other := newKey(t, "test.", flags)
		i := newIsland(t, validate.Limits{}, other.rr)
		rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
		v := i.judge("www.test.", dns.TypeA, reply(0, append(rrs, other.sign(t, nil, rrs...)), nil))
		expect(t, "no zone key", v, validate.Bogus, dns.ExtendedErrorCodeNoZoneKeyBitSet)
	}
	stranger := newKey(t, "test.", 256)
	i := newIsland(t, validate.Limits{})
	rrs := parse(t, "www.test. 60 IN A 192.0.2.1")
	v := i.judge("www.test.", dns.TypeA, reply(0, append(rrs, stranger.sign(t, nil, rrs...)), nil))
	expect(t, "a key that is not published", v, validate.Bogus, dns.ExtendedErrorCodeDNSKEYMissing)
}

// TestSpelling: the case of owner names is not signed.
func TestSpelling(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	rrs := parse(t, "www.test. 60 IN A 192.0.2.1", "www.test. 60 IN A 192.0.2.2")
	sig := i.key.sign(t, nil, rrs...)
	rrs[1].Header().Name = "WwW.tEst."
	expect(t, "mixed case", i.judge("wWw.TEST.", dns.TypeA, reply(0, append(rrs, sig), nil)), validate.Secure, 0)
	if rrs[1].Header().Name != "WwW.tEst." {
		t.Error("the message was changed")
	}
}
