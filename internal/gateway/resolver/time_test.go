package resolver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func ttl(t *testing.T, m *dns.Msg) uint32 {
	t.Helper()
	if m == nil || len(m.Answer) == 0 {
		t.Fatalf("no answer: %v", m)
	}
	return m.Answer[0].Header().Ttl
}

// In a bubble of synctest the clock moves only when everything waits.
func TestTTLsAreCountedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := unsigned(t, fixed(t, "a.test. 300 A 192.0.2.1"), Config{})
		ask := func() *dns.Msg { return over(t, r, question{name: "a.test.", qtype: dns.TypeA}.msg()) }
		for _, step := range []struct {
			wait time.Duration
			want uint32
			sent int
		}{
			{0, 300, 1}, {999 * time.Millisecond, 300, 1}, {time.Millisecond, 299, 1}, {298 * time.Second, 1, 1},
			{999 * time.Millisecond, 1, 1}, {time.Millisecond, 300, 2},
		} {
			<-time.After(step.wait)
			if got, sent := ttl(t, ask()), w.questions("a.test.", dns.TypeA); got != step.want || sent != step.sent {
				t.Errorf("after %s more: TTL %d, asked %d times; want %d and %d", step.wait, got, sent, step.want, step.sent)
			}
		}
	})
}

func TestShortAndLongTTLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := unsigned(t, fixed(t, "zero.test. 0 A 192.0.2.1", "long.test. 4294967295 A 192.0.2.2"), Config{})
		for range 3 {
			if got := ttl(t, over(t, r, question{name: "zero.test.", qtype: dns.TypeA}.msg())); got != 0 {
				t.Errorf("TTL 0 became %d", got)
			}
		}
		if n := w.questions("zero.test.", dns.TypeA); n != 3 {
			t.Errorf("an answer of TTL 0 was kept: asked %d times", n)
		}
		if got := ttl(t, over(t, r, question{name: "long.test.", qtype: dns.TypeA}.msg())); got != 604800 {
			t.Errorf("the longest TTL is %d, RFC 8767 says seven days", got)
		}
	})
}

// negative denies everything with an SOA of the given TTL and minimum.
func negative(t *testing.T, rcode int, soa string) func(*dns.Msg) *dns.Msg {
	ns := rrs(t, soa)
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg)
		m.SetRcode(q, rcode)
		for _, rr := range ns {
			m.Ns = append(m.Ns, dns.Copy(rr))
		}
		return m
	}
}

func TestNegativeAnswersLiveAsTheirSOASays(t *testing.T) {
	for _, tc := range []struct {
		soa  string
		want uint32
	}{
		{"test. 900 SOA a.test. b.test. 1 2 3 4 60", 60},
		{"test. 30 SOA a.test. b.test. 1 2 3 4 60", 30},
		{"test. 999999 SOA a.test. b.test. 1 2 3 4 999999", 10800},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, r := unsigned(t, negative(t, dns.RcodeNameError, tc.soa), Config{})
			ask := func() uint32 {
				m := over(t, r, question{name: "no.test.", qtype: dns.TypeA}.msg())
				if m.Rcode != dns.RcodeNameError || len(m.Ns) != 1 {
					t.Fatalf("%v", m)
				}
				return m.Ns[0].Header().Ttl
			}
			if got := ask(); got != tc.want {
				t.Errorf("%s: TTL %d, want %d (RFC 2308)", tc.soa, got, tc.want)
			}
			<-time.After(time.Duration(tc.want)*time.Second - time.Millisecond)
			ask()
			if n := w.questions("no.test.", dns.TypeA); n != 1 {
				t.Errorf("%s: asked %d times before the end", tc.soa, n)
			}
			<-time.After(time.Millisecond)
			ask()
			if n := w.questions("no.test.", dns.TypeA); n != 2 {
				t.Errorf("%s: asked %d times after the end", tc.soa, n)
			}
		})
	}
}

// TestFailuresAreRemembered: RFC 9520 wants at least a second, and patience
// that grows.
func TestFailuresAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := unsigned(t, negative(t, dns.RcodeServerFailure, "test. 9 SOA a.test. b.test. 1 2 3 4 5"), Config{})
		ask := func() {
			if m := over(t, r, question{name: "ill.test.", qtype: dns.TypeA, do: true}.msg()); m.Rcode != dns.RcodeServerFailure || ede(m) < 0 {
				t.Fatalf("%v", m)
			}
		}
		sent := 0
		for _, hold := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
			ask()
			if n := w.questions("ill.test.", dns.TypeA); n != sent+1 {
				t.Fatalf("asked %d times, want %d", n, sent+1)
			}
			sent++
			<-time.After(hold*time.Second - time.Millisecond)
			ask()
			if n := w.questions("ill.test.", dns.TypeA); n != sent {
				t.Fatalf("asked again within %ds", hold)
			}
			<-time.After(time.Millisecond)
		}
	})
}

func TestStaleAnswersServeOnlyWhereAllowed(t *testing.T) {
	for _, allowed := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w, r := unsigned(t, fixed(t, "a.test. 60 A 192.0.2.1"), Config{ServeStale: allowed})
			q := question{name: "a.test.", qtype: dns.TypeA, do: true}
			over(t, r, q.msg())
			w.mu.Lock()
			w.answer = func(*dns.Msg) *dns.Msg { return nil }
			w.mu.Unlock()
			<-time.After(10 * time.Minute)
			for range 2 {
				m := over(t, r, q.msg())
				switch {
				case allowed == 0 && m.Rcode != dns.RcodeServerFailure:
					t.Errorf("a stale answer though none is allowed: %v", m)
				case allowed > 0 && (m.Rcode != dns.RcodeSuccess || ttl(t, m) != 30 || ede(m) != int(dns.ExtendedErrorCodeStaleAnswer)):
					t.Errorf("no stale answer: %v", m)
				}
			}
			<-time.After(time.Hour)
			if m := over(t, r, q.msg()); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("a stale answer after its time: %v", m)
			}
		})
	}
}

// TestOneQuestionForMany: what many clients ask at once is asked once.
func TestOneQuestionForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		genuine := fixed(t, "a.test. 60 A 192.0.2.1")
		w, r := unsigned(t, func(q *dns.Msg) *dns.Msg {
			<-time.After(100 * time.Millisecond)
			return genuine(q)
		}, Config{})
		done := make(chan *dns.Msg)
		for range 50 {
			go func() { done <- over(t, r, question{name: "a.test.", qtype: dns.TypeA}.msg()) }()
		}
		for range 50 {
			if got := ttl(t, <-done); got != 60 {
				t.Errorf("TTL %d", got)
			}
		}
		if n := w.questions("a.test.", dns.TypeA); n != 1 {
			t.Errorf("the upstream was asked %d times", n)
		}
	})
}
