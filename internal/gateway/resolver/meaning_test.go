package resolver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestMeaningOfBits goes through all settings of DO, AD and CD for an answer of
// each status (RFC 4035 section 3.2, RFC 6840 section 5.7 to 5.9).
func TestMeaningOfBits(t *testing.T) {
	names := []struct {
		name   string
		status Status
	}{
		{"cam.example.", Secure}, {"toy.legacy.", Insecure}, {"flipped.example.", Bogus},
	}
	// In both orders: what a client with CD left in the cache must not change
	// what others get.
	for _, cdFirst := range []bool{false, true} {
		_, r := onInternet(t, Config{})
		for _, n := range names {
			for bits := range 8 {
				q := question{name: n.name, qtype: dns.TypeSOA, do: bits&1 != 0, ad: bits&2 != 0, cd: (bits&4 != 0) != cdFirst}
				t.Run(fmt.Sprintf("%s/do=%v,ad=%v,cd=%v", n.name, q.do, q.ad, q.cd), func(t *testing.T) {
					holdsMeaning(t, over(t, r, q.msg()), q, n.status)
				})
			}
		}
	}
}

func holdsMeaning(t *testing.T, m *dns.Msg, q question, status Status) {
	t.Helper()
	withheld := status == Bogus && !q.cd
	rcode := dns.RcodeSuccess
	if withheld {
		rcode = dns.RcodeServerFailure
	}
	if withheld != (len(m.Answer) == 0) {
		t.Errorf("%d records for a %s answer", len(m.Answer), status)
	}
	want := dns.MsgHdr{
		Id: m.Id, Response: true, RecursionDesired: true, RecursionAvailable: true, CheckingDisabled: q.cd, Rcode: rcode,
		AuthenticatedData: status == Secure && (q.do || q.ad) && !q.cd,
	}
	if m.MsgHdr != want {
		t.Errorf("header %+v, want %+v", m.MsgHdr, want)
	}
	holdsSignatures(t, m, q.do && !withheld && status != Insecure)
	holdsOPT(t, m, q, withheld)
}

func holdsSignatures(t *testing.T, m *dns.Msg, want bool) {
	t.Helper()
	if n := strings.Count(fmt.Sprint(m.Answer), "RRSIG"); (n > 0) != want {
		t.Errorf("%d signatures, want some: %v", n, want)
	}
}

func holdsOPT(t *testing.T, m *dns.Msg, q question, withheld bool) {
	t.Helper()
	if opt := m.IsEdns0(); (opt != nil) != q.do || opt != nil && opt.Do() != q.do {
		t.Errorf("OPT %v", opt)
	}
	if withheld && q.do && ede(m) != int(dns.ExtendedErrorCodeDNSBogus) {
		t.Errorf("extended error %d", ede(m))
	}
}

func TestWhatIsAskedForIsGiven(t *testing.T) {
	_, r := onInternet(t, Config{})
	for _, tc := range []struct {
		name  string
		qtype uint16
	}{{"cam.example.", dns.TypeDNSKEY}, {"cam.example.", dns.TypeDS}} {
		m := over(t, r, question{name: tc.name, qtype: tc.qtype}.msg())
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
			t.Errorf("%s %s without DO: %v", tc.name, dns.TypeToString[tc.qtype], m)
		}
		for _, rr := range m.Answer {
			if rr.Header().Rrtype != tc.qtype {
				t.Errorf("%s was not asked for", rr)
			}
		}
	}
}

func TestDenialsCarryProofsForDOAlone(t *testing.T) {
	_, r := onInternet(t, Config{})
	for _, do := range []bool{false, true} {
		m := over(t, r, question{name: "absent.cam.example.", qtype: dns.TypeA, do: do, ad: true}.msg())
		if m.Rcode != dns.RcodeNameError || !m.AuthenticatedData {
			t.Fatalf("DO %v: %v", do, m)
		}
		kinds := map[uint16]int{}
		for _, rr := range m.Ns {
			kinds[rr.Header().Rrtype]++
		}
		if kinds[dns.TypeSOA] != 1 || (kinds[dns.TypeRRSIG] > 0) != do || (kinds[dns.TypeNSEC]+kinds[dns.TypeNSEC3] > 0) != do {
			t.Errorf("DO %v: authority %v", do, kinds)
		}
	}
}

// TestBogusIsNotKeptAsValid: a client with CD fills the cache, the next one
// without CD must still get the verdict.
func TestBogusIsNotKeptAsValid(t *testing.T) {
	w, r := onInternet(t, Config{})
	data := over(t, r, question{name: "flipped.example.", qtype: dns.TypeSOA, cd: true}.msg())
	if data.Rcode != dns.RcodeSuccess || len(data.Answer) == 0 {
		t.Fatalf("with CD: %v", data)
	}
	if m := over(t, r, question{name: "flipped.example.", qtype: dns.TypeSOA}.msg()); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("then without CD: %v", m)
	}
	if n := w.questions("flipped.example.", dns.TypeSOA); n != 1 {
		t.Errorf("the upstream was asked %d times, the data was there", n)
	}
}

