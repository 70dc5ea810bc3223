package plan

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// scene is a stage that does what a test says and remembers what it was asked.
type scene struct {
	did   []string
	notes []event.StepNote
	do    func(ctx context.Context, s Step, t Turn) error
	fresh error
	offer error
	seeds []uint64
	// person is how long somebody takes to make the device start afresh.
	person time.Duration
	shown  []Progress
}

func (s *scene) Offer(_ context.Context, network string) error {
	s.did = append(s.did, network)
	return s.offer
}

func (s *scene) Fresh(_ context.Context, ask func(string)) (string, error) {
	s.did = append(s.did, "fresh")
	if s.person > 0 {
		ask("Unplug it.")
		<-time.After(s.person) // of the bubble's own clock
		ask("")
	}
	return "relay", s.fresh
}

func (s *scene) Do(ctx context.Context, step Step, t Turn) error {
	s.did = append(s.did, step.Experiment)
	s.seeds = append(s.seeds, t.Seed)
	if s.do == nil {
		return nil
	}
	return s.do(ctx, step, t)
}

func (s *scene) runner(from int, steps ...Step) *Runner {
	shown := func(p Progress) { s.shown = append(s.shown, p) }
	return New(Config{Plan: Plan{ID: "x", Steps: steps}, Stage: s, From: from, Seed: 7, Publish: shown, Note: func(n evidence.Note) {
		var body event.StepNote
		if n.Kind == event.NoteStep && json.Unmarshal(n.Body, &body) == nil {
			s.notes = append(s.notes, body)
		}
	}})
}

func (s *scene) told() (out []string) {
	for _, n := range s.notes {
		out = append(out, string(n.Phase))
	}
	return out
}

var (
	watch = Step{Network: "N2", Experiment: Observe, AtMost: time.Minute, Fresh: FreshStep}
	tls   = Step{Network: "N2", Experiment: TLS, AtMost: time.Minute, Repeat: 2}
	six   = Step{Network: "N3", Experiment: Observe, AtMost: time.Minute}
)

func TestCarriesThePlanThrough(t *testing.T) {
	s := &scene{}
	r := s.runner(0, watch, tls, six)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.did, " "); got != "N2 fresh observe tls tls N3 observe" {
		t.Errorf("did %s", got)
	}
	want := event.StepNote{Phase: event.Begun, Fresh: "relay", Step: 1, Of: 4, Network: "N2", Experiment: Observe, Seed: s.seeds[0]}
	if s.notes[0] != want {
		t.Errorf("first note %+v", s.notes[0])
	}
	if s.seeds[1] == s.seeds[2] {
		t.Error("two steps have the same random order")
	}
	if p := r.Progress(); !p.Ended || p.Left != 0 {
		t.Errorf("progress %+v", p)
	}
}

func TestGoesOnFromAStep(t *testing.T) {
	s, again := &scene{}, &scene{}
	if err := s.runner(0, watch, tls, six).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := again.runner(3, watch, tls, six).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(again.did, " "); got != "N2 tls N3 observe" || again.seeds[0] != s.seeds[2] {
		t.Errorf("from step 3 on: %s, seeds %v, before %v", got, again.seeds, s.seeds)
	}
}

func TestGoesOnAfterAFailure(t *testing.T) {
	s := &scene{do: func(_ context.Context, s Step, _ Turn) error {
		if s.Experiment == TLS {
			return errors.New("the device opened no connection")
		}
		return nil
	}}
	if err := s.runner(0, tls, six).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.told(); !slices.Equal(got, []string{"begun", "aborted", "begun", "aborted", "begun", "ended"}) {
		t.Errorf("told %v", got)
	}
	if s.notes[1].Why != "the device opened no connection" {
		t.Errorf("why: %q", s.notes[1].Why)
	}
}

func TestSkipsWhatCannotBeDone(t *testing.T) {
	for name, s := range map[string]*scene{
		"fresh": {fresh: errors.New("nobody switched it")}, "offer": {offer: errors.New("no TUN device")},
	} {
		if err := s.runner(0, watch).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.notes) != 1 || s.notes[0].Phase != event.Skipped || !strings.Contains(s.notes[0].Why, "no") {
			t.Errorf("%s: %+v", name, s.notes)
		}
	}
}

func TestTimeOfAStepIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{do: func(ctx context.Context, _ Step, _ Turn) error { <-ctx.Done(); return ctx.Err() }}
		began := time.Now()
		if err := s.runner(0, watch, tls).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Minute {
			t.Errorf("it took %s", took)
		}
		if got := s.told(); !slices.Equal(got, []string{"begun", "ended", "begun", "aborted", "begun", "aborted"}) {
			t.Errorf("told %v: a watch ends when its time is over, an experiment is cut off", got)
		}
		if s.notes[3].Why != "its time was over" {
			t.Errorf("why: %q", s.notes[3].Why)
		}
	})
}

func TestPauseSkipAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int32
		s := &scene{do: func(ctx context.Context, s Step, turn Turn) error {
			for range 40 {
				if err := turn.Gate(ctx); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Second):
					rounds.Add(1)
				}
			}
			return nil
		}}
		r := s.runner(0, tls, six)
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		<-time.After(10*time.Second + time.Millisecond) // of the bubble's own clock
		r.Pause()
		<-time.After(time.Hour)
		if rounds.Load() != 11 || !r.Progress().Paused {
			t.Errorf("%d rounds were done while paused, progress %+v", rounds.Load(), r.Progress())
		}
		r.Resume()
		<-time.After(10 * time.Second)
		r.Skip()
		<-time.After(35 * time.Second)
		r.Abort()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := s.told(); !slices.Equal(got, []string{"begun", "skipped", "begun", "aborted"}) {
			t.Errorf("told %v; %+v", got, s.notes)
		}
		if s.notes[3].Why != "the operator ended the plan" {
			t.Errorf("why: %q", s.notes[3].Why)
		}
	})
}

func TestTheEndOfTheRunIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &scene{do: func(ctx context.Context, _ Step, _ Turn) error { cancel(); <-ctx.Done(); return ctx.Err() }}
	if err := s.runner(0, watch, tls).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it returned %v", err)
	}
	if got := s.told(); !slices.Equal(got, []string{"begun", "aborted"}) || s.notes[1].Why != "the run ended" {
		t.Errorf("told %+v", s.notes)
	}
}
