package trial

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/run/plan"
)

// Seen is what is known of the device at one moment.
type Seen struct {
	Addresses []netip.Addr // its own, in order
	Events    int          // everything that was seen of it
	Opens     int          // conversations that it began
}

// Device is the device under test, as an experiment deals with it.
type Device interface {
	// Seen is what was seen of it so far.
	Seen(ctx context.Context) (Seen, error)
	// Power switches it off and on again, and returns how: "relay", "link",
	// "operator", or "none" where nobody and nothing can. It returns when the device
	// is on. Where a person has to do it, ask is given the words, and "" when it is
	// done or given up.
	Power(ctx context.Context, ask func(words string)) (how string, err error)
	// Resting is closed when the device will do nothing more until it is switched
	// on again; nil when nobody can know.
	Resting() <-chan struct{}
}

// Config is what a Stage is made of.
type Config struct {
	Device Device
	// Offer gives the device another network.
	Offer func(ctx context.Context, network string) error
	// Plugged is when the device was plugged in: the first fresh start needs nobody
	// when that was just now.
	Plugged time.Time
	// Experiments carries out each experiment but the mere watching, by its name in
	// the plan. One that is missing cannot be done on this box.
	Experiments map[string]Experiment
}

// Experiment carries one experiment out. It returns when there is nothing more to
// come, or with the cause of ctx.
type Experiment interface {
	Run(ctx context.Context, d Device, s plan.Step, t plan.Turn) error
}

// Stage is what a plan's runner acts on.
type Stage struct {
	cfg   Config
	fresh bool // the device was just plugged in and nothing was done with it
}

// New makes a stage.
func New(cfg Config) *Stage { return &Stage{cfg: cfg, fresh: true} }

// Offer gives the device another network.
func (s *Stage) Offer(ctx context.Context, network string) error { return s.cfg.Offer(ctx, network) }

// justNow is how long after it was plugged in a device counts as freshly started.
const justNow = 15 * time.Second

// Fresh makes the device start afresh.
func (s *Stage) Fresh(ctx context.Context, ask func(words string)) (how string, err error) {
	first := s.fresh
	s.fresh = false
	if first && time.Since(s.cfg.Plugged) < justNow {
		return "plugged", nil
	}
	return s.cfg.Device.Power(ctx, ask)
}

// Do carries an experiment out.
func (s *Stage) Do(ctx context.Context, step plan.Step, t plan.Turn) error {
	s.fresh = false
	if step.Experiment == plan.Observe {
		return observe(ctx, s.cfg.Device, step)
	}
	e := s.cfg.Experiments[step.Experiment]
	if e == nil {
		return fmt.Errorf("%w: the experiment %s is not built into this box", plan.ErrImpossible, step.Experiment)
	}
	return e.Run(ctx, s.cfg.Device, step, t)
}

// lookEvery is how often the device is looked at.
const lookEvery = 250 * time.Millisecond

// observe watches the device until its time is over or, where the plan says so, until
// nothing new happens.
func observe(ctx context.Context, d Device, s plan.Step) error {
	if !s.Settled {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return settle(ctx, d, s.Window, true)
}

// settle waits until the device has begun no conversation for the given time, or
// rests. A device that has begun none so far is waited for when patient, for it may
// take its time to start.
func settle(ctx context.Context, d Device, quiet time.Duration, patient bool) error {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	before, err := d.Seen(ctx)
	now, since := before, time.Now()
	for err == nil && (time.Since(since) < quiet || patient && now.Opens == before.Opens) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-d.Resting():
			return nil
		case <-ticks.C:
		}
		var next Seen
		if next, err = d.Seen(ctx); next.Opens != now.Opens {
			now, since = next, time.Now()
		}
	}
	return err
}
