package validate

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// TestCanonicalOrder is the list of RFC 4034 section 6.1.
func TestCanonicalOrder(t *testing.T) {
	names := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
		`\001.z.example.`, "*.z.example.", `\200.z.example.`}
	var keys []string
	for _, name := range names {
		key, ok := sortKey(name)
		if !ok {
			t.Fatal(name)
		}
		keys = append(keys, key)
	}
	if !slices.IsSorted(keys) || len(slices.Compact(keys)) != len(names) {
		t.Errorf("the order is wrong: %q", keys)
	}
	for _, bad := range []string{"", "a..b.", strings.Repeat("a", 64) + ".", strings.Repeat("a.", 128)} {
		if _, ok := sortKey(bad); ok && bad != "" {
			t.Errorf("%q passes for a name", bad)
		}
	}
}

// TestKeysOfSubdomains: a key begins with the key of another exactly when the
// name lies at or below the other, whatever octets the labels have.
func TestKeysOfSubdomains(t *testing.T) {
	label := rapid.SampledFrom([]string{"a", "A", "b", "ab", `\000`, `\001`, `a\000`, `a\.b`, "*"})
	rapid.Check(t, func(t *rapid.T) {
		name := func(what string) string {
			return strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, what), ".") + "."
		}
		a, b := name("a"), name("b")
		ka, _ := sortKey(a)
		kb, _ := sortKey(b)
		if strings.HasPrefix(kb, ka) != dns.IsSubDomain(a, b) {
			t.Fatalf("%q is below %q: keys %q, %q", b, a, kb, ka)
		}
	})
}

// records builds a denial of a zone from verified records.
func records(t *testing.T, zone string, lines ...string) *denial {
	t.Helper()
	v, err := New(Options{Source: nobody{}})
	if err != nil {
		t.Fatal(err)
	}
	apex, _ := sortKey(zone)
	d := &denial{s: &session{v: v}, zone: zone, apex: apex, ttl: 60, memo: map[string]string{}}
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		d.add(dns.CanonicalName(rr.Header().Name), rr)
	}
	return d
}

// zone4035 is the chain of RFC 4035 appendix A.
var zone4035 = []string{
	"example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY",
	"a.example. 3600 NSEC ai.example. NS DS RRSIG NSEC",
	"ai.example. 3600 NSEC b.example. A HINFO AAAA RRSIG NSEC",
	"b.example. 3600 NSEC ns1.example. NS RRSIG NSEC",
	"ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC",
	"ns2.example. 3600 NSEC *.w.example. A RRSIG NSEC",
	"*.w.example. 3600 NSEC x.w.example. MX RRSIG NSEC",
	"x.w.example. 3600 NSEC x.y.w.example. MX RRSIG NSEC",
	"x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC",
	"xx.example. 3600 NSEC example. A HINFO AAAA RRSIG NSEC",
}

type claim struct {
	name  string
	qtype uint16
	want  bool
}

