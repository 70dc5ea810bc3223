package fact

import (
	"testing"
	"time"

	"assay/internal/assess/event"
)

// plainly is a question without DO, whose answer is as always.
var plainly = about(trialName, rrA, func(n *event.FaultedNote, _ *event.DNSAnswered) bool {
	n.DO, n.Unchanged = false, n.Arm != event.ArmControl
	return true
})

// TestADeviceThatGivesInToMissingSignatures: one that asks without DO only after an
// answer without signatures has taken that answer; one that always does has other
// software that asks.
func TestADeviceThatGivesInToMissingSignatures(t *testing.T) {
	nothing := pass(6 * time.Second)
	for _, c := range []struct {
		name            string
		control, attack []deed
		want            string
	}{
		{"gives in", []deed{ask, open(trialAddr)}, []deed{ask, plainly, open(trialAddr)}, "accepted cam.example (3 of 3 attempts)"},
		{"asks again without DO, and does not connect", []deed{ask, open(trialAddr)}, []deed{ask, plainly, nothing},
			"unclear cam.example (it also asked without signatures)"},
		{"always asks both ways", []deed{ask, plainly, open(trialAddr)}, []deed{ask, plainly, open(trialAddr)},
			"unclear cam.example (it also asked without signatures)"},
		{"asks without DO first", []deed{ask, open(trialAddr)}, []deed{plainly, ask, open(trialAddr)},
			"unclear cam.example (it also asked without signatures)"},
		{"refuses", []deed{ask, open(trialAddr)}, []deed{ask, nothing}, "refused cam.example (3 pairs)"},
	} {
		s := newTrial()
		for range 3 {
			s.pair++
			s.round(event.ArmControl, trialName, append(c.control, pass(5*time.Second))...)
			s.round(event.ArmStripped, trialName, c.attack...)
		}
		if got := s.standing(t, "pairs.stripped_"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestBothWaysOfLeavingSignaturesOut: a name is refused when it is refused both ways,
// and pairs are counted, not rounds.
func TestBothWaysOfLeavingSignaturesOut(t *testing.T) {
	nothing, path := pass(6*time.Second), about("example.", rrDNSKEY, nil)
	for _, c := range []struct {
		name              string
		pairs             int
		atName, onThePath []deed
		want              string
	}{
		{"refused both ways", 3, []deed{ask, nothing}, []deed{ask, path, nothing}, "refused cam.example (3 pairs)"},
		{"refused both ways, in two pairs", 2, []deed{ask, nothing}, []deed{ask, path, nothing}, "short cam.example (2 pairs)"},
		{"taken at the name", 3, []deed{ask, open(trialAddr)}, []deed{ask, path, nothing}, "accepted cam.example (3 of 3 attempts)"},
		{"taken on the path", 3, []deed{ask, nothing}, []deed{ask, path, open(trialAddr)}, "accepted cam.example (3 of 3 attempts)"},
		{"unclear on the path", 3, []deed{ask, nothing}, []deed{ask, path, plainly, nothing}, "unclear cam.example (it also asked without signatures)"},
	} {
		s := newTrial()
		for range c.pairs {
			s.pair++
			s.round(event.ArmControl, trialName, ask, open(trialAddr), pass(5*time.Second))
			s.round(event.ArmStripped, trialName, c.atName...)
			s.round(event.ArmStripped, trialName, c.onThePath...)
		}
		if got := s.standing(t, "pairs.stripped_"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWhatFollowsFromADamagedPath: what the device asks about other names while keys
// above them lack signatures says nothing of its habits; in other rounds it does. The
// scene asks for one more name in each of its three rounds.
func TestWhatFollowsFromADamagedPath(t *testing.T) {
	other := deed(func(s *trialScene, _ string) {
		s.random()
		s.add(homeResolver, 53, event.DNSAsked{Transport: event.UDP, ID: s.id, Name: "hub.example.", Type: rrA, Class: 1, RD: true})
	})
	for _, c := range []struct {
		name  string
		steps []deed
		want  map[string]any
	}{
		{"the path", []deed{ask, about("example.", rrDNSKEY, nil), other}, map[string]any{"dns.do_share": 1.0 / 4}},
		{"the name alone", []deed{ask, other}, map[string]any{"dns.do_share": 1.0 / 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTrial()
			s.pair = 1
			s.round(event.ArmControl, trialName, ask, open(trialAddr))
			s.round(event.ArmStripped, trialName, c.steps...)
			s.round(event.ArmControl, trialName)
			wantFacts(t, s.sheet(), c.want)
		})
	}
}
