package validate_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// TestDefaultAnchors holds the built-in DS records against the keys themselves,
// as IANA and Debian's dns-root-data publish them.
func TestDefaultAnchors(t *testing.T) {
	keys := parse(t,
		`. 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=`,
		`. 172800 IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=`)
	tags := []uint16{20326, 38696}
	anchors := validate.DefaultAnchors()
	if len(anchors) != len(keys) {
		t.Fatalf("%d anchors, want %d", len(anchors), len(keys))
	}
	for i, rr := range keys {
		key, have := rr.(*dns.DNSKEY), anchors[i].(*dns.DS)
		want := key.ToDS(dns.SHA256)
		if key.KeyTag() != tags[i] || have.KeyTag != tags[i] || have.Algorithm != 8 || !strings.EqualFold(have.Digest, want.Digest) {
			t.Errorf("anchor %v does not belong to key %d", have, key.KeyTag())
		}
	}
}

func TestAnchorsThatCannotBeUsed(t *testing.T) {
	for _, line := range []string{
		"test. 60 IN A 192.0.2.1",
		"test. 60 IN DNSKEY 256 2 15 " + strings.Repeat("A", 43) + "=",
		"test. 60 IN DNSKEY 1 3 15 " + strings.Repeat("A", 43) + "=",
		"test. 60 IN DNSKEY 385 3 15 " + strings.Repeat("A", 43) + "=",
	} {
		if _, err := validate.New(validate.Options{Source: forged{}, Anchors: parse(t, line)}); err == nil || !strings.Contains(err.Error(), "cannot use") {
			t.Errorf("%s: error %v", line, err)
		}
	}
	if _, err := validate.New(validate.Options{}); err == nil {
		t.Error("a validator without a source was made")
	}
}

