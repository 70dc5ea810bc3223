package zone

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func universe(t testing.TB, seed uint64, clock func() time.Time) *Universe {
	t.Helper()
	u, err := NewUniverse(seed, clock)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func query(name string, rrtype uint16, do bool) *dns.Msg {
	q := new(dns.Msg)
	q.SetQuestion(name, rrtype)
	q.Id = 7
	if do {
		q.SetEdns0(4096, true)
	}
	return q
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	raw, err := m.Pack()
	if err != nil {
		t.Fatalf("%v\n%s", err, m)
	}
	return raw
}

// TestSeedDecides: the same seed and day give the same bytes, another seed
// other keys.
func TestSeedDecides(t *testing.T) {
	a, b, c := universe(t, 1, at), universe(t, 1, at), universe(t, 2, at)
	same := 0
	for _, q := range a.Names() {
		m := query(q.Name, q.Type, true)
		mine, again, other := packed(t, a.Answer(m)), packed(t, b.Answer(m)), packed(t, c.Answer(m))
		if !bytes.Equal(mine, again) {
			t.Fatalf("%s %s: the same seed gives other bytes", q.Name, dns.TypeToString[q.Type])
		}
		if bytes.Equal(mine, other) {
			same++
		}
	}
	if a.TrustAnchorFile() == c.TrustAnchorFile() || same > len(a.Names())/2 {
		t.Errorf("another seed changes too little: %d answers are the same", same)
	}
}

// TestSignaturesAreRenewed: a universe that is three weeks old has signatures of
// today, with the same keys.
func TestSignaturesAreRenewed(t *testing.T) {
	now := at()
	u := universe(t, 1, func() time.Time { return now })
	anchor := u.RootDS().String()
	for range 4 {
		for _, name := range []string{"www.cam.example.", "www.hub.example.", "www.lock.example."} {
			verify(t, u, u.Answer(query(name, dns.TypeA, true)), now)
		}
		now = now.Add(6 * day)
	}
	if u.RootDS().String() != anchor {
		t.Error("the trust anchor has changed")
	}
}

// verify checks the one signature in an answer with the keys of its zone.
func verify(t *testing.T, u *Universe, m *dns.Msg, now time.Time) {
	t.Helper()
	var set []dns.RR
	var sig *dns.RRSIG
	for _, rr := range m.Answer {
		if s, ok := rr.(*dns.RRSIG); ok {
			sig = s
		} else {
			set = append(set, rr)
		}
	}
	if sig == nil || !sig.ValidityPeriod(now) {
		t.Fatalf("no signature of %s in\n%s", now, m)
	}
	for _, rr := range u.Answer(query(sig.SignerName, dns.TypeDNSKEY, false)).Answer {
		if k := rr.(*dns.DNSKEY); k.KeyTag() == sig.KeyTag && sig.Verify(k, set) == nil {
			return
		}
	}
	t.Errorf("no key of %s verifies\n%s", sig.SignerName, m)
}

// TestFaultsAreWhatTheySay looks at the broken zones' signatures themselves.
func TestFaultsAreWhatTheySay(t *testing.T) {
	u := universe(t, 1, at)
	signature := func(name string) *dns.RRSIG {
		for _, rr := range u.Answer(query(name, dns.TypeA, true)).Answer {
			if s, ok := rr.(*dns.RRSIG); ok {
				return s
			}
		}
		return nil
	}
	if s := signature("www.expired.example."); int64(s.Expiration) >= at().Unix() || int64(s.Expiration) < at().Add(-3*day).Unix() {
		t.Errorf("expired.example: %s", s)
	}
	if s := signature("www.early.example."); int64(s.Inception) <= at().Unix() || s.Inception >= s.Expiration {
		t.Errorf("early.example: %s", s)
	}
	if s := signature("www.evillock.example."); s.SignerName != "lock.example." {
		t.Errorf("evillock.example: %s", s)
	}
	if s := signature("www.stripped.example."); s != nil {
		t.Errorf("stripped.example: %s", s)
	}
}

// TestNoProofIsNotGivenByTheWay: no other answer of the parent contains the
// proof that is left out for no-proof.things.
func TestNoProofIsNotGivenByTheWay(t *testing.T) {
	u := universe(t, 1, at)
	things := u.Zone("things.")
	withheld, exact := things.at(things.hash("no-proof.things."))
	if exact {
		t.Fatal("opt-out has a record for no-proof.things")
	}
	for _, z := range u.Zones() {
		if !strings.HasSuffix(z.Name, ".things.") || z.Name == "no-proof.things." {
			continue
		}
		for _, rr := range things.noData(z.Name) {
			if rr == withheld {
				t.Errorf("the proof for %s says too that no-proof.things has no DS", z.Name)
			}
		}
	}
}

func TestOwner(t *testing.T) {
	u := universe(t, 1, at)
	for _, c := range []struct {
		name, owner string
		ok          bool
	}{
		{"www.cam.example", "www.cam.example.", true}, {"WWW.Cam.Example.", "www.cam.example.", true},
		{"a.dev.cam.example", "*.dev.cam.example.", true}, {"a.exact.dev.cam.example", "*.exact.dev.cam.example.", false},
		{"nobody.cam.example", "*.cam.example.", false}, {"not..a..name", "", false},
	} {
		if owner, ok := u.Owner(c.name); owner != c.owner || ok != c.ok {
			t.Errorf("%s: %s %v, want %s %v", c.name, owner, ok, c.owner, c.ok)
		}
	}
}

// TestAuthority: what a name server says to questions that are not its own.
func TestAuthority(t *testing.T) {
	u := universe(t, 1, at)
	for _, c := range []struct {
		name   string
		rrtype uint16
		zone   string
		rcode  int
		aa     bool
		glue   int
	}{
		{"www.cam.example.", dns.TypeA, "cam.example.", dns.RcodeSuccess, true, 0},
		{"www.hub.example.", dns.TypeA, "cam.example.", dns.RcodeRefused, false, 0},
		{"www.cam.example.", dns.TypeA, "example.", dns.RcodeSuccess, false, 2},
		{"cam.example.", dns.TypeDS, "example.", dns.RcodeSuccess, true, 0},
		{"cam.example.", dns.TypeDS, "cam.example.", dns.RcodeSuccess, true, 0},
		{"absent.cam.example.", dns.TypeA, "cam.example.", dns.RcodeNameError, true, 0},
		{"www.open.cam.example.", dns.TypeA, "cam.example.", dns.RcodeSuccess, false, 2},
		{"to-secure.cam.example.", dns.TypeA, "cam.example.", dns.RcodeSuccess, true, 0},
		{"cam.example.", dns.TypeAXFR, "cam.example.", dns.RcodeRefused, false, 0},
	} {
		m := u.Authority(query(c.name, c.rrtype, false), c.zone)
		if m.Rcode != c.rcode || m.Authoritative != c.aa || len(m.Extra) != c.glue || m.RecursionAvailable {
			t.Errorf("%s %s at %s:\n%s", c.name, dns.TypeToString[c.rrtype], c.zone, m)
		}
	}
}

// TestOddQuestions: header and EDNS handling .
func TestOddQuestions(t *testing.T) {
	u := universe(t, 1, at)
	for _, c := range []struct {
		name  string
		spoil func(*dns.Msg)
		want  int
	}{
		{"update", func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, dns.RcodeNotImplemented},
		{"no question", func(m *dns.Msg) { m.Question = nil }, dns.RcodeFormatError},
		{"two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, dns.RcodeFormatError},
		{"chaos", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused},
		{"transfer", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAXFR }, dns.RcodeRefused},
		{"EDNS version 1", func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }, dns.RcodeBadVers},
		{"an endless alias", func(m *dns.Msg) { m.Question[0].Name = "loop.cam.example." }, dns.RcodeServerFailure},
	} {
		q := query("www.cam.example.", dns.TypeA, true)
		c.spoil(q)
		got := new(dns.Msg)
		if err := got.Unpack(packed(t, u.Answer(q))); err != nil {
			t.Fatal(err)
		}
		if got.Rcode != c.want {
			t.Errorf("%s: %s, want %s", c.name, dns.RcodeToString[got.Rcode], dns.RcodeToString[c.want])
		}
	}
}

