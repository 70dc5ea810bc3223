package validate_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// twins makes keys that share the tag of a key: the tag is a sum of 16-bit words
// (RFC 4034 appendix B), so what one word gains another has to lose.
func twins(t *testing.T, of *dns.DNSKEY, n int) []dns.RR {
	t.Helper()
	var out []dns.RR
	for i := 1; len(out) < n; i++ {
		wire, err := base64.StdEncoding.DecodeString(of.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		a, b := int(wire[0])<<8|int(wire[1])+i, int(wire[2])<<8|int(wire[3])-i
		if b < 0 || a > 0xffff {
			a, b = a-2*i, b+2*i
		}
		wire[0], wire[1], wire[2], wire[3] = byte(a>>8), byte(a), byte(b>>8), byte(b)
		twin := dns.Copy(of).(*dns.DNSKEY)
		twin.PublicKey = base64.StdEncoding.EncodeToString(wire)
		if twin.KeyTag() == of.KeyTag() {
			out = append(out, twin)
		}
		if i > 10*n {
			t.Fatal("no twins to be found")
		}
	}
	return out
}

// TestKeyTrap sends what CVE-2023-50387 is about: many keys of one tag, many
// signatures that name it, over many sets.
func TestKeyTrap(t *testing.T) {
	first := newKey(t, "test.", 256)
	keys := append([]dns.RR{first.rr}, twins(t, first.rr, 200)...)
	i := newIsland(t, validate.Limits{}, keys...)
	var answer []dns.RR
	for n := range 50 {
		rrs := parse(t, fmt.Sprintf("www.test. 60 IN TYPE%d \\# 1 00", 65280+n))
		answer = append(answer, rrs...)
		for m := range 100 {
			sig := first.sign(t, func(s *dns.RRSIG) { s.OrigTtl = uint32(m + 1) }, rrs...)
			sig.OrigTtl += 1000 // spoiled after signing
			answer = append(answer, sig)
		}
	}
	v := i.judge("www.test.", dns.TypeANY, reply(0, answer, nil))
	expect(t, "a KeyTrap answer", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
	if v.Work.Verifications > 32 || v.Work.Failures > 16 {
		t.Errorf("the answer bought %+v", v.Work)
	}
	if c := i.v.Counts(); c.Overruns != 1 || c.Bogus != 1 {
		t.Errorf("the counters say %+v", c)
	}
}

// TestKeyTrapAtTheEntrance does it with the keys and DS records of a zone.
func TestKeyTrapAtTheEntrance(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	child := newKey(t, "sub.test.", 257)
	keys := append([]dns.RR{child.rr}, twins(t, child.rr, 100)...)
	var list []dns.RR
	for n := range 200 {
		ds := child.rr.ToDS(dns.SHA256)
		ds.Digest = fmt.Sprintf("%064x", n)
		list = append(list, ds)
	}
	i.src.put("sub.test.", dns.TypeDS, reply(0, append(list, i.key.sign(t, nil, list...)), nil))
	i.src.put("sub.test.", dns.TypeDNSKEY, reply(0, append(keys, child.sign(t, nil, keys...)), nil))
	rrs := parse(t, "www.sub.test. 60 IN A 192.0.2.1")
	v := i.judge("www.sub.test.", dns.TypeA, reply(0, append(rrs, child.sign(t, nil, rrs...)), nil))
	if v.Status != validate.Bogus || v.Work.Digests > 64 || v.Work.Verifications > 4 {
		t.Errorf("%s (%s), work %+v", v.Status, v.Why, v.Work)
	}
}

// TestAnOverrunIsNotRemembered: what an answer failed for want of budget must
// not spoil the zone for the next one.
func TestAnOverrunIsNotRemembered(t *testing.T) {
	w := newWorld(t, validate.Options{Limits: validate.Limits{Verifications: 3}})
	v, _ := w.validate("www.cam.example.", dns.TypeA)
	expect(t, "three checks", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
	for range 4 {
		v, _ = w.validate("www.cam.example.", dns.TypeA)
	}
	expect(t, "three checks at a time", v, validate.Secure, 0)
}

// TestNSEC3Work is about CVE-2023-50868: long names, long salts, many iterations.
func TestNSEC3Work(t *testing.T) {
	name := strings.Repeat("a.", 120) + "test."
	denial := func(iterations int) []string {
		return []string{
			fmt.Sprintf("%s.test. 60 IN NSEC3 1 0 %d %s 00000000000000000000000000000002 A RRSIG", strings.Repeat("0", 31)+"1", iterations, strings.Repeat("ab", 255)),
			fmt.Sprintf("%s.test. 60 IN NSEC3 1 0 %d %s 00000000000000000000000000000001 A RRSIG", strings.Repeat("0", 31)+"2", iterations, strings.Repeat("ab", 255)),
		}
	}
	for iterations, want := range map[int]uint16{100: dns.ExtendedErrorCodeDNSBogus, 101: dns.ExtendedErrorCodeUnsupportedNSEC3IterValue} {
		i := newIsland(t, validate.Limits{})
		var authority []dns.RR
		for _, line := range denial(iterations) {
			authority = append(authority, i.signed(line)...)
		}
		began := time.Now()
		v := i.judge(name, dns.TypeA, reply(dns.RcodeNameError, nil, authority))
		if v.EDE != want || v.Status == validate.Secure || v.Work.HashBlocks > 16384 {
			t.Errorf("%d iterations: %s (%d, %s), work %+v, %v", iterations, v.Status, v.EDE, v.Why, v.Work, time.Since(began))
		}
	}
}

// TestQuestionsAreBounded: a name of a hundred labels below a chain of aliases
// asks for no more than is granted, and the outcome is left open.
func TestQuestionsAreBounded(t *testing.T) {
	i := newIsland(t, validate.Limits{Queries: 20})
	name := strings.Repeat("a.", 100) + "test."
	v := i.judge(name, dns.TypeA, reply(0, parse(t, name+" 60 IN A 192.0.2.1"), nil))
	expect(t, "too many questions", v, validate.Indeterminate, dns.ExtendedErrorCodeDNSSECIndeterminate)
	if v.Work.Queries > 20 {
		t.Errorf("%d questions", v.Work.Queries)
	}
	var answer []dns.RR
	for n := range 40 {
		answer = append(answer, i.signed(fmt.Sprintf("n%d.test. 60 IN CNAME n%d.test.", n, n+1))...)
	}
	expect(t, "a long chain", i.judge("n0.test.", dns.TypeA, reply(0, answer, nil)), validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
}

// TestMemoryIsBounded: names that devices make up leave no more nodes than the
// limit says; what is asked again is found again.
func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t, validate.Options{Limits: validate.Limits{Cuts: 8}})
	for n := range 200 {
		if v, _ := w.validate(fmt.Sprintf("x%d.flipped.example.", n), dns.TypeA); v.Status != validate.Bogus {
			t.Fatalf("%s (%s)", v.Status, v.Why)
		}
	}
	if n := w.v.Kept(); n > 8 {
		t.Errorf("%d nodes are kept, the limit is 8", n)
	}
}