// TestReasons asks for the extended error that each broken zone should give.
func TestReasons(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for _, c := range []struct {
		name   string
		qtype  uint16
		status validate.Status
		ede    uint16
	}{
		{"www.cam.example.", dns.TypeA, validate.Secure, 0},
		{"www.plug.example.", dns.TypeA, validate.Insecure, 0},
		{"www.new-algorithm.example.", dns.TypeA, validate.Insecure, dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
		{"www.new-digest.example.", dns.TypeA, validate.Insecure, dns.ExtendedErrorCodeUnsupportedDSDigestType},
		{"www.flipped.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeDNSBogus},
		{"www.expired.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeSignatureExpired},
		{"www.early.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeSignatureNotYetValid},
		{"www.stripped.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeRRSIGsMissing},
		{"www.evillock.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"www.other-key.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeDNSKEYMissing},
		{"www.downgrade.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeDNSKEYMissing},
		{"absent.no-denial.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"absent.no-denial3.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"absent.bad-denial.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeDNSBogus},
		{"any.dev.no-wild.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"any.dev.no-wild3.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"absent.iterations.example.", dns.TypeA, validate.Insecure, dns.ExtendedErrorCodeUnsupportedNSEC3IterValue},
		{"www.site.iterations.example.", dns.TypeA, validate.Insecure, dns.ExtendedErrorCodeUnsupportedNSEC3IterValue},
		{"www.no-proof.example.", dns.TypeA, validate.Bogus, dns.ExtendedErrorCodeNSECMissing},
		{"www.cam.example.", dns.TypeRRSIG, validate.Insecure, 0},
		{"absent.things.", dns.TypeA, validate.Insecure, 0},
	} {
		v, _ := w.validate(c.name, c.qtype)
		expect(t, c.name+" "+dns.Type(c.qtype).String(), v, c.status, c.ede)
		if (c.status == validate.Secure) != (v.Why == "") {
			t.Errorf("%s: the reason is %q", c.name, v.Why)
		}
	}
}

// TestAliases: the state of an answer is that of its weakest part.
func TestAliases(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for name, want := range map[string]validate.Status{
		"to-secure": validate.Secure, "to-nsec3": validate.Secure, "to-optout": validate.Secure,
		"to-unsigned": validate.Insecure, "to-unsigned-optout": validate.Insecure, "to-legacy": validate.Insecure,
		"to-bogus": validate.Bogus, "to-expired": validate.Bogus, "to-no-name": validate.Secure, "to-no-data": validate.Secure,
		"to-wild": validate.Secure, "to-wild-nsec3": validate.Secure, "any.moved": validate.Secure,
		"host.branch": validate.Secure, "host.branch-unsigned": validate.Insecure, "www.branch-bogus": validate.Bogus,
		"host.branch-deep": validate.Secure, "alias4": validate.Secure, "to-nothing": validate.Secure,
	} {
		v, m := w.validate(name+".cam.example.", dns.TypeAAAA)
		if v.Status != want {
			t.Errorf("%s: %s (%s), want %s\n%v", name, v.Status, v.Why, want, m)
		}
		if want == validate.Secure && (slices.Contains(v.Answer, false) || slices.Contains(v.Authority, false)) {
			t.Errorf("%s: not everything counts as validated: %v %v\n%v", name, v.Answer, v.Authority, m)
		}
	}
}

// TestForgedDNAME: the alias made from a DNAME has no signature; it must follow
// from the DNAME letter by letter.
func TestForgedDNAME(t *testing.T) {
	w := newWorld(t, validate.Options{})
	m := w.ask("host.branch.cam.example.", dns.TypeAAAA)
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok {
			c.Target = "www.hub.example."
		}
	}
	v := w.judge("host.branch.cam.example.", dns.TypeAAAA, m)
	expect(t, "a CNAME that leads elsewhere", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
}

// TestAliasMadeByDNAME: the alias itself may be asked for. What was made from a valid
// DNAME is as valid as that, and what was not is bogus.
func TestAliasMadeByDNAME(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for _, qtype := range []uint16{dns.TypeCNAME, dns.TypeANY} {
		m := w.ask("host.branch.cam.example.", dns.TypeCNAME)
		v := w.judge("host.branch.cam.example.", qtype, m)
		expect(t, "an alias that was made", v, validate.Secure, 0)
		if slices.Contains(v.Answer, false) {
			t.Errorf("type %d: not everything counts as validated: %v\n%v", qtype, v.Answer, m)
		}
		for _, rr := range m.Answer {
			if c, ok := rr.(*dns.CNAME); ok {
				c.Target = "www.hub.example."
			}
		}
		v = w.judge("host.branch.cam.example.", qtype, m)
		expect(t, "an alias that leads elsewhere", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
		alone := m.Copy()
		alone.Answer = slices.DeleteFunc(alone.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeCNAME })
		v = w.judge("host.branch.cam.example.", qtype, alone)
		expect(t, "an alias without what it was made from", v, validate.Bogus, dns.ExtendedErrorCodeRRSIGsMissing)
	}
}

// TestUnvalidatedRecordsAreMarked: what was put beside a secure answer does not
// become part of it.
func TestUnvalidatedRecordsAreMarked(t *testing.T) {
	w := newWorld(t, validate.Options{})
	m := w.ask("www.cam.example.", dns.TypeA)
	n := len(m.Answer)
	m.Answer = append(m.Answer, parse(t, "www.evil.example. 60 IN A 192.0.2.66")...)
	m.Ns = append(m.Ns, parse(t, "cam.example. 60 IN NS ns.evil.example.")...)
	v := w.judge("www.cam.example.", dns.TypeA, m)
	expect(t, "with additions", v, validate.Secure, 0)
	if v.Answer[n] || slices.Contains(v.Authority, true) || slices.Contains(v.Answer[:n], false) {
		t.Errorf("marked %v %v", v.Answer, v.Authority)
	}
}

// TestSourceFailures: what cannot be fetched leaves the answer open, and is
// asked for again.
func TestSourceFailures(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for _, broken := range []func(string, uint16, *dns.Msg) (*dns.Msg, error){
		func(string, uint16, *dns.Msg) (*dns.Msg, error) { return nil, errors.New("no route") },
		func(string, uint16, *dns.Msg) (*dns.Msg, error) { return nil, nil },
		func(_ string, _ uint16, m *dns.Msg) (*dns.Msg, error) { m.Rcode = dns.RcodeRefused; return m, nil },
	} {
		w.twist = broken
		v, _ := w.validate("www.cam.example.", dns.TypeA)
		expect(t, "a broken source", v, validate.Indeterminate, dns.ExtendedErrorCodeDNSSECIndeterminate)
	}
	w.twist = nil
	v, _ := w.validate("www.cam.example.", dns.TypeA)
	expect(t, "a source that is well again", v, validate.Secure, 0)
	for _, m := range []*dns.Msg{nil, reply(dns.RcodeServerFailure, nil, nil), reply(dns.RcodeRefused, nil, nil), {MsgHdr: dns.MsgHdr{Truncated: true}}} {
		v := w.judge("www.cam.example.", dns.TypeA, m)
		expect(t, "no answer", v, validate.Indeterminate, dns.ExtendedErrorCodeDNSSECIndeterminate)
	}
}

// TestChainIsRemembered: a second answer of a zone asks for nothing; when its
// time is over, or the clock was set back, everything is asked for again.
func TestChainIsRemembered(t *testing.T) {
	now := noon
	w := newWorld(t, validate.Options{Now: func() time.Time { return now }})
	for _, c := range []struct {
		at     time.Duration
		status validate.Status
		cold   bool
	}{{0, validate.Secure, true}, {time.Second, validate.Secure, false}, {2 * time.Hour, validate.Secure, true},
		{time.Hour, validate.Secure, true}, {-30 * 24 * time.Hour, validate.Bogus, true}, {time.Hour, validate.Secure, true}} {
		now = noon.Add(c.at)
		v, _ := w.validate("www.cam.example.", dns.TypeA)
		if v.Status != c.status || (v.Work.Queries > 0) != c.cold {
			t.Errorf("at %v: %s (%s), %d questions", c.at, v.Status, v.Why, v.Work.Queries)
		}
	}
}

func TestNegativeAnchors(t *testing.T) {
	w := newWorld(t, validate.Options{NegativeAnchors: []string{"Expired.Example", "lab.cam.example."}})
	for name, want := range map[string]validate.Status{
		"www.expired.example.": validate.Insecure, "absent.expired.example.": validate.Insecure,
		"www.lab.cam.example.": validate.Insecure, "www.cam.example.": validate.Secure, "www.flipped.example.": validate.Bogus,
	} {
		v, _ := w.validate(name, dns.TypeA)
		expect(t, name, v, want, v.EDE)
	}
}

// TestClosestAnchor: an anchor below an unsigned delegation makes an island of
// security; signatures in the name of a zone above it change nothing.
func TestClosestAnchor(t *testing.T) {
	w := newWorld(t, validate.Options{})
	key := w.ask("island.example.", dns.TypeDNSKEY).Answer[0]
	w = newWorld(t, validate.Options{Anchors: []dns.RR{w.u.RootDS(), key}})
	v, m := w.validate("www.island.example.", dns.TypeA)
	expect(t, "the island", v, validate.Secure, 0)
	for _, rr := range m.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.SignerName = "plug.example."
		}
	}
	if v = w.judge("www.island.example.", dns.TypeA, m); v.Status != validate.Bogus {
		t.Errorf("a signature of another name: %s (%s)", v.Status, v.Why)
	}
	v, _ = w.validate("www.cam.example.", dns.TypeA)
	expect(t, "beside the island", v, validate.Secure, 0)
}

func TestOutsideAnchorsAndClasses(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	expect(t, "no anchor", i.judge("www.example.", dns.TypeA, reply(0, parse(t, "www.example. 60 IN A 192.0.2.1"), nil)), validate.Insecure, 0)
	expect(t, "no anchor, no data", i.judge("www.example.", dns.TypeA, reply(0, nil, nil)), validate.Insecure, 0)
	v := i.v.Validate(t.Context(), dns.Question{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}, reply(0, nil, nil))
	expect(t, "class CHAOS", v, validate.Insecure, 0)
}

// TestConcurrent is for the race detector, and for one answer being read by many.
func TestConcurrent(t *testing.T) {
	w := newWorld(t, validate.Options{Limits: validate.Limits{Cuts: 16}})
	var all sync.WaitGroup
	names := []string{"www.cam.example.", "absent.hub.example.", "www.plug.example.", "any.dev.sensor.example."}
	for range 8 {
		all.Go(func() {
			for _, name := range names {
				if v, _ := w.validate(name, dns.TypeA); v.Status == validate.Bogus || v.Status == validate.Indeterminate {
					t.Errorf("%s: %s (%s)", name, v.Status, v.Why)
				}
			}
		})
	}
	all.Wait()
}
