package resolver

import (
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func TestNamesAnsweredOnTheSpot(t *testing.T) {
	for _, tc := range []struct {
		name  string
		qtype uint16
		rcode int
		data  string // of the only answer
		soa   string // owner of the SOA
	}{
		{"localhost.", dns.TypeA, 0, "127.0.0.1", ""},
		{"a.localhost.", dns.TypeAAAA, 0, "::1", ""},
		{"localhost.", dns.TypeMX, 0, "", "localhost."},
		{"printer.local.", dns.TypeA, dns.RcodeNameError, "", "local."},
		{"local.", dns.TypeA, 0, "", "local."},
		{"x.onion.", dns.TypeA, dns.RcodeNameError, "", "onion."},
		{"x.invalid.", dns.TypeA, dns.RcodeNameError, "", "invalid."},
		{"nas.home.arpa.", dns.TypeAAAA, dns.RcodeNameError, "", "home.arpa."},
		{"_dns.resolver.arpa.", dns.TypeSVCB, 0, "", "resolver.arpa."},
		{"1.2.3.10.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "10.in-addr.arpa."},
		{"1.0.16.172.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "16.172.in-addr.arpa."},
		{"1.0.31.172.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "31.172.in-addr.arpa."},
		{"1.0.127.100.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "127.100.in-addr.arpa."},
		{"1.0.168.192.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "168.192.in-addr.arpa."},
		{"168.192.in-addr.arpa.", dns.TypeNS, 0, "168.192.in-addr.arpa.", ""},
		{"1.d.f.ip6.arpa.", dns.TypePTR, dns.RcodeNameError, "", "d.f.ip6.arpa."},
		{"cam.example.", dns.TypeANY, 0, "RFC8482", ""},
	} {
		w, r := onInternet(t, Config{})
		for range 2 { // the second from the cache
			m := over(t, r, question{name: tc.name, qtype: tc.qtype, do: true}.msg())
			if m.Rcode != tc.rcode || m.AuthenticatedData || m.Authoritative == (tc.qtype == dns.TypeANY) {
				t.Errorf("%s %s: %v", tc.name, dns.TypeToString[tc.qtype], m)
			}
			if data, soa := dataOf(m.Answer), ownerOf(m.Ns); data != tc.data || soa != tc.soa {
				t.Errorf("%s: data %q and SOA of %q, want %q and %q", tc.name, data, soa, tc.data, tc.soa)
			}
		}
		if got := w.noted("resolver"); len(w.asked) != 0 || len(got) != 1 {
			t.Errorf("%s: asked %v, notes %v", tc.name, w.asked, got)
		}
	}
}

func dataOf(rrs []dns.RR) string {
	if len(rrs) != 1 {
		return ""
	}
	switch rr := rrs[0].(type) {
	case *dns.A:
		return rr.A.String()
	case *dns.AAAA:
		return rr.AAAA.String()
	case *dns.NS:
		return rr.Ns
	case *dns.HINFO:
		return rr.Cpu
	}
	return rrs[0].String()
}

func ownerOf(rrs []dns.RR) string {
	if len(rrs) != 1 || rrs[0].Header().Rrtype != dns.TypeSOA {
		return ""
	}
	return rrs[0].Header().Name
}

// TestNamesThatAreLikeOthers go to the upstream, although they look special.
func TestNamesThatAreLikeOthers(t *testing.T) {
	for _, q := range []question{
		{name: "use-application-dns.net.", qtype: dns.TypeA}, {name: "ipv4only.arpa.", qtype: dns.TypeA}, {name: "home.arpa.", qtype: dns.TypeDS},
		{name: "1.0.15.172.in-addr.arpa.", qtype: dns.TypePTR}, {name: "1.0.32.172.in-addr.arpa.", qtype: dns.TypePTR},
		{name: "x.016.172.in-addr.arpa.", qtype: dns.TypePTR}, {name: "1.0.63.100.in-addr.arpa.", qtype: dns.TypePTR},
		{name: "1.1.169.192.in-addr.arpa.", qtype: dns.TypePTR}, {name: "notlocal.", qtype: dns.TypeA}, {name: "x.test.", qtype: dns.TypeA},
	} {
		w, r := onInternet(t, Config{})
		over(t, r, q.msg())
		if w.questions(q.name, q.qtype) == 0 {
			t.Errorf("%s was not asked of the upstream", q.name)
		}
	}
}

// TestLocalZonesHoldTheirNames: whatever is put before a local zone is local.
func TestLocalZonesHoldTheirNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`([a-z0-9-]{1,10}\.){0,4}`).Draw(t, "prefix")
		for want := range localZones {
			if got, why := localZone(prefix + want); why == "" || !dns.IsSubDomain(want, got) && !dns.IsSubDomain(got, want) {
				t.Fatalf("%s%s lies in %q", prefix, want, got)
			}
			if got, _ := localZone("not" + want); got == want {
				t.Fatalf("not%s was taken for %s", want, want)
			}
		}
	})
}
