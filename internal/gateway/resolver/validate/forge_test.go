package validate_test

import (
	"context"
	"crypto"
	"errors"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// keypair is a zone key that these tests sign with.
type keypair struct {
	rr   *dns.DNSKEY
	priv crypto.Signer
}

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 300}
}

func newKey(t testing.TB, zone string, flags uint16) keypair {
	t.Helper()
	rr := &dns.DNSKEY{Hdr: header(zone, dns.TypeDNSKEY), Flags: flags, Protocol: 3, Algorithm: dns.ED25519}
	priv, err := rr.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	return keypair{rr, priv.(crypto.Signer)}
}

// sign signs a set as of noon; change may alter the signature's fields before.
func (k keypair) sign(t testing.TB, change func(*dns.RRSIG), rrs ...dns.RR) *dns.RRSIG {
	t.Helper()
	sig := &dns.RRSIG{
		Inception: uint32(noon.Add(-time.Hour).Unix()), Expiration: uint32(noon.Add(time.Hour).Unix()),
		KeyTag: k.rr.KeyTag(), SignerName: k.rr.Hdr.Name, Algorithm: k.rr.Algorithm,
	}
	if change != nil {
		change(sig)
	}
	if err := sig.Sign(k.priv, rrs); err != nil {
		t.Fatal(err)
	}
	return sig
}

func parse(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var out []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

// reply is an upstream's answer.
func reply(rcode int, answer, authority []dns.RR) *dns.Msg {
	m := &dns.Msg{Answer: answer, Ns: authority}
	m.Rcode = rcode
	return m
}

// forged is a source with prepared answers.
type forged map[dns.Question]*dns.Msg

func (f forged) Query(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if m := f[question(name, qtype)]; m != nil {
		return m, nil
	}
	return nil, errors.New("no such answer was prepared")
}

func (f forged) put(name string, qtype uint16, m *dns.Msg) { f[question(name, qtype)] = m }

// island is one zone, test., with its own anchor and one key. Unless something
// else was prepared, every name in it exists and is no zone cut.
type island struct {
	t   testing.TB
	key keypair
	src forged
	v   *validate.Validator
	now time.Time
}

func newIsland(t testing.TB, limits validate.Limits, more ...dns.RR) *island {
	t.Helper()
	i := &island{t: t, key: newKey(t, "test.", 257), src: forged{}, now: noon}
	keys := append([]dns.RR{i.key.rr}, more...)
	i.src.put("test.", dns.TypeDNSKEY, reply(0, append(keys, i.key.sign(t, nil, keys...)), nil))
	var err error
	i.v, err = validate.New(validate.Options{Anchors: []dns.RR{i.key.rr}, Source: i, Limits: limits, Now: func() time.Time { return i.now }})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *island) Query(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if m, err := i.src.Query(ctx, name, qtype); err == nil || qtype != dns.TypeDS {
		return m, err
	}
	return reply(0, nil, i.signed(name+" 60 IN NSEC test. A RRSIG NSEC")), nil
}

// signed signs one set as of the island's time.
func (i *island) signed(lines ...string) []dns.RR {
	i.t.Helper()
	rrs := parse(i.t, lines...)
	return append(rrs, i.key.sign(i.t, func(s *dns.RRSIG) {
		s.Inception, s.Expiration = uint32(i.now.Add(-time.Hour).Unix()), uint32(i.now.Add(time.Hour).Unix())
	}, rrs...))
}

func (i *island) judge(name string, qtype uint16, m *dns.Msg) validate.Verdict {
	return i.v.Validate(context.Background(), question(name, qtype), m)
}

// expect compares a verdict's status and extended error.
func expect(t testing.TB, what string, v validate.Verdict, status validate.Status, ede uint16) {
	t.Helper()
	if v.Status != status || v.EDE != ede {
		t.Errorf("%s: %s (%d, %s), want %s (%d)", what, v.Status, v.EDE, v.Why, status, ede)
	}
}
