package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/event"
)

// TestWhatIsAskedOfAPersonIsShown: the words and since when, and the time that it takes
// is not the step's.
func TestWhatIsAskedOfAPersonIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{person: time.Hour, do: func(ctx context.Context, _ Step, _ Turn) error { <-ctx.Done(); return ctx.Err() }}
		r := s.runner(0, watch, six)
		done, began := make(chan error), time.Now()
		go func() { done <- r.Run(t.Context()) }()
		<-time.After(30 * time.Minute)
		p := r.Progress()
		if p.Ask != "Unplug it." || !p.Asked.Equal(began) || p.Left != 2*time.Minute || p.Running(time.Now()) != p.Left {
			t.Errorf("while a person is waited for: %+v", p)
		}
		<-time.After(30*time.Minute + 20*time.Second)
		if p = r.Progress(); p.Ask != "" || !p.Asked.IsZero() || p.Running(time.Now()) != 100*time.Second {
			t.Errorf("afterwards: %+v", p)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Hour+2*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestNobodyDidIt(t *testing.T) {
	s := &scene{fresh: errors.New("nobody unplugged the device"), do: func(ctx context.Context, _ Step, turn Turn) error { return turn.Fresh(ctx) }}
	each := tls
	each.Fresh, each.Repeat = FreshRound, 1
	if err := s.runner(0, watch, each, six).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.told(); !slices.Equal(got, []string{"skipped", "begun", "aborted", "begun", "ended"}) {
		t.Errorf("told %v", got)
	}
}

// TestStepsThatAreOverAreShown: with how and why they ended, and no list that somebody
// holds is changed.
func TestStepsThatAreOverAreShown(t *testing.T) {
	s := &scene{do: func(_ context.Context, s Step, turn Turn) error {
		turn.Tell(1, 3, "the second of three")
		if s.Experiment == TLS {
			return errors.New("no connection came")
		}
		return nil
	}}
	r := s.runner(0, watch, tls, six)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []Past{
		{1, "N2", Observe, event.Ended, ""}, {2, "N2", TLS, event.Aborted, "no connection came"},
		{3, "N2", TLS, event.Aborted, "no connection came"}, {4, "N3", Observe, event.Ended, ""},
	}
	if got := r.Progress(); !slices.Equal(got.Past, want) || !got.Ended || got.Left != 0 {
		t.Errorf("at the end %+v", got)
	}
	var words []string
	for _, p := range s.shown {
		if !slices.Equal(p.Past, want[:len(p.Past)]) {
			t.Errorf("a list was changed that somebody holds: %+v", p.Past)
		}
		if p.Done == 1 {
			words = append(words, p.Words)
		}
	}
	if !strings.Contains(strings.Join(words, "; "), "the second of three") {
		t.Errorf("shown: %q", words)
	}
}

func TestWhoEndedThePlan(t *testing.T) {
	s := &scene{}
	r := s.runner(0, watch)
	if r.Aborted() {
		t.Error("nobody did")
	}
	r.Abort()
	if err := r.Run(t.Context()); err != nil || !r.Aborted() || r.Progress().Left != 0 {
		t.Errorf("%v, %+v", err, r.Progress())
	}
	if got := s.told(); !slices.Equal(got, []string{"aborted"}) {
		t.Errorf("told %v", got)
	}
}

// TestGoesOnAfterAnInterruption: the device shows itself in the network of the step that
// was cut, and nothing of that is noted.
func TestGoesOnAfterAnInterruption(t *testing.T) {
	s := &scene{}
	cfg := s.runner(3, watch, tls, six).cfg
	cfg.Wake = Step{Experiment: Observe, AtMost: time.Minute, Fresh: FreshStep}
	r := New(cfg)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.did, " "); got != "N2 fresh observe tls N3 observe" {
		t.Errorf("did %s", got)
	}
	if len(s.notes) != 4 || s.notes[0].Step != 3 || s.notes[3].Step != 4 {
		t.Errorf("noted %+v", s.notes)
	}
}

// TestAPlanThatWasOverHasNothingLeft: the box stopped between its last step and its end.
func TestAPlanThatWasOverHasNothingLeft(t *testing.T) {
	s := &scene{}
	cfg := s.runner(3, watch, six).cfg
	cfg.Wake = Step{Experiment: Observe, AtMost: time.Minute}
	if err := New(cfg).Run(t.Context()); err != nil || len(s.did) > 0 {
		t.Errorf("%v, did %v", err, s.did)
	}
}
