package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// overTCP asks again over TCP and gets the genuine answer.
func overTCP(s *trialScene, arm string) {
	about(trialName, rrA, func(n *event.FaultedNote, a *event.DNSAnswered) bool {
		n.Unchanged, a.Transport = true, event.TCP
		return true
	})(s, arm)
	for i := len(s.evs) - 1; i >= 0; i-- {
		if b, ok := s.evs[i].Body.(event.DNSAsked); ok {
			b.Transport = event.TCP
			s.evs[i].Body = b
			return
		}
	}
}

func TestUnusualAnswers(t *testing.T) {
	short := about(trialName, rrA, func(_ *event.FaultedNote, a *event.DNSAnswered) bool {
		a.TC, a.Records = true, nil
		return true
	})
	nothing := pass(6 * time.Second)
	for _, c := range []struct {
		name string
		arm  string
		n    int
		deed []deed
		want map[string]any
	}{
		{"retries over TCP", event.ArmTruncate, 1, []deed{short, overTCP, open(trialAddr)},
			map[string]any{"odd.truncate_worked": 1, "odd.truncate_tcp": 1, "odd.truncate_tried": 1}},
		{"takes its time", event.ArmTruncate, 1, []deed{short, pass(40 * time.Second), overTCP, open(trialAddr)},
			map[string]any{"odd.truncate_slow": 1, "odd.truncate_worked": 0}},
		{"gives up", event.ArmTruncate, 2, []deed{short, nothing}, map[string]any{"odd.truncate_failed": 1, "odd.truncate_tcp": 0}},
		{"gives up, seen once", event.ArmTruncate, 1, []deed{short, nothing}, map[string]any{"odd.truncate_failed": 0, "odd.truncate_unclear": 1}},
		{"a large answer", event.ArmLarge, 2, []deed{ask, open(trialAddr)}, map[string]any{"odd.large_worked": 1, "odd.chain_tried": 0}},
	} {
		s := newTrial()
		s.pairs(c.n, c.arm, c.deed...)
		t.Log(c.name)
		wantFacts(t, s.sheet(), c.want)
	}
}

func TestAfterTheAlarm(t *testing.T) {
	elsewhere := func(s *trialScene, _ string) {
		s.random()
		s.ask(farResolver, event.DNSAsked{Name: trialName, Type: rrA})
	}
	for _, c := range []struct {
		name string
		deed []deed
		want map[string]any
	}{
		{"waits and asks the offered resolver again", []deed{refuse, pass(10 * time.Minute), refuse},
			map[string]any{"alarm.rounds": 1, "alarm.retried": 1, "alarm.around": 0, "alarm.stale": 0, "alarm.recalled": 0}},
		{"does not ask again", []deed{refuse, pass(time.Minute)}, map[string]any{"alarm.retried": 0}},
		{"asks another resolver", []deed{refuse, elsewhere}, map[string]any{"alarm.around": 1}},
		{"asked another one first", []deed{elsewhere, refuse}, map[string]any{"alarm.around": 0}},
		{"begins DNS over TLS", []deed{refuse, func(s *trialScene, _ string) { s.connect(farResolver, 853, event.TCP) }}, map[string]any{"alarm.around": 1}},
		{"goes to an address from before", []deed{refuse, open(trialAddr)}, map[string]any{"alarm.stale": 1, "alarm.recalled": 0}},
		{"goes where another name leads", []deed{refuse, func(s *trialScene, _ string) { s.resolve(homeResolver, "other.example.", trialAddr) }, open(trialAddr)},
			map[string]any{"alarm.stale": 0, "alarm.recalled": 0}},
	} {
		s := newTrial()
		s.pairs(1, event.ArmServfail, c.deed...)
		t.Log(c.name)
		wantFacts(t, s.sheet(), c.want)
	}
	s := newTrial()
	s.pairs(1, event.ArmServfail, refuse, elsewhere)
	if got := show(listOf(t, s.sheet(), "alarm.around_list")); got != "[cam.example (asked 8.8.8.8)]" {
		t.Error(got)
	}
}

// every asks so many times, so far apart.
func every(gap time.Duration, times int, one deed) deed {
	return func(s *trialScene, arm string) {
		for range times {
			one(s, arm)
			s.wait(gap)
		}
	}
}

