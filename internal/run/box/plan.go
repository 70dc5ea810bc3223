//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"assay/internal/gateway/lan"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/internal/run/trial"
)

// shy is how long a device that does nothing is given before its plan begins: then
// doing nothing is what the plan finds.
const shy = 30 * time.Second

// again is what is done before a plan goes on that was interrupted: what the experiments
// knew of the device is gone.
var again = plan.Step{Experiment: plan.Observe, AtMost: 90 * time.Second, Fresh: plan.FreshStep, Settled: true, Window: 10 * time.Second}

// pairsApart keeps the numbers of pairs of answers apart from those before an
// interruption: there are never so many in one run.
const pairsApart = 4096

// planned is the plan that is being carried through: with one device at a time.
type planned struct {
	mu      sync.Mutex
	id      string // of the run; "" while there is none
	runner  *plan.Runner
	atWork  chan struct{} // closed when the device is at work
	working bool
	cancel  context.CancelFunc
	next    Next         // what the runs that begin from now on are about
	cut     store.Record // of the run that goes on after an interruption
	cutNext Next         // what it is about
}

// Runner is that of the plan that is being carried through, nil while there is none.
func (b *Box) Runner() *plan.Runner {
	b.planned.mu.Lock()
	defer b.planned.mu.Unlock()
	return b.planned.runner
}

// RunnerOf is the runner of a run's plan, nil when that run has none that goes on: by it
// the plan is paused, resumed, aborted, and a step skipped.
func (b *Box) RunnerOf(run string) *plan.Runner {
	b.planned.mu.Lock()
	defer b.planned.mu.Unlock()
	if b.planned.id != run {
		return nil
	}
	return b.planned.runner
}

// followPlan begins a plan when a device is there, and ends it with the run. It is
// called on the desk's goroutine.
func (b *Box) followPlan(s session.Snapshot) {
	mac, err := net.ParseMAC(s.Record.DUT)
	p := &b.planned
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == "" && len(p.about(s.Record.ID).Steps.Steps) == 0 || err != nil || len(mac) != 6 {
		return
	}
	over := s.State.Ended() || s.State == session.Concluding
	if p.id == "" && !over {
		b.beginPlan([6]byte(mac), s)
	}
	if p.id == s.Record.ID {
		p.follow(s.State == session.Observing, over)
	}
}

// about is what a run is about, unless that is known already; the lock is held.
func (p *planned) about(id string) Next {
	if p.cut.ID == id {
		return p.cutNext
	}
	return p.next
}

// follow takes a change of the run whose plan it is; the lock is held.
func (p *planned) follow(working, over bool) {
	if over {
		p.cancel()
		p.id, p.runner = "", nil
		return
	}
	if working && !p.working {
		p.working = true
		close(p.atWork)
	}
}

// beginPlan starts the goroutine of a plan; the lock is held.
func (b *Box) beginPlan(mac [6]byte, s session.Snapshot) {
	ctx, cancel := context.WithCancel(b.planLife)
	atWork, id := make(chan struct{}), s.Record.ID
	t := newTrials(b, mac, id)
	t.told = b.planned.about(id)
	from, wake := 0, plan.Step{}
	if b.planned.cut.ID == id {
		from, wake, t.after = b.planned.cut.Step, again, (b.planned.cut.Cuts+1)*pairsApart
	} else if err := b.keepAssignment(id, t.told); err != nil {
		b.cfg.warn(err)
	}
	runner := plan.New(plan.Config{
		Plan: t.told.Steps, From: from, Wake: wake, Note: b.note, Publish: func(p plan.Progress) { b.progress(id, p) }, Seed: t.seed,
		Stage: trial.New(trial.Config{Device: t, Offer: b.Offer, Plugged: s.Started, Experiments: t.experiments()}),
	})
	p := &b.planned
	p.id, p.runner, p.atWork, p.working, p.cancel = id, runner, atWork, false, cancel
	b.running.Go(func() {
		defer cancel()
		if err := b.carryThrough(ctx, t, runner, atWork); err != nil {
			b.cfg.warn(fmt.Errorf("the plan of run %s: %w", id, err))
		}
		b.goHome()
	})
}

// goHome offers the network of the settings again, for the next device: one that knows
// IPv4 alone would find nothing where a plan ended on IPv6 alone.
func (b *Box) goHome() {
	home := lan.N2
	if b.cfg.Settings.LAN.IPv6 == "off" {
		home = lan.N1
	}
	b.mu.Lock()
	away := b.offered != 0 && b.offered != home
	b.mu.Unlock()
	if !away || b.planLife.Err() != nil {
		return
	}
	if err := b.Offer(b.planLife, home.String()); err != nil && b.planLife.Err() == nil {
		b.cfg.warn(fmt.Errorf("the network of the last step stays: %w", err))
	}
}

// progress passes on where a plan stands.
func (b *Box) progress(run string, p plan.Progress) {
	b.desk.Progress(run, p)
	if b.cfg.Progress != nil {
		b.cfg.Progress(p)
	}
}

// carryThrough runs a plan and ends its run.
func (b *Box) carryThrough(ctx context.Context, t *trials, runner *plan.Runner, atWork <-chan struct{}) error {
	select {
	case <-b.up: // a device may be there before the box is
	case <-ctx.Done():
		return nil
	}
	if err := t.open(ctx); err != nil { // before the device is at work: what it asks for shows what can be tried
		return errors.Join(err, t.close())
	}
	err := t.carry(ctx, runner, atWork)
	if closed := t.close(); closed != nil {
		b.cfg.warn(closed)
	}
	if err != nil {
		return nil //nolint:nilerr // the run ended first, and says why
	}
	if err := b.desk.End(ctx, t.id, outcome(runner)); err != nil && ctx.Err() == nil {
		return fmt.Errorf("cannot end the run: %w", err)
	}
	return nil
}

// outcome says how a plan ended.
func outcome(r *plan.Runner) string {
	if r.Aborted() {
		return "The operator ended the plan."
	}
	return "The plan was carried through."
}

// carry waits for a device that is at work, and runs the plan.
func (t *trials) carry(ctx context.Context, runner *plan.Runner, atWork <-chan struct{}) error {
	select {
	case <-atWork:
	case <-time.After(shy):
	case <-ctx.Done():
		return ctx.Err()
	}
	return runner.Run(ctx)
}
