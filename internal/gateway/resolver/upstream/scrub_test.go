package upstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func records(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var out []dns.RR
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

const sigTail = " 13 2 60 20300101000000 20200101000000 1 test. AAAA"

func TestScrub(t *testing.T) {
	var loop, long []string
	for i := range 20 {
		long = append(long, fmt.Sprintf("n%d.test. 60 CNAME n%d.test.", i, i+1))
	}
	loop = []string{"n0.test. 60 CNAME n1.test.", "n1.test. 60 CNAME n0.test."}
	for _, tc := range []struct {
		what       string
		qtype      uint16
		answer, ns []string
		kept       []int // of answer, in order
		keptNs     []int
		final      string
		err        error
	}{
		{"plain", 1, []string{"n0.test. 60 A 192.0.2.1"}, nil, []int{0}, nil, "n0.test.", nil},
		{"letter case", 1, []string{"N0.Test. 60 A 192.0.2.1"}, nil, []int{0}, nil, "n0.test.", nil},
		{"somebody else's address", 1, []string{"bank.test. 60 A 192.0.2.66", "n0.test. 60 A 192.0.2.1"}, nil, []int{1}, nil, "n0.test.", nil},
		{"another type", 1, []string{"n0.test. 60 A 192.0.2.1", "n0.test. 60 TXT \"x\""}, nil, []int{0}, nil, "n0.test.", nil},
		{"another class", 1, []string{"n0.test. 60 CH A 192.0.2.1"}, nil, nil, nil, "n0.test.", nil},
		{"a chain in any order", 1, []string{"n2.test. 60 A 192.0.2.1", "n1.test. 60 CNAME n2.test.", "n0.test. 60 CNAME n1.test."}, nil, []int{2, 1, 0}, nil, "n2.test.", nil},
		{"signatures", 1, []string{"n0.test. 60 RRSIG A" + sigTail, "n0.test. 60 RRSIG TXT" + sigTail, "n0.test. 60 A 192.0.2.1"}, nil, []int{2, 0}, nil, "n0.test.", nil},
		{"a CNAME that was asked for", 5, []string{"n0.test. 60 CNAME n1.test.", "n1.test. 60 CNAME n2.test."}, nil, []int{0}, nil, "n0.test.", nil},
		{"a DNAME", 1, []string{"test. 60 DNAME else.", "n0.test. 60 CNAME n0.else.", "n0.else. 60 A 192.0.2.1"}, nil, []int{0, 1, 2}, nil, "n0.else.", nil},
		{"a DNAME alone", 1, []string{"test. 60 DNAME else.", "n0.else. 60 A 192.0.2.1"}, nil, []int{0, 1}, nil, "n0.else.", nil},
		{"a loop", 1, loop, nil, nil, nil, "", ErrLoop},
		{"a long chain", 1, long, nil, nil, nil, "", ErrLoop},
		{"two CNAMEs", 1, []string{"n0.test. 60 CNAME a.test.", "n0.test. 60 CNAME b.test."}, nil, nil, nil, "", ErrConflict},
		{"a negative answer", 1, nil, []string{"test. 60 SOA a. b. 1 2 3 4 5", "test. 60 RRSIG SOA" + sigTail, "test. 60 NSEC z.test. A"}, nil, []int{0, 1, 2}, "n0.test.", nil},
		{"an SOA from elsewhere", 1, nil, []string{"bank. 60 SOA a. b. 1 2 3 4 5"}, nil, nil, "n0.test.", nil},
		{"NS beside an answer", 1, []string{"n0.test. 60 A 192.0.2.1"}, []string{"test. 60 NS evil.", "test. 60 SOA a. b. 1 2 3 4 5", "test. 60 NSEC z.test. A"}, []int{0}, []int{2}, "n0.test.", nil},
		{"a referral", 1, nil, []string{"test. 60 NS a.test."}, nil, nil, "", ErrReferral},
	} {
		m := new(dns.Msg)
		m.SetQuestion("n0.test.", tc.qtype)
		m.Answer, m.Ns, m.Extra = records(t, tc.answer...), records(t, tc.ns...), records(t, "evil. 60 A 192.0.2.66")
		answer, ns := m.Answer, m.Ns
		final, dropped, err := Scrub(m)
		if !errors.Is(err, tc.err) || final != tc.final {
			t.Errorf("%s: ends at %q with %v", tc.what, final, err)
			continue
		}
		if tc.err != nil {
			continue
		}
		if got, want := texts(m.Answer), texts(pick(answer, tc.kept)); got != want || dropped != len(answer)-len(tc.kept) {
			t.Errorf("%s: kept\n%swant\n%s(%d dropped)", tc.what, got, want, dropped)
		}
		if got, want := texts(m.Ns), texts(pick(ns, tc.keptNs)); got != want || len(m.Extra) > 0 {
			t.Errorf("%s: authority\n%swant\n%s", tc.what, got, want)
		}
	}
}

func pick(rrs []dns.RR, at []int) (out []dns.RR) {
	for _, i := range at {
		out = append(out, rrs[i])
	}
	return out
}

func texts(rrs []dns.RR) string {
	var b strings.Builder
	for _, rr := range rrs {
		b.WriteString(rr.String() + "\n")
	}
	return b.String()
}

// FuzzScrub: whatever an upstream sends, what is kept belongs to the question.
func FuzzScrub(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("n0.test.", 1)
	m.Answer = records(f, "n0.test. 60 CNAME n1.test.", "n1.test. 60 A 192.0.2.1", "test. 60 DNAME else.")
	m.Ns = records(f, "test. 60 SOA a. b. 1 2 3 4 5")
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		before := len(m.Answer)
		_, dropped, err := Scrub(m)
		if err == nil && (len(m.Extra) > 0 || len(m.Answer)+dropped != before || dropped < 0) {
			t.Fatalf("%d kept of %d, %d dropped", len(m.Answer), before, dropped)
		}
	})
}

// FuzzMatches: only the very question is taken for an answer to it.
func FuzzMatches(f *testing.F) {
	q, err := newQuestion("www.example.com.", dns.TypeA, form{})
	if err != nil {
		f.Fatal(err)
	}
	reply := append([]byte(nil), q.wire...)
	reply[2] |= 0x80
	f.Add(reply)
	f.Fuzz(func(t *testing.T, b []byte) {
		if q.matches(b) != nil {
			return
		}
		m := new(dns.Msg)
		if m.Unpack(b) == nil && (!m.Response || len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, "www.example.com.") || m.Question[0].Qtype != dns.TypeA) {
			t.Fatalf("taken for an answer: %v", m)
		}
	})
}
