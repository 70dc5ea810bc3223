package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/probe/login"
)

// script is a service whose answers are written down.
type script struct {
	how     string
	open    bool
	answers []login.Outcome // the last one goes on
	took    time.Duration
	slower  time.Duration // each answer by so much
	tried   []string
	at      []time.Time
}

func (s *script) Ask(context.Context, login.Dial, netip.AddrPort) (string, login.Answer) {
	return s.how, login.Answer{Outcome: login.Unclear, Why: "asked", Open: s.open}
}

func (s *script) Try(_ context.Context, _ login.Dial, _ netip.AddrPort, user, secret string) login.Answer {
	i := len(s.tried)
	s.tried, s.at = append(s.tried, user+"/"+secret), append(s.at, time.Now())
	return login.Answer{Outcome: s.answers[min(i, len(s.answers)-1)], Why: "said", Took: s.took + time.Duration(i)*s.slower}
}

// guesser is a prober with one service, and its notes.
func guesser(t *testing.T, s *script, agreed bool) (*Prober, *[]event.ProbeNote) {
	t.Helper()
	notes := &[]event.ProbeNote{}
	cfg := Config{
		Interface: "lan0", Do: func(f func() error) error { return f() },
		Device: func(context.Context) (Device, error) { return Device{}, nil },
		From:   func(netip.Addr) (netip.Addr, bool) { return netip.Addr{}, false },
		Note: func(n evidence.Note) {
			var p event.ProbeNote
			if n.Kind == event.NoteProbe && json.Unmarshal(n.Body, &p) == nil {
				*notes = append(*notes, p)
			}
		},
		Clients: map[string]login.Client{"http": s},
		Reset:   "the button",
	}
	if agreed {
		cfg.Consent = event.ConsentNote{Tester: "a", Owner: "b"}
	}
	for i := range 30 {
		cfg.Pairs = append(cfg.Pairs, Pair{Vendor: "many", Service: "http", User: fmt.Sprint("user", i), Secret: "x"})
	}
	for i := range 8 {
		cfg.Pairs = append(cfg.Pairs, Pair{Vendor: "Acme", Service: "http", User: fmt.Sprint("acme", i), Secret: "x"})
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, notes
}

var web = service{at: netip.MustParseAddrPort("192.168.77.20:80"), name: "http"}

// TestHowSeriesEnd: at its bound, at the first success, at a lock, after three
// conversations that failed, and when the service slows down.
func TestHowSeriesEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		s       script
		tries   int
		outcome string
	}{
		{"every pair refused", script{how: "basic", answers: []login.Outcome{login.Refused}}, vendorMost + genericMost, event.ProbeDone},
		{"the third works", script{how: "basic", answers: []login.Outcome{login.Refused, login.Refused, login.Accepted}}, 3, event.ProbeAccepted},
		{"it locks", script{how: "form", answers: []login.Outcome{login.Refused, login.Locked}}, 2, event.ProbeLocked},
		{"it breaks", script{how: "form", answers: []login.Outcome{login.Refused, login.Failed, login.Silent, login.Failed}}, 4, event.ProbeFailed},
		{"it breaks now and then", script{how: "form", answers: []login.Outcome{login.Failed, login.Failed, login.Refused}}, vendorMost + genericMost, event.ProbeDone},
		{"it slows down", script{how: "basic", answers: []login.Outcome{login.Refused}, took: 100 * time.Millisecond, slower: 500 * time.Millisecond}, 3, event.ProbeSlowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, notes := guesser(t, &c.s, true)
				if !p.logins(t.Context(), web, []string{"an Acme camera"}) {
					t.Fatal("it asks for a password")
				}
				last := (*notes)[len(*notes)-1]
				if len(c.s.tried) != c.tries || last.Kind != event.ProbeLogins || last.Outcome != c.outcome || last.Tries != c.tries {
					t.Errorf("%d tries, then %+v", len(c.s.tried), last)
				}
				slowly(t, c.s.at, 10*time.Second)
			})
		})
	}
}

// slowly checks the time between attempts.
func slowly(t *testing.T, at []time.Time, least time.Duration) {
	t.Helper()
	for i := 1; i < len(at); i++ {
		if d := at[i].Sub(at[i-1]); d < least {
			t.Errorf("attempt %d came after %v", i+1, d)
		}
	}
}

