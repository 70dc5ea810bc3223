package plan

import (
	"context"
	"time"
)

// wake makes the device show what it does before a plan goes on. It is no step: it is
// not noted, and whatever becomes of it the plan goes on.
func (r *Runner) wake(ctx context.Context, network string) {
	s := r.cfg.Wake
	s.Network = network
	ctx, skip := context.WithCancelCause(ctx)
	defer skip(nil)
	r.mu.Lock()
	r.skip = skip
	r.mu.Unlock()
	r.change(func(p *Progress) {
		p.Network, p.Experiment, p.Words = network, s.Experiment, "The plan was interrupted and goes on: "+s.Words()
	})
	clock := newBudget(s.AtMost, func() { skip(errTime) })
	defer clock.end()
	if r.gate(ctx) != nil || r.offer(ctx, network) != nil {
		return
	}
	fresh := func(ctx context.Context) error { _, err := r.fresh(ctx, clock); return err }
	if s.Fresh == FreshStep && fresh(ctx) != nil {
		return
	}
	_ = r.cfg.Stage.Do(ctx, s, Turn{Seed: r.seed(r.cfg.From), Gate: r.gateOf(clock), Fresh: fresh, Tell: func(int, int, string) {}})
	r.change(func(p *Progress) {
		*p = Progress{Plan: p.Plan, Of: p.Of, Paused: p.Paused, Past: p.Past, At: time.Now()}
	})
}