// TestNSECDenials goes through the answers of RFC 4035 appendix B, and through
// what must not be believed (RFC 6840 section 4, RFC 6672 section 5.3.4.1).
func TestNSECDenials(t *testing.T) {
	d := records(t, "example.", zone4035...)
	for _, c := range []claim{
		{"ml.example.", dns.TypeA, true},         // appendix B.2
		{"xy.example.", dns.TypeA, true},         // after the last name
		{"a.z.w.example.", dns.TypeA, false},     // a wildcard stands for it
		{"w.example.", dns.TypeA, false},         // an empty non-terminal exists
		{"y.w.example.", dns.TypeA, false},       // another one
		{"ns1.example.", dns.TypeA, false},       // exists
		{"x.b.example.", dns.TypeA, false},       // below a delegation
		{"www.elsewhere.", dns.TypeA, false},     // another zone
		{"badexample.", dns.TypeA, false},        // the text ends alike
		{"c.ns1.example.", dns.TypeA, true},      // below a name that exists
		{`\000.xx.example.`, dns.TypeA, true},    // the first name below the last
		{"a.b.c.d.xx.example.", dns.TypeA, true}, // far below
	} {
		if got := d.nsecNXDomain(c.name); got != c.want {
			t.Errorf("%s does not exist: %t, want %t", c.name, got, c.want)
		}
	}
	for _, c := range []claim{
		{"ns1.example.", dns.TypeMX, true}, // appendix B.3
		{"ns1.example.", dns.TypeA, false},
		{"ns1.example.", dns.TypeANY, false},
		{"a.z.w.example.", dns.TypeAAAA, true}, // appendix B.7
		{"a.z.w.example.", dns.TypeMX, false},
		{"b.example.", dns.TypeDS, true}, // appendix B.5 and B.8
		{"a.example.", dns.TypeDS, false},
		{"b.example.", dns.TypeA, false},      // only the child can tell
		{"example.", dns.TypeDS, false},       // only the parent can tell
		{"y.w.example.", dns.TypeA, true},     // empty non-terminal
		{"absent.example.", dns.TypeA, false}, // not there at all
	} {
		if got := d.nsecNoData(c.name, c.qtype); got != c.want {
			t.Errorf("%s has no %s: %t, want %t", c.name, typeName(c.qtype), got, c.want)
		}
	}
}

func TestNSECCutsAndExpansions(t *testing.T) {
	d := records(t, "example.", zone4035...)
	for name, want := range map[string]cut{"b.example.": delegation, "ns1.example.": inside, "y.w.example.": inside, "ml.example.": nothing} {
		if got, ok := d.nsecNoDS(name); got != want || !ok {
			t.Errorf("%s without DS: %d %t, want %d", name, got, ok, want)
		}
	}
	for name, want := range map[string]bool{"a.z.w.example.": true, "a.y.w.example.": false, "x.y.w.example.": false, "x.x.w.example.": false} {
		if got := d.nsecExpansion(name, 2); got != want {
			t.Errorf("*.w.example. stands for %s: %t, want %t", name, got, want)
		}
	}
}

// TestBelowDNAME: nothing below a DNAME is denied by its NSEC, the name itself is
// another matter (RFC 6672 section 5.3.4.1).
func TestBelowDNAME(t *testing.T) {
	d := records(t, "example.", "example. 60 NSEC dn.example. NS SOA RRSIG NSEC", "dn.example. 60 NSEC example. DNAME RRSIG NSEC")
	if d.nsecNXDomain("x.dn.example.") || d.nsecNoData("x.dn.example.", dns.TypeA) || !d.nsecNoData("dn.example.", dns.TypeA) || !d.nsecNXDomain("dz.example.") {
		t.Error("the span of a DNAME is read wrongly")
	}
}

type nobody struct{ Source }