// TestRefusals: what is turned away, and how.
func TestRefusals(t *testing.T) {
	edit := func(f func(*dns.Msg)) *dns.Msg {
		m := question{name: "cam.example.", qtype: dns.TypeA}.msg()
		f(m)
		return m
	}
	for _, tc := range []struct {
		what string
		m    *dns.Msg
		want int
	}{
		{"two questions", edit(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), dns.RcodeFormatError},
		{"no question", edit(func(m *dns.Msg) { m.Question = nil }), dns.RcodeFormatError},
		{"an answer in a question", edit(func(m *dns.Msg) { m.Answer = rrs(t, "a.test. A 192.0.2.1") }), dns.RcodeFormatError},
		{"opcode STATUS", edit(func(m *dns.Msg) { m.Opcode = dns.OpcodeStatus }), dns.RcodeNotImplemented},
		{"opcode UPDATE", edit(func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), dns.RcodeNotImplemented},
		{"opcode 15", edit(func(m *dns.Msg) { m.Opcode = 15 }), dns.RcodeNotImplemented},
		{"class CH", edit(func(m *dns.Msg) {
			m.Question[0] = dns.Question{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
		}), dns.RcodeRefused},
		{"class ANY", edit(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassANY }), dns.RcodeRefused},
		{"AXFR", edit(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAXFR }), dns.RcodeRefused},
		{"IXFR", edit(func(m *dns.Msg) { m.SetIxfr("cam.example.", 1, "a.", "b."); m.RecursionDesired = true }), dns.RcodeRefused},
		{"type OPT", edit(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeOPT }), dns.RcodeRefused},
		{"no recursion desired", edit(func(m *dns.Msg) { m.RecursionDesired = false }), dns.RcodeRefused},
		{"EDNS version 1", edit(func(m *dns.Msg) { m.SetEdns0(1232, true); m.IsEdns0().SetVersion(1) }), dns.RcodeBadVers},
		{"two OPT", edit(func(m *dns.Msg) { m.SetEdns0(1232, true); m.Extra = append(m.Extra, m.Extra[0]) }), dns.RcodeFormatError},
	} {
		_, r := onInternet(t, Config{})
		m := over(t, r, tc.m)
		if m == nil || m.Rcode != tc.want || m.Id != tc.m.Id || !m.Response || m.Opcode != tc.m.Opcode {
			t.Errorf("%s: %v, want %s", tc.what, m, dns.RcodeToString[tc.want])
		}
	}
}

func TestSilence(t *testing.T) {
	_, r := onInternet(t, Config{})
	m := question{name: "cam.example.", qtype: dns.TypeA}.msg()
	m.Response = true
	if over(t, r, m) != nil {
		t.Error("a response was answered: two such servers would talk for ever")
	}
	if r.handle(t.Context(), []byte("eleven byte"), upstreamAddr, false) != nil {
		t.Error("less than a header was answered")
	}
	if n := r.Counts().Dropped; n != 2 {
		t.Errorf("%d dropped, want 2", n)
	}
}

// TestSpellingIsTheClients: the question comes back byte for byte (0x20), from
// the cache too.
func TestSpellingIsTheClients(t *testing.T) {
	w, r := onInternet(t, Config{})
	for _, name := range []string{"wWw.CaM.eXample.", "WWW.cam.EXAMPLE."} {
		m := over(t, r, question{name: name, qtype: dns.TypeTXT}.msg())
		if m.Question[0].Name != name {
			t.Errorf("asked %s, answered %s", name, m.Question[0].Name)
		}
		for _, rr := range m.Answer {
			if strings.EqualFold(rr.Header().Name, name) && rr.Header().Name != name {
				t.Errorf("asked %s, answered %s", name, rr)
			}
		}
	}
	if n := w.questions("www.cam.example.", dns.TypeTXT); n != 1 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

// sizeOf is the payload size that a message announces, 0 without EDNS.
func sizeOf(m *dns.Msg) uint16 {
	if opt := m.IsEdns0(); opt != nil {
		return opt.UDPSize()
	}
	return 0
}

func TestSizes(t *testing.T) {
	var lines []string
	for i := range 60 { // 60 addresses: about 1000 bytes
		lines = append(lines, fmt.Sprintf("big.test. 60 A 192.0.2.%d", i))
	}
	_, r := unsigned(t, fixed(t, lines...), Config{})
	for _, tc := range []struct {
		size uint16
		cut  bool
	}{{0, true}, {1, true}, {512, true}, {900, true}, {1100, false}, {4096, false}, {65535, false}} {
		m := question{name: "big.test.", qtype: dns.TypeA}.msg()
		advertised := uint16(0)
		if tc.size > 0 {
			m.SetEdns0(tc.size, false)
			advertised = serverSize
		}
		got := over(t, r, m)
		if got.Truncated != tc.cut || (len(got.Answer) == 0) != tc.cut || sizeOf(got) != advertised {
			t.Errorf("size %d: TC %v with %d records, own size %d", tc.size, got.Truncated, len(got.Answer), sizeOf(got))
		}
	}
	if m := r.Ask(t.Context(), question{name: "big.test.", qtype: dns.TypeA}.msg()); m.Truncated || len(m.Answer) != 60 {
		t.Errorf("over TCP: TC %v with %d records", m.Truncated, len(m.Answer))
	}
}
