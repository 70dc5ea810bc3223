package fact

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

func TestWhereANameStandsWithDamage(t *testing.T) {
	nothing := pass(6 * time.Second)
	for _, c := range []struct {
		name, arm string
		play      func(*trialScene)
		want      string
	}{
		{"refused three times", event.ArmFlipped, func(s *trialScene) { s.pairs(3, event.ArmFlipped, ask, nothing) }, "refused cam.example (3 pairs)"},
		{"refused twice", event.ArmFlipped, func(s *trialScene) { s.pairs(2, event.ArmFlipped, ask, nothing) }, "short cam.example (2 pairs)"},
		{"accepted once", event.ArmFlipped, func(s *trialScene) {
			s.pairs(3, event.ArmFlipped, ask, nothing)
			s.pairs(1, event.ArmFlipped, ask, open(trialAddr))
		}, "accepted cam.example (1 of 4 attempts)"},
		{"connects where nothing led", event.ArmFlipped, func(s *trialScene) { s.pairs(3, event.ArmFlipped, ask, open("198.51.100.9"), nothing) },
			"refused cam.example (3 pairs)"},
		{"connects after more than a minute", event.ArmFlipped, func(s *trialScene) { s.pairs(3, event.ArmFlipped, ask, pass(61*time.Second), open(trialAddr)) },
			"refused cam.example (3 pairs)"},
		{"another name leads there too", event.ArmFlipped, func(s *trialScene) {
			s.pairs(3, event.ArmFlipped, ask, func(s *trialScene, _ string) { s.resolve(homeResolver, "other.example.", trialAddr) }, open(trialAddr), nothing)
		}, "unclear cam.example (another answer told the same address)"},
		{"never restarted: the control's answer still holds", event.ArmFlipped, func(s *trialScene) {
			s.pairs(3, event.ArmFlipped, ask, kept, open(trialAddr), nothing)
		}, "unclear cam.example (another answer told the same address)"},
		{"also asks without signatures", event.ArmFlipped, func(s *trialScene) {
			plain := about(trialName, rrA, func(n *event.FaultedNote, _ *event.DNSAnswered) bool {
				n.Unchanged, n.DO = true, false
				return true
			})
			s.pairs(3, event.ArmFlipped, ask, plain, nothing)
		}, "unclear cam.example (it also asked without signatures)"},
		{"the control does not connect", event.ArmFlipped, func(s *trialScene) {
			s.pair = 1
			s.round(event.ArmControl, trialName, ask, nothing)
			s.round(event.ArmFlipped, trialName, ask, nothing)
		}, "unclear cam.example (it did not connect in the control)"},
		{"slower than the round", event.ArmFlipped, func(s *trialScene) {
			s.pair = 1
			s.round(event.ArmControl, trialName, ask, nothing, open(trialAddr))
			s.round(event.ArmFlipped, trialName, ask, pass(time.Second))
		}, "unclear cam.example (it was not watched for as long as it takes to connect)"},
		{"the answers are not in the log", event.ArmFlipped, func(s *trialScene) {
			s.mute = true
			s.pairs(3, event.ArmFlipped, ask, open(trialAddr))
		}, ""},
		{"the answers could not be changed", event.ArmFlipped, func(s *trialScene) { s.pairs(3, event.ArmFlipped, kept, open(trialAddr)) }, ""},
		{"the proof is refused", event.ArmDSDenial, func(s *trialScene) { s.pairs(3, event.ArmDSDenial, kept, keys, proof, nothing) }, "refused cam.example (3 pairs)"},
		{"the proof does not matter to it", event.ArmDSDenial, func(s *trialScene) { s.pairs(1, event.ArmDSDenial, kept, keys, proof, open(trialAddr)) },
			"accepted cam.example (1 of 1 attempt)"},
		{"it never asks for a proof", event.ArmDSDenial, func(s *trialScene) { s.pairs(1, event.ArmDSDenial, kept, open(trialAddr)) },
			"accepted cam.example (1 of 1 attempt)"},
		{"it asks for proofs, but had this one already", event.ArmDSDenial, func(s *trialScene) { s.pairs(1, event.ArmDSDenial, keys, kept, open(trialAddr)) },
			"unclear cam.example (it had not got the damaged proof when it connected)"},
	} {
		s := newTrial()
		c.play(s)
		word := map[string]string{event.ArmFlipped: "flipped", event.ArmDSDenial: "dsdenial"}[c.arm]
		if got := s.standing(t, "pairs."+word+"_"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := s.standing(t, "pairs."); got != c.want {
			t.Errorf("%s: together %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheMatrixAndTheControls(t *testing.T) {
	s := newTrial()
	nothing := pass(6 * time.Second)
	s.pairs(3, event.ArmFlipped, ask, nothing)
	s.pairs(1, event.ArmStripped, ask, open(trialAddr))
	s.pairs(3, event.ArmExpired, about(trialName, rrA, func(n *event.FaultedNote, _ *event.DNSAnswered) bool {
		n.Made = "times changed"
		return true
	}), nothing)
	sheet := s.sheet()
	wantFacts(t, sheet, map[string]any{
		"pairs.control_worked": 7, "pairs.control_signed": 7, "pairs.control_new_key": 7, "pairs.control_failed": 0,
		"pairs.expired_replayed": 0, "pairs.unbacked": 0, "pairs.agreeing": 3,
	})
	for key, want := range map[string]string{"accepted": "[stripped]", "refused": "[flipped expired]", "untried": "[dsdenial wrongkey]"} {
		if got := show(listOf(t, sheet, "pairs.arms_"+key)); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	m := newTrial()
	m.mute = true
	m.pairs(2, event.ArmFlipped, ask)
	m.pairs(0, "")
	m.round(event.ArmControl, "other.example.")
	wantFacts(t, m.sheet(), map[string]any{"pairs.unbacked": 4, "pairs.tried": 0, "pairs.control_worked": 0})
}

func show(l []string) string {
	b, _ := json.Marshal(l)
	out := ""
	for _, c := range string(b) {
		switch c {
		case '"':
		case ',':
			out += " "
		default:
			out += string(c)
		}
	}
	return out
}

// TestPairsNeverPanic: notes and packets in any order, with any content, and the
// facts hold together.
func TestPairsNeverPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newTrial()
		for range rapid.IntRange(0, 40).Draw(t, "length") {
			anything(t, s)
		}
		sheet := s.sheet()
		sum := int64(0)
		for _, v := range pairVerdicts() {
			f, _ := sheet.Get("pairs." + v.key)
			n, _ := f.Value.(int64)
			sum += n
		}
		if f, _ := sheet.Get("pairs.tried"); f.Value != sum {
			t.Fatalf("%v names, %d standings", f.Value, sum)
		}
	})
}

// anything lets one thing happen.
func anything(t *rapid.T, s *trialScene) {
	arms := []string{event.ArmControl, event.ArmFlipped, event.ArmDSDenial, event.ArmServfail, event.ArmDrop, event.ArmStray, event.ArmTruncate, "?"}
	arm := rapid.SampledFrom(arms).Draw(t, "arm")
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		s.note(event.NoteArm, event.ArmNote{Pair: s.pair, Arm: arm, Names: []string{trialName}, Phase: rapid.SampledFrom([]event.Phase{event.Begun, event.Ended, event.Aborted}).Draw(t, "phase")})
	case 1:
		s.pair++
	case 2:
		ask(s, arm)
	case 3:
		refuse(s, arm)
	case 4:
		s.connect(trialAddr, 443, event.TCP)
	case 5:
		s.wait(time.Duration(rapid.IntRange(0, 700).Draw(t, "seconds")) * time.Second)
	case 6:
		s.note(rapid.SampledFrom([]string{event.NoteArm, event.NoteFaulted}).Draw(t, "kind"), rapid.SampledFrom([]any{nil, 1, "x", map[string]any{"pair": -1}}).Draw(t, "body"))
	}
}
