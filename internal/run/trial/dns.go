package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/gateway/resolver/fault"
	"assay/internal/run/plan"
)

// Conductor makes the faults of the device's DNS; *fault.Conductor is one.
type Conductor interface {
	Plan(ctx context.Context, w fault.Wish) ([]fault.Round, []fault.Skip)
	Begin(r fault.Round) error
	Asked() <-chan struct{}
	End(why string) fault.Outcome
	Finish()
}

// DNS is the experiments with faulty answers.
type DNS struct {
	Conductor Conductor
	// Redirect leads what the device asks of other resolvers to the box's, or no
	// longer: a fault must be there on each path the device takes.
	Redirect func(ctx context.Context, on bool) error
}

// Patience with a device that does not ask for the attacked name.
const (
	askPatience = 30 * time.Second
	unaskedMost = 3 // rounds in a row
)

// Run does the rounds of the step.
func (e DNS) Run(ctx context.Context, d Device, s plan.Step, t plan.Turn) (err error) {
	if err := e.Redirect(ctx, true); err != nil {
		return fmt.Errorf("cannot lead its questions to the box: %w", err)
	}
	defer func() {
		e.Conductor.Finish()
		err = errors.Join(err, e.Redirect(context.WithoutCancel(ctx), false))
	}()
	rounds, skips := e.Conductor.Plan(ctx, fault.Wish{Experiment: s.Experiment, Arms: s.Arms, Pairs: s.Pairs, Names: s.Names, Seed: t.Seed})
	if len(rounds) == 0 {
		return nothingToAttack(skips)
	}
	unasked := 0
	for i, r := range rounds {
		if err := t.Gate(ctx); err != nil {
			return err
		}
		t.Tell(i, len(rounds), fmt.Sprintf("%s: an answer for %s (%s)", s.Words(), r.Name, r.Arm))
		asked, err := e.round(ctx, d, r, s.Window, t)
		if err != nil {
			return err
		}
		if unasked++; asked {
			unasked = 0
		}
		if unasked >= unaskedMost {
			return fmt.Errorf("the device did not ask for the name in %d rounds in a row", unasked)
		}
	}
	return nil
}

// nothingToAttack says why no round can be done.
func nothingToAttack(skips []fault.Skip) error {
	var why []string
	for _, s := range skips {
		if !slices.Contains(why, s.Why) {
			why = append(why, s.Why)
		}
	}
	if len(why) == 0 {
		return fmt.Errorf("%w: the device asked for no name that an answer could be changed for", plan.ErrImpossible)
	}
	return fmt.Errorf("%w: %s", plan.ErrImpossible, strings.Join(why, "; "))
}

// round does one round: the fault stands before the device starts afresh, and until
// it had time to react.
func (e DNS) round(ctx context.Context, d Device, r fault.Round, window time.Duration, t plan.Turn) (asked bool, err error) {
	if err := e.Conductor.Begin(r); err != nil {
		return false, err
	}
	asked, err = e.live(ctx, d, window, t)
	switch {
	case err != nil:
		e.Conductor.End(why(err))
	case !asked:
		e.Conductor.End("the device did not ask for the name")
	default:
		e.Conductor.End("")
	}
	return asked, err
}

func why(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run ended"
	}
	return err.Error()
}

func (e DNS) live(ctx context.Context, d Device, window time.Duration, t plan.Turn) (asked bool, err error) {
	if err := t.Fresh(ctx); err != nil {
		return false, fmt.Errorf("the device could not be made to start afresh: %w", err)
	}
	select {
	case <-e.Conductor.Asked():
	case <-time.After(askPatience):
		return false, nil
	case <-d.Resting():
		// It may have asked just before it ended.
		return isClosed(e.Conductor.Asked()), context.Cause(ctx)
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	select {
	case <-time.After(window):
	case <-d.Resting():
	case <-ctx.Done():
		return true, context.Cause(ctx)
	}
	return true, nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