// names5155 are the hashes of RFC 5155 appendix A, with the types of the names.
var names5155 = []struct{ name, hash, types string }{
	{"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "NS SOA MX RRSIG DNSKEY NSEC3PARAM"},
	{"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "A RRSIG"},
	{"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s", "MX RRSIG"},
	{"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl", "NS DS RRSIG"},
	{"x.w.example.", "b4um86eghhds6nea196smvmlo4ors995", "MX RRSIG"},
	{"ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi", "A HINFO AAAA RRSIG"},
	{"y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc", ""},
	{"w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h", ""},
	{"ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r", "A RRSIG"},
	{"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "MX RRSIG"},
	{"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv", "A HINFO AAAA RRSIG"},
}

func zone5155(flags string) []string {
	var out []string
	for i, n := range names5155 {
		next := names5155[(i+1)%len(names5155)].hash
		out = append(out, n.hash+".example. 3600 NSEC3 1 "+flags+" 12 aabbccdd "+next+" "+n.types)
	}
	return out
}

// TestNSEC3Denials goes through the answers of RFC 5155 appendix B, without
// opt-out and with it.
func TestNSEC3Denials(t *testing.T) {
	for flags, denied := range map[string]Status{"0": Secure, "1": Insecure} {
		d := records(t, "example.", zone5155(flags)...)
		for _, n := range names5155 {
			if h, ok := d.hashOf(n.name); !ok || h != strings.ToUpper(n.hash) {
				t.Errorf("hash of %s: %s, want %s", n.name, h, n.hash)
			}
		}
		for _, c := range []struct {
			what string
			p    proof
			want Status
		}{
			{"B.1 name error", d.nxDomain("a.c.x.w.example."), denied},
			{"B.2 no data", d.noData("ns1.example.", dns.TypeMX), Secure},
			{"B.2.1 empty non-terminal", d.noData("y.w.example.", dns.TypeA), Secure},
			{"B.4 wildcard expansion", d.expansion("a.z.w.example.", 2), denied},
			{"B.5 wildcard no data", d.noData("a.z.w.example.", dns.TypeAAAA), denied},
			{"B.6 DS of the apex, by the child", d.noData("example.", dns.TypeDS), Bogus},
			{"a name that exists", d.nxDomain("ns1.example."), Bogus},
			{"a type that exists", d.noData("ns1.example.", dns.TypeA), Bogus},
			{"a wildcard that has the type", d.noData("a.z.w.example.", dns.TypeMX), Bogus},
			{"a name a wildcard stands for", d.nxDomain("a.z.w.example."), Bogus},
			{"a name below a delegation", d.nxDomain("mc.a.example."), Bogus},
			{"a closer name exists", d.expansion("x.y.w.example.", 2), Bogus},
			{"another zone", d.nxDomain("a.elsewhere."), Bogus},
		} {
			if c.p.status != c.want {
				t.Errorf("opt-out %s, %s: %s (%s), want %s", flags, c.what, c.p.status, c.p.fail.why, c.want)
			}
		}
		for name, want := range map[string]Status{"b.example.": denied, "ns1.example.": Secure, "a.example.": Bogus} {
			if p, _ := d.noDS(name); p.status != want { // b.example. is B.3, an opted-out delegation
				t.Errorf("opt-out %s, %s without DS: %s, want %s", flags, name, p.status, want)
			}
		}
	}
}

// TestNSEC3ThatCountsForNothing: RFC 5155 sections 8.1 and 8.2.
func TestNSEC3ThatCountsForNothing(t *testing.T) {
	const hash, next = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
	d := records(t, "example.",
		hash+".example. 60 NSEC3 2 0 12 aabbccdd "+next+" A",       // unknown hash
		hash+".example. 60 NSEC3 1 2 12 aabbccdd "+next+" A",       // unknown flag
		hash+".sub.example. 60 NSEC3 1 0 12 aabbccdd "+next+" A",   // not directly below the apex
		"short.example. 60 NSEC3 1 0 12 aabbccdd "+next+" A",       // no hash
		hash+".elsewhere. 60 NSEC3 1 0 12 aabbccdd "+next+" A",     // another zone
		hash+".example. 60 NSEC3 1 0 12 aabbccdd "+next+" A RRSIG", // good
		next+".example. 60 NSEC3 1 0 13 aabbccdd "+hash+" A RRSIG", // other parameters
		next+".example. 60 NSEC3 1 0 12 aabbcc "+hash+" A RRSIG")
	if len(d.nsec3) != 1 {
		t.Errorf("%d records count, want 1", len(d.nsec3))
	}
}

// TestIterations: the limit itself is still followed.
func TestIterations(t *testing.T) {
	for n, want := range map[string]uint16{"100": dns.ExtendedErrorCodeNSECMissing, "101": dns.ExtendedErrorCodeUnsupportedNSEC3IterValue} {
		d := records(t, "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 60 NSEC3 1 0 "+n+" - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A")
		if p := d.nxDomain("a.example."); p.fail.ede != want {
			t.Errorf("%s iterations: %s (%d, %s)", n, p.status, p.fail.ede, p.fail.why)
		}
	}
}