func TestHowItAsksWhileDNSFails(t *testing.T) {
	for _, c := range []struct {
		name string
		deed []deed
		want map[string]any
	}{
		{"every 40 s", []deed{every(40*time.Second, 15, refuse)}, map[string]any{"backoff.tries": 15, "backoff.flood_minutes": 0, "backoff.growing": false}},
		{"ever later", []deed{refuse, pass(time.Second), refuse, pass(4 * time.Second), refuse, pass(16 * time.Second), refuse, pass(64 * time.Second), refuse, pass(515 * time.Second)},
			map[string]any{"backoff.tries": 4, "backoff.growing": false}},
		{"twice a second", []deed{every(500*time.Millisecond, 1200, refuse)}, map[string]any{"backoff.tries": 1, "backoff.flood_minutes": 9}},
		{"ever more often", []deed{every(60*time.Second, 5, refuse), every(5*time.Second, 60, refuse)}, map[string]any{"backoff.growing": true}},
		{"for a minute only", []deed{every(10*time.Second, 6, refuse)}, map[string]any{"backoff.tries": nil}},
	} {
		s := newTrial()
		s.pairs(1, event.ArmServfail, c.deed...)
		t.Log(c.name)
		wantFacts(t, s.sheet(), c.want)
	}
	s := newTrial()
	s.pairs(1, event.ArmDrop, every(30*time.Second, 20, silence1))
	sheet := s.sheet()
	wantFacts(t, sheet, map[string]any{"backoff.tries": 20, "backoff.growing": false})
	if f, _ := sheet.Get("backoff.late_gap"); f.Value.(float64) < 29 || f.Value.(float64) > 31 {
		t.Errorf("a try every %v s, want 30", f.Value)
	}
	if f, _ := sheet.Get("backoff.drop_minutes"); f.Value.(float64) < 9.9 {
		t.Errorf("%v minutes", f.Value)
	}
}

const canary = "198.18.7.9"

// lied gets a message with a mismatch before the genuine answer.
func lied(kind string) deed {
	return func(s *trialScene, arm string) {
		about(trialName, rrA, func(n *event.FaultedNote, a *event.DNSAnswered) bool {
			n.Canary, n.Made = netip.MustParseAddr(canary), kind
			return true
		})(s, arm)
		last := len(s.evs) - 1
		genuine := s.evs[last]
		wrong := genuine.Body.(event.DNSAnswered)
		wrong.ID, wrong.Question = wrong.ID^0x5555, 0
		wrong.Records = []event.Record{{Name: trialName, Type: 1, TTL: 30, Addr: netip.MustParseAddr(canary)}}
		s.evs = s.evs[:last]
		s.add(homeResolver, 53, wrong)
		s.add(homeResolver, 53, genuine.Body)
	}
}

func TestStrayMessages(t *testing.T) {
	s := newTrial()
	for _, kind := range []string{"id", "name", "address"} {
		s.pairs(1, event.ArmStray, lied(kind), open(trialAddr))
	}
	wantFacts(t, s.sheet(), map[string]any{"stray.kinds": 3, "stray.trapped": 0, "stray.rounds": 3})
	s.pairs(1, event.ArmStray, lied("port"), open(canary))
	sheet := s.sheet()
	wantFacts(t, sheet, map[string]any{"stray.kinds": 3, "stray.trapped": 1, "stray.rounds": 4})
	if got := show(listOf(t, sheet, "stray.trapped_list")); got != "[cam.example (wrong port)]" {
		t.Error(got)
	}
	s = newTrial()
	s.pairs(1, event.ArmStray, ask, open(canary))
	wantFacts(t, s.sheet(), map[string]any{"stray.rounds": 0, "stray.trapped": 0})
}

// TestExperimentsDoNotSpoilWhatIsListenedFor: the same facts with and without a day of
// experiments after them.
func TestExperimentsDoNotSpoilWhatIsListenedFor(t *testing.T) {
	keys := []string{
		"dns.answers_unasked", "dns.failures", "dns.coverage", "dns.asks_per_ttl", "dns.asks_per_minute", "resolver.failures_offered",
		"resolver.offered_healthy", "resolver.names_bypass", "resolver.names_fallback", "resolver.foreign", "resolver.unasked",
		"dns.connections_unexplained", "literal.services", "literal.unsure",
	}
	before := func() *trialScene {
		s := newTrial()
		s.resolve(homeResolver, "a.example.", "198.51.100.1")
		s.connect("198.51.100.1", 443, event.TCP)
		s.wait(2 * time.Minute)
		return s
	}
	plain := before().sheet()
	s := before()
	s.pairs(3, event.ArmFlipped, every(time.Second, 8, ask), pass(5*time.Second))
	s.pairs(1, event.ArmServfail, every(100*time.Millisecond, 100, refuse), func(s *trialScene, _ string) {
		s.random()
		s.answer(farResolver, trialName, s.ask(farResolver, event.DNSAsked{Name: trialName, Type: rrA}), 60, trialAddr)
	})
	s.pairs(1, event.ArmDrop, every(2*time.Second, 30, silence1))
	s.pairs(1, event.ArmStray, lied("id"), open(canary))
	after := s.sheet()
	for _, key := range keys {
		want, known := plain.Get(key)
		got, still := after.Get(key)
		if known != still || got.Value != want.Value {
			t.Errorf("%s is %v, without experiments %v", key, got.Value, want.Value)
		}
	}
}
