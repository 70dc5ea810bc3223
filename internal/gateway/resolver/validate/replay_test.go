package validate_test

import (
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
)

// TestExpandedDenial: the NSEC of a wildcard under another owner verifies, and
// denies nothing (RFC 4035 section 5.4).
func TestExpandedDenial(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	authority := i.signed("*.test. 60 IN NSEC test. TXT RRSIG NSEC")
	for _, rr := range authority {
		rr.Header().Name = "a.test."
	}
	v := i.judge("a.test.", dns.TypeMX, reply(0, nil, authority))
	expect(t, "the NSEC of a wildcard", v, validate.Bogus, dns.ExtendedErrorCodeDNSBogus)
}

// TestDSOfTheChild: a DS is the parent's word; the child's key cannot give it,
// nor deny it (RFC 4035 sections 2.4 and 5.2).
func TestDSOfTheChild(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	child := newKey(t, "sub.test.", 257)
	ds := []dns.RR{child.rr.ToDS(dns.SHA256)}
	i.src.put("sub.test.", dns.TypeDS, reply(0, append(ds, i.key.sign(t, nil, ds...)), nil))
	i.src.put("sub.test.", dns.TypeDNSKEY, reply(0, []dns.RR{child.rr, child.sign(t, nil, child.rr)}, nil))

	www := parse(t, "www.sub.test. 60 IN A 192.0.2.1")
	v := i.judge("www.sub.test.", dns.TypeA, reply(0, append(www, child.sign(t, nil, www...)), nil))
	expect(t, "the child itself", v, validate.Secure, 0)
	v = i.judge("sub.test.", dns.TypeDS, reply(0, append(ds, i.key.sign(t, nil, ds...)), nil))
	expect(t, "a DS by the parent", v, validate.Secure, 0)
	v = i.judge("sub.test.", dns.TypeDS, reply(0, append(ds, child.sign(t, nil, ds...)), nil))
	expect(t, "a DS by the child", v, validate.Bogus, dns.ExtendedErrorCodeRRSIGsMissing)
	for _, types := range []string{"A NS SOA RRSIG NSEC DNSKEY", "A RRSIG NSEC", "NS RRSIG NSEC"} {
		nsec := parse(t, "sub.test. 60 IN NSEC sub.test. "+types)
		v = i.judge("sub.test.", dns.TypeDS, reply(0, nil, append(nsec, child.sign(t, nil, nsec...))))
		expect(t, "no DS, says the child with "+types, v, validate.Bogus, dns.ExtendedErrorCodeNSECMissing)
	}
}

// TestParentForTheChild: the parent's NSEC at a cut denies nothing but the DS
// (RFC 6840 section 4.1).
func TestParentForTheChild(t *testing.T) {
	i := newIsland(t, validate.Limits{})
	authority := i.signed("sub.test. 60 IN NSEC test. NS DS RRSIG NSEC")
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
	}{{"sub.test.", dns.TypeA, 0}, {"www.sub.test.", dns.TypeA, dns.RcodeNameError}, {"sub.test.", dns.TypeDS, 0}} {
		if v := i.judge(c.name, c.qtype, reply(c.rcode, nil, authority)); v.Status != validate.Bogus {
			t.Errorf("%s: %s", c.name, v.Status)
		}
	}
}
