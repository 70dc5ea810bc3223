package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// Stage is what a runner acts on. Its methods return when ctx is done, with its
// cause; any other error ends the step and is told in its note.
type Stage interface {
	// Offer gives the device another network.
	Offer(ctx context.Context, network string) error
	// Fresh makes the device start afresh and returns how: "relay", "link" or
	// "operator"; "none" where it cannot be done here. Where a person has to do it, ask
	// is given the words, and "" when it is done or given up.
	Fresh(ctx context.Context, ask func(words string)) (how string, err error)
	// Do carries an experiment through.
	Do(ctx context.Context, s Step, t Turn) error
}

// Turn is what an experiment is given to keep to the runner's order.
type Turn struct {
	// Seed gives the random order of the step.
	Seed uint64
	// Gate is passed between two rounds: it waits while the run is paused.
	Gate func(ctx context.Context) error
	// Fresh makes the device start afresh where the step wants it for each round.
	Fresh func(ctx context.Context) error
	// Tell says how far the experiment is; of is 0 while nobody can know.
	Tell func(done, of int, words string)
}

// Config is what a Runner is made of.
type Config struct {
	Plan  Plan
	Stage Stage
	// Note takes the notes of the steps. May be nil.
	Note func(evidence.Note)
	// Publish takes each change; it must not block. May be nil.
	Publish func(Progress)
	// From is the first step, from 1, for a run that goes on after an interruption;
	// 0 for the plan's first.
	From int
	// Wake is done before From, so that the experiments see again what the device does;
	// its network is that of the step. Nothing is without an experiment.
	Wake Step
	Seed uint64
}

// ErrImpossible says that an experiment cannot be done with this device or on this
// box: its step counts as skipped.
var ErrImpossible = errors.New("it cannot be done here")

// The reasons why a step may end early.
var (
	errSkipped = errors.New("the operator skipped it")
	errAborted = errors.New("the operator ended the plan")
	errTime    = errors.New("its time was over")
)

// Runner carries a plan through, once.
type Runner struct {
	cfg   Config
	steps []Step

	mu       sync.Mutex
	progress Progress
	open     chan struct{} // closed while the run is not paused
	skip     context.CancelCauseFunc
	abort    context.CancelCauseFunc
	aborted  bool
	network  string     // offered at present
	clock    *budget    // of the present step; nil while it has not begun
	telling  sync.Mutex // so that changes are published in their order
}

// New makes a runner.
func New(cfg Config) *Runner {
	open := make(chan struct{})
	close(open)
	steps := cfg.Plan.unrolled()
	return &Runner{cfg: cfg, steps: steps, open: open, progress: Progress{Plan: cfg.Plan.ID, Of: len(steps), Left: cfg.Plan.Longest(), At: time.Now()}}
}

// Run carries the plan through and returns nil, also when steps failed: their notes
// say why. It returns the cause of ctx when that was done first.
func (r *Runner) Run(ctx context.Context) error {
	own, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	r.mu.Lock()
	r.abort = abort
	if r.aborted {
		abort(errAborted)
	}
	r.mu.Unlock()
	if r.cfg.Wake.Experiment != "" && r.cfg.From > 0 && r.cfg.From <= len(r.steps) {
		r.wake(own, r.steps[r.cfg.From-1].Network)
	}
	for i := max(1, r.cfg.From); i <= len(r.steps); i++ {
		r.step(own, i)
		if own.Err() != nil {
			break
		}
	}
	r.change(func(p *Progress) { p.Ended, p.Words, p.Ask, p.Asked = true, "", "", time.Time{} })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// step does one step. Whatever happens, its end is noted when its begin was.
func (r *Runner) step(ctx context.Context, i int) {
	s := r.steps[i-1]
	ctx, skip := context.WithCancelCause(ctx)
	defer skip(nil)
	r.mu.Lock()
	r.skip = skip
	r.mu.Unlock()
	r.change(func(p *Progress) {
		*p = Progress{Plan: p.Plan, Step: i, Of: p.Of, Network: s.Network, Experiment: s.Experiment,
			Words: s.Words(), Paused: p.Paused, Past: p.Past}
	})
	if err := r.gate(ctx); err != nil {
		r.note(i, event.StepNote{Phase: phaseOf(err), Why: why(err)})
		return
	}
	clock := newBudget(s.AtMost, func() { skip(errTime) })
	r.keepTime(clock)
	defer func() {
		r.keepTime(nil)
		clock.end()
	}()
	r.carry(ctx, i, s, clock)
}

// carry prepares the network and the device, and does the experiment.
func (r *Runner) carry(ctx context.Context, i int, s Step, clock *budget) {
	if err := r.offer(ctx, s.Network); err != nil {
		r.note(i, event.StepNote{Phase: event.Skipped, Why: fmt.Sprintf("network %s cannot be offered: %v", s.Network, err)})
		return
	}
	seed := r.seed(i)
	begun := event.StepNote{Phase: event.Begun, Seed: seed}
	fresh := func(context.Context) error { return nil }
	switch s.Fresh {
	case FreshStep:
		how, err := r.fresh(ctx, clock)
		if err != nil {
			r.end(ctx, i, err, "the device could not be made to start afresh: ")
			return
		}
		begun.Fresh = how
	case FreshRound:
		fresh = func(ctx context.Context) error { _, err := r.fresh(ctx, clock); return err }
	case FreshNever:
	}
	r.note(i, begun)
	err := r.cfg.Stage.Do(ctx, s, Turn{Seed: seed, Gate: r.gateOf(clock), Fresh: fresh, Tell: r.tell})
	if err == nil || s.Experiment == Observe && errors.Is(cause(ctx, err), errTime) {
		r.note(i, event.StepNote{Phase: event.Ended})
		return
	}
	err = cause(ctx, err)
	r.note(i, event.StepNote{Phase: phaseOf(err), Why: why(err)})
}

// offer changes the network where it is another one.
func (r *Runner) offer(ctx context.Context, network string) error {
	if r.network == network {
		return nil
	}
	r.network = "" // whatever it is until the change is done
	if err := r.cfg.Stage.Offer(ctx, network); err != nil {
		return err
	}
	r.network = network
	return nil
}

// cause is why a step ended: that of its context where the context ended it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

func phaseOf(err error) event.Phase {
	if errors.Is(err, errSkipped) || errors.Is(err, ErrImpossible) {
		return event.Skipped
	}
	return event.Aborted
}

func why(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run ended"
	}
	return err.Error()
}

// seed is that of one step.
func (r *Runner) seed(i int) uint64 {
	return rand.New(rand.NewPCG(r.cfg.Seed, uint64(i))).Uint64() //nolint:gosec // an order, not a secret; i is small
}

// end notes a step that could not begin.
func (r *Runner) end(ctx context.Context, i int, err error, words string) {
	phase := event.Skipped
	if c := context.Cause(ctx); c != nil {
		err, phase, words = c, phaseOf(c), ""
	}
	r.note(i, event.StepNote{Phase: phase, Why: words + why(err)})
}

func (r *Runner) note(i int, n event.StepNote) {
	s := r.steps[i-1]
	if n.Phase != event.Begun {
		r.passed(Past{Step: i, Network: s.Network, Experiment: s.Experiment, Phase: n.Phase, Why: n.Why})
	}
	if r.cfg.Note == nil {
		return
	}
	n.Step, n.Of, n.Network, n.Experiment = i, len(r.steps), s.Network, s.Experiment
	if body, err := json.Marshal(n); err == nil {
		r.cfg.Note(evidence.Note{Kind: event.NoteStep, Body: body})
	}
}
