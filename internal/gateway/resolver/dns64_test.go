package resolver

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const nat64Prefix = "64:ff9b::/96"

// TestDNS64 is RFC 6147 sections 5.1 and 5.5 with the lab's signed zones.
func TestDNS64(t *testing.T) {
	for _, c := range []struct {
		what  string
		q     question
		rcode int
		made  bool // an address within the prefix
		ad    bool
	}{
		{what: "a name with IPv4 alone", q: question{name: "v4only.hub.example.", qtype: dns.TypeAAAA}, made: true},
		{what: "authentic, to who asks for that", q: question{name: "v4only.hub.example.", qtype: dns.TypeAAAA, ad: true}, made: true, ad: true},
		{what: "DO without CD", q: question{name: "v4only.hub.example.", qtype: dns.TypeAAAA, do: true}, made: true, ad: true},
		{what: "DO with CD: the client validates", q: question{name: "v4only.hub.example.", qtype: dns.TypeAAAA, do: true, cd: true}},
		{what: "CD without DO", q: question{name: "v4only.hub.example.", qtype: dns.TypeAAAA, cd: true}, made: true},
		{what: "not signed", q: question{name: "www.toy.legacy.", qtype: dns.TypeAAAA, do: true}, made: true},
		{what: "by an alias", q: question{name: "to-nodata.hub.example.", qtype: dns.TypeAAAA, do: true}, made: true, ad: true},
		{what: "a name with IPv6", q: question{name: "www.hub.example.", qtype: dns.TypeAAAA, do: true}, ad: true},
		{what: "no such name", q: question{name: "absent.hub.example.", qtype: dns.TypeAAAA, do: true}, rcode: dns.RcodeNameError, ad: true},
		{what: "a forged name", q: question{name: "www.flipped.example.", qtype: dns.TypeAAAA}, rcode: dns.RcodeServerFailure},
		{what: "the name of the prefix", q: question{name: "ipv4only.arpa.", qtype: dns.TypeAAAA, do: true}, made: true},
		{what: "another type", q: question{name: "v4only.hub.example.", qtype: dns.TypeA, do: true}, ad: true},
	} {
		_, r := onInternet(t, Config{})
		if err := r.SetDNS64(netip.MustParsePrefix(nat64Prefix)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second from the cache
			m := over(t, r, c.q.msg())
			if m.Rcode != c.rcode || m.AuthenticatedData != c.ad || madeIn(m) != c.made {
				t.Errorf("%s: %v", c.what, m)
			}
		}
	}
}

// madeIn says whether an answer has addresses within the prefix, and nothing of
// signatures that cannot be.
func madeIn(m *dns.Msg) bool {
	made := false
	for _, rr := range m.Answer {
		switch v := rr.(type) {
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(v.AAAA)
			made = made || netip.MustParsePrefix(nat64Prefix).Contains(a)
		case *dns.RRSIG:
			if made && v.TypeCovered == dns.TypeAAAA {
				return false
			}
		}
	}
	return made
}

// within says whether an answer holds one address of the prefix; none for no prefix.
func within(m *dns.Msg, p netip.Prefix) bool {
	if !p.IsValid() {
		return len(m.Answer) == 0
	}
	return len(m.Answer) == 1 && p.Contains(netip.MustParseAddr(m.Answer[0].(*dns.AAAA).AAAA.String()))
}

// TestDNS64IsSwitched while the resolver runs: no answer of the former prefix stays.
func TestDNS64IsSwitched(t *testing.T) {
	_, r := onInternet(t, Config{})
	for _, prefix := range []string{"", nat64Prefix, "64:ff9b:1::/96", "", nat64Prefix} {
		p, _ := netip.ParsePrefix(prefix)
		if err := r.SetDNS64(p); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			m := over(t, r, question{name: "v4only.hub.example.", qtype: dns.TypeAAAA}.msg())
			if !within(m, p) {
				t.Errorf("%q: %v", prefix, m)
			}
		}
	}
	if err := r.SetDNS64(netip.MustParsePrefix("fd00::/8")); err == nil {
		t.Error("a prefix of 8 bits is taken")
	}
}

// TestDNS64Exclusions: addresses that stand for IPv4 are none (RFC 6147 section
// 5.1.4), and private ones get no address (RFC 6052 section 3.1).
func TestDNS64Exclusions(t *testing.T) {
	records := map[string]string{
		"mapped.test. AAAA": "mapped.test. 60 IN AAAA ::ffff:192.0.2.1", "mapped.test. A": "mapped.test. 60 IN A 192.0.2.1",
		"inside.test. A": "inside.test. 60 IN A 10.0.0.1",
	}
	_, r := unsigned(t, func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg)
		m.SetReply(q)
		m.SetEdns0(1232, true)
		m.RecursionAvailable = true
		if text := records[q.Question[0].Name+" "+dns.TypeToString[q.Question[0].Qtype]]; text != "" {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		return m
	}, Config{})
	if err := r.SetDNS64(netip.MustParsePrefix(nat64Prefix)); err != nil {
		t.Fatal(err)
	}
	if m := over(t, r, question{name: "mapped.test.", qtype: dns.TypeAAAA}.msg()); len(m.Answer) != 1 || !strings.HasSuffix(m.Answer[0].String(), "64:ff9b::c000:201") {
		t.Errorf("an address that stands for IPv4: %v", m)
	}
	if m := over(t, r, question{name: "inside.test.", qtype: dns.TypeAAAA}.msg()); madeIn(m) {
		t.Errorf("a private address: %v", m)
	}
}

// TestNamesOfMadeAddresses lead to those of the IPv4 addresses (RFC 6147 section 5.3).
func TestNamesOfMadeAddresses(t *testing.T) {
	_, r := onInternet(t, Config{})
	if err := r.SetDNS64(netip.MustParsePrefix(nat64Prefix)); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"64:ff9b::8.8.8.8": "dns.google.", "64:ff9b::192.0.0.171": ipv4onlyName} {
		name, err := dns.ReverseAddr(netip.MustParseAddr(address).String())
		if err != nil {
			t.Fatal(err)
		}
		m := over(t, r, question{name: name, qtype: dns.TypePTR}.msg())
		if len(m.Answer) != 2 || m.Answer[1].(*dns.PTR).Ptr != want || m.AuthenticatedData {
			t.Errorf("%s: %v", address, m)
		}
	}
	if m := over(t, r, question{name: "x.ipv4only.arpa.", qtype: dns.TypeA}.msg()); m.Rcode != dns.RcodeNameError {
		t.Errorf("below the name: %v", m)
	}
}
