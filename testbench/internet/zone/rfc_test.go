package zone

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// at is when tests take place.
func at() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// sample is the zone of RFC 4035 appendix A and RFC 5155 appendix A, as far as
// names and types matter.
const sample = `@ MX 1 xx
ns2 A 192.0.2.2
a NS ns1.a
a DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
ai A 192.0.2.9
ai HINFO "KLH-10" "ITS"
ai AAAA 2001:db8::f00:baa9
*.w MX 1 ai
x.w MX 1 xx
x.y.w MX 1 xx
xx A 192.0.2.10
xx HINFO "KLH-10" "TOPS-20"
xx AAAA 2001:db8::f00:baaa
`

func sampleZone(t *testing.T, s spec) *Zone {
	t.Helper()
	s.name, s.algorithm, s.link = "example.", dns.ECDSAP256SHA256, dsGood
	u, err := newUniverse(1, at, []spec{{name: ".", algorithm: dns.ECDSAP256SHA256, denial: nsec}, s})
	if err != nil {
		t.Fatal(err)
	}
	return u.Zone("example")
}

// denied asks a zone and lists the owners of the denial records in the answer.
func denied(t *testing.T, z *Zone, name string, rrtype uint16) (owners []string, r Result) {
	t.Helper()
	r, err := z.Lookup(name, rrtype, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, rr := range r.Authority {
		if h := rr.Header(); h.Rrtype == dns.TypeNSEC || h.Rrtype == dns.TypeNSEC3 {
			owners = append(owners, strings.TrimSuffix(h.Name, ".example."))
		}
	}
	slices.Sort(owners)
	return owners, r
}

// TestHashesOfRFC5155 compares the chain with appendix A.
func TestHashesOfRFC5155(t *testing.T) {
	z := sampleZone(t, spec{denial: nsec3OptOut, iterations: 12, salt: "aabbccdd", records: sample + "c NS ns1.c\n"})
	for name, want := range map[string]string{
		"example.": "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "a.example.": "35mthgpgcu1qg68fab165klnsnk3dpvl",
		"ai.example.": "gjeqe526plbf1g8mklp59enfd789njgi", "ns1.example.": "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
		"ns2.example.": "q04jkcevqvmu85r014c7dkba38o0ji5r", "w.example.": "k8udemvp1j2f7eg6jebps17vp3n8i58h",
		"*.w.example.": "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "x.w.example.": "b4um86eghhds6nea196smvmlo4ors995",
		"y.w.example.": "ji6neoaepv8b5o6k4ev33abha8ht9fgc", "x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
		"xx.example.": "t644ebqk9bibcna874givr6joj62mlhv",
	} {
		if _, ok := z.at(strings.ToUpper(want)); !ok {
			t.Errorf("the chain has no %s, which is %s (here %s)", want, name, strings.ToLower(z.hash(name)))
		}
	}
	if len(z.chain) != 11 {
		t.Errorf("%d links, want 11: opt-out leaves c.example out", len(z.chain))
	}
}

// TestProofsOfRFC5155 compares the proofs with those of appendix B.
func TestProofsOfRFC5155(t *testing.T) {
	z := sampleZone(t, spec{denial: nsec3OptOut, iterations: 12, salt: "aabbccdd", records: sample + "c NS ns1.c\n"})
	for _, c := range []struct {
		section, name string
		rrtype        uint16
		rcode         int
		want          []string
	}{
		{"B.1", "a.c.x.w.example.", dns.TypeA, dns.RcodeNameError, []string{"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
			"35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995"}},
		{"B.2", "ns1.example.", dns.TypeMX, 0, []string{"2t7b4g4vsa5smi47k61mv5bv1a22bojr"}},
		{"B.2.1", "y.w.example.", dns.TypeA, 0, []string{"ji6neoaepv8b5o6k4ev33abha8ht9fgc"}},
		{"B.3", "mc.c.example.", dns.TypeMX, 0, []string{"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"}},
		{"B.4", "a.z.w.example.", dns.TypeMX, 0, []string{"q04jkcevqvmu85r014c7dkba38o0ji5r"}},
		{"B.5", "a.z.w.example.", dns.TypeAAAA, 0, []string{"k8udemvp1j2f7eg6jebps17vp3n8i58h",
			"q04jkcevqvmu85r014c7dkba38o0ji5r", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"}},
		{"B.6", "example.", dns.TypeDS, 0, []string{"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"}},
	} {
		got, r := denied(t, z, c.name, c.rrtype)
		if d := cmp.Diff(c.want, got); d != "" || r.Rcode != c.rcode {
			t.Errorf("%s: code %s; proofs (-RFC +here):\n%s", c.section, dns.RcodeToString[r.Rcode], d)
		}
	}
}

// TestProofsOfRFC4035 compares the proofs with those of appendix B.
func TestProofsOfRFC4035(t *testing.T) {
	z := sampleZone(t, spec{denial: nsec, records: sample + "b NS ns1.b\n"})
	for _, c := range []struct {
		section, name string
		rrtype        uint16
		rcode         int
		want          []string
	}{
		{"B.2", "ml.example.", dns.TypeA, dns.RcodeNameError, []string{"b", "example."}},
		{"B.3", "ns1.example.", dns.TypeMX, 0, []string{"ns1"}},
		{"B.5", "mc.b.example.", dns.TypeMX, 0, []string{"b"}},
		{"B.6", "a.z.w.example.", dns.TypeMX, 0, []string{"x.y.w"}},
		{"B.7", "a.z.w.example.", dns.TypeAAAA, 0, []string{"*.w", "x.y.w"}},
		{"B.8", "example.", dns.TypeDS, 0, []string{"example."}},
	} {
		got, r := denied(t, z, c.name, c.rrtype)
		if d := cmp.Diff(c.want, got); d != "" || r.Rcode != c.rcode {
			t.Errorf("%s: code %s; proofs (-RFC +here):\n%s", c.section, dns.RcodeToString[r.Rcode], d)
		}
	}
}

// TestSignedReferral has a DS and no proof: RFC 4035, appendix B.4.
func TestSignedReferral(t *testing.T) {
	z := sampleZone(t, spec{denial: nsec, records: sample})
	owners, r := denied(t, z, "mc.a.example.", dns.TypeMX)
	var types []string
	for _, rr := range r.Authority {
		types = append(types, dns.TypeToString[rr.Header().Rrtype])
	}
	if d := cmp.Diff([]string{"NS", "DS", "RRSIG"}, types); d != "" || !r.Referral || owners != nil {
		t.Errorf("referral %v, denial %v, authority (-want +got):\n%s", r.Referral, owners, d)
	}
}

// TestCanonicalOrder is the example of RFC 4034, section 6.1.
func TestCanonicalOrder(t *testing.T) {
	want := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", "*.z.example."}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b string) int { return strings.Compare(canonical(a), canonical(b)) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-RFC +here):\n%s", d)
	}
}

// TestNameTooLong is RFC 6672, section 2.2: a name that a DNAME makes longer than
// 255 octets is YXDOMAIN.
func TestNameTooLong(t *testing.T) {
	z := sampleZone(t, spec{denial: nsec, records: "l DNAME a-longer-tree\n"})
	name := strings.Repeat(strings.Repeat("x", 58)+".", 4) + "l.example."
	r, err := z.Lookup(name, dns.TypeA, false)
	if err != nil || r.Rcode != dns.RcodeYXDomain || r.Next != "" {
		t.Errorf("%d octets: code %s, next %q, %v", len(name), dns.RcodeToString[r.Rcode], r.Next, err)
	}
}
