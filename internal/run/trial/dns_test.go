package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/gateway/resolver/fault"
	"assay/internal/run/plan"
)

// script is a conductor of given rounds; the device asks so long after a round began.
type script struct {
	rounds []fault.Round
	skips  []fault.Skip
	asks   time.Duration // 0 for never
	asked  chan struct{}
	said   []string
}

func (s *script) Plan(context.Context, fault.Wish) ([]fault.Round, []fault.Skip) {
	return s.rounds, s.skips
}

func (s *script) Begin(r fault.Round) error {
	s.said = append(s.said, "begin "+r.Arm)
	s.asked = make(chan struct{})
	if s.asks > 0 {
		asked := s.asked
		time.AfterFunc(s.asks, func() { close(asked) })
	}
	return nil
}

func (s *script) Asked() <-chan struct{} { return s.asked }

func (s *script) End(why string) fault.Outcome {
	s.said = append(s.said, strings.TrimSpace("end "+why))
	return fault.Outcome{}
}

func (s *script) Finish() { s.said = append(s.said, "finish") }

func (s *script) experiment() DNS {
	return DNS{Conductor: s, Redirect: func(_ context.Context, on bool) error {
		s.said = append(s.said, fmt.Sprint("redirect ", on))
		return nil
	}}
}

func turn(d Device) plan.Turn {
	return plan.Turn{
		Gate:  func(ctx context.Context) error { return context.Cause(ctx) },
		Fresh: func(ctx context.Context) error { _, err := d.Power(ctx, nil); return err },
		Tell:  func(int, int, string) {},
	}
}

var (
	pair   = []fault.Round{{Arm: "control", Name: "a."}, {Arm: "flipped", Name: "a."}}
	dnssec = plan.Step{Network: "N2", Experiment: plan.DNSSEC, Window: 5 * time.Second}
)

func TestRoundsOfAPair(t *testing.T) {
	for name, tc := range map[string]struct {
		script script
		device puppet
		took   time.Duration
		said   string
		fails  string
	}{
		"it asks": {script: script{rounds: pair, asks: 2 * time.Second}, took: 14 * time.Second,
			said: "begin control, end, begin flipped, end"},
		"it rests after it asked": {script: script{rounds: pair, asks: 2 * time.Second}, device: puppet{rests: 3 * time.Second}, took: 6 * time.Second,
			said: "begin control, end, begin flipped, end"},
		"it rests and has not asked": {script: script{rounds: pair}, device: puppet{rests: 3 * time.Second}, took: 6 * time.Second,
			said: "begin control, end the device did not ask for the name, begin flipped, end the device did not ask for the name"},
		"it never asks": {script: script{rounds: slices.Concat(pair, pair)}, took: 90 * time.Second, fails: "3 rounds in a row",
			said: "begin control, end the device did not ask for the name, begin flipped, end the device did not ask for the name, " +
				"begin control, end the device did not ask for the name"},
		"no names": {script: script{skips: []fault.Skip{{Why: "no DO"}, {Why: "no DO"}}}, fails: "it cannot be done here: no DO"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := tc.script.experiment().Run(t.Context(), &tc.device, dnssec, turn(&tc.device))
				if took := time.Since(began); took != tc.took {
					t.Errorf("it took %s, want %s", took, tc.took)
				}
				if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("error %v, want %q", err, tc.fails)
				}
				said := strings.Join(slices.DeleteFunc([]string{"redirect true", tc.said, "finish, redirect false"}, func(s string) bool { return s == "" }), ", ")
				if got := strings.Join(tc.script.said, ", "); got != said {
					t.Errorf("it did\n%s\nwant\n%s", got, said)
				}
			})
		})
	}
}

func TestARoundThatIsCutOffSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(errors.New("the operator skipped it")) })
		s := script{rounds: pair, asks: time.Second}
		d := puppet{}
		if err := s.experiment().Run(ctx, &d, dnssec, turn(&d)); err == nil || err.Error() != "the operator skipped it" {
			t.Errorf("error %v", err)
		}
		if got := strings.Join(s.said, ", "); got != "redirect true, begin control, end the operator skipped it, finish, redirect false" {
			t.Errorf("it did %s", got)
		}
	})
}