// labels that are somewhere in the universe, and some that are nowhere.
func labels() []string {
	return []string{"www", "dev", "*", "absent", "old", "new", "cam", "hub", "example", "things", "legacy", "kettle", "com",
		"branch", "flipped", "to-bogus", "loop", "empty", "names", "no-proof", "iterations", "", "caught", "big"}
}

// TestWhateverIsAsked holds for all questions: the answer is to the question, it
// fits a message, is never called validated, has no signatures unless they were
// asked for, and says no only with a SOA.
func TestWhateverIsAsked(t *testing.T) {
	u := universe(t, 1, at)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(labels()), 0, 6).Draw(t, "labels")
		name := dns.CanonicalName(strings.Trim(strings.Join(parts, "."), "."))
		if _, ok := dns.IsDomainName(name); !ok {
			name = "."
		}
		do := rapid.Bool().Draw(t, "do")
		q := query(name, rapid.Uint16Range(1, 300).Draw(t, "type"), do)
		q.CheckingDisabled = rapid.Bool().Draw(t, "cd")
		m := u.Answer(q)
		raw, err := m.Pack()
		if err != nil || len(raw) > dns.MaxMsgSize {
			t.Fatalf("%d octets, %v\n%s", len(raw), err, m)
		}
		check(t, q, m, do)
	})
}

func check(t *rapid.T, q, m *dns.Msg, do bool) {
	head := m.MsgHdr
	head.RecursionAvailable, head.Rcode = false, 0
	want := dns.MsgHdr{Id: q.Id, Response: true, RecursionDesired: true, CheckingDisabled: q.CheckingDisabled}
	if head != want || m.Question[0] != q.Question[0] {
		t.Fatalf("not an answer to the question:\n%s", m)
	}
	soa := false
	for _, rr := range append(m.Answer, m.Ns...) {
		rrtype := rr.Header().Rrtype
		soa = soa || rrtype == dns.TypeSOA
		if !do && rrtype != q.Question[0].Qtype && proves(rrtype) {
			t.Fatalf("unasked:\n%s", m)
		}
	}
	if saysNo(m) && !soa {
		t.Fatalf("no without SOA:\n%s", m)
	}
}

func saysNo(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0
}

func proves(rrtype uint16) bool {
	return rrtype == dns.TypeRRSIG || rrtype == dns.TypeNSEC || rrtype == dns.TypeNSEC3
}

func FuzzAnswer(f *testing.F) {
	u := universe(f, 1, at)
	for _, q := range u.Names()[:40] {
		f.Add(packed(f, query(q.Name, q.Type, true)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		q := new(dns.Msg)
		if q.Unpack(raw) != nil {
			return
		}
		packed(t, u.Answer(q))
		packed(t, u.Authority(q, "example.", "cam.example."))
	})
}

func BenchmarkNewUniverse(b *testing.B) {
	for seed := range b.N {
		universe(b, uint64(seed), at)
	}
}