// TestTheVendorsPasswordsComeFirst: and no more of them than allowed.
func TestTheVendorsPasswordsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{how: "basic", answers: []login.Outcome{login.Refused}}
		p, _ := guesser(t, s, true)
		p.logins(t.Context(), web, []string{"ACME cam 7"})
		for i, tried := range s.tried {
			if own := strings.HasPrefix(tried, "acme"); own != (i < vendorMost) {
				t.Errorf("attempt %d is %s", i+1, tried)
			}
		}
	})
}

// TestWithoutConsentNothingIsTried: the service is only asked how it asks; nor is one
// that lets everybody in tried.
func TestWithoutConsentNothingIsTried(t *testing.T) {
	for _, c := range []struct {
		agreed, open bool
		how          string
		asks         bool
	}{{false, false, "basic", true}, {true, true, "none", false}, {true, false, "none", false}, {true, false, "", false}} {
		s := &script{how: c.how, open: c.open, answers: []login.Outcome{login.Accepted}}
		p, notes := guesser(t, s, c.agreed)
		if asks := p.logins(t.Context(), web, nil); asks != c.asks || len(s.tried) != 0 || len(*notes) == 0 {
			t.Errorf("%+v: asks %v, tried %q, %d notes", c, asks, s.tried, len(*notes))
		}
	}
}

// TestWatchingGuesses: ten wrong passwords for a user that is none, one a second, or
// fewer when the service puts a stop to it.
func TestWatchingGuesses(t *testing.T) {
	for _, c := range []struct {
		answers []login.Outcome
		tries   int
		outcome string
	}{
		{[]login.Outcome{login.Refused}, guesses, event.ProbeDone},
		{[]login.Outcome{login.Refused, login.Refused, login.Refused, login.Refused, login.Locked}, 5, event.ProbeLocked},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{how: "basic", answers: c.answers}
			p, notes := guesser(t, s, true)
			p.lockout(t.Context(), web)
			last := (*notes)[len(*notes)-1]
			if len(s.tried) != c.tries || last.Kind != event.ProbeLockouts || last.Outcome != c.outcome || last.Detail["last"] == "" {
				t.Errorf("%d tries, then %+v", len(s.tried), last)
			}
			for _, tried := range s.tried {
				if !strings.HasPrefix(tried, "assay-") {
					t.Errorf("a user that may exist: %s", tried)
				}
			}
			slowly(t, s.at, time.Second)
		})
	}
}

// TestWhoTakesEverythingShowsNothing: a made-up pair decides over one that was accepted
// at once; after a refusal none is needed. The password is never told.
func TestWhoTakesEverythingShowsNothing(t *testing.T) {
	for _, c := range []struct {
		answers []login.Outcome
		tries   int
		outcome string
	}{
		{[]login.Outcome{login.Accepted, login.Accepted, login.Refused}, 17, event.ProbeDone},
		{[]login.Outcome{login.Accepted, login.Refused}, 2, event.ProbeAccepted},
		{[]login.Outcome{login.Accepted, login.Silent}, 2, event.ProbeAccepted},
		{[]login.Outcome{login.Refused, login.Accepted, login.Accepted}, 2, event.ProbeAccepted},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{how: "basic", answers: c.answers}
			p, notes := guesser(t, s, true)
			p.logins(t.Context(), web, []string{"ACME"})
			last := (*notes)[len(*notes)-1]
			if len(s.tried) > vendorMost+genericMost || last.Outcome != c.outcome || c.tries < 10 && len(s.tried) != c.tries {
				t.Errorf("%v: %d tries, then %+v", c.answers, len(s.tried), last)
			}
			slowly(t, s.at, 10*time.Second)
		})
	}
}

// TestNoCommunityWithoutConsent: a community is a password.
func TestNoCommunityWithoutConsent(t *testing.T) {
	for _, agreed := range []bool{false, true} {
		told := false
		for _, q := range questions(agreed) {
			told = told || strings.Contains(q.payload, "public")
		}
		if told != agreed {
			t.Errorf("consent %v: a community is sent: %v", agreed, told)
		}
	}
}

// TestCommunitiesAreNoPasswords: SNMP is tried with those alone.
func TestCommunitiesAreNoPasswords(t *testing.T) {
	all := []Pair{{"many", "any", "admin", "admin"}, {"many", "snmp", "", "public"}}
	if got := candidates(all, "snmp", nil); len(got) != 1 || got[0].Secret != "public" {
		t.Errorf("got %v", got)
	}
}
