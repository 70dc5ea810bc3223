package plan

import (
	"context"
	"slices"
	"time"

	"assay/internal/assess/event"
)

// Progress is where a runner stands, as plain values: whoever shows it needs nothing
// else.
type Progress struct {
	Plan       string // id; "" where there is no plan
	Step, Of   int    // from 1; Step is 0 before the first
	Network    string
	Experiment string
	Words      string // what is done at this moment
	Done, All  int    // rounds of the step; All is 0 while nobody can know
	Paused     bool
	Ended      bool
	// Left is the longest that the rest could take at the time At. It stands still while
	// the plan is paused or something is asked of the operator.
	Left time.Duration
	At   time.Time
	// Ask is what the operator has to do before the plan goes on, as a sentence, and
	// Asked is since when; "" while nothing is asked.
	Ask   string
	Asked time.Time
	// Past are the steps that are over, in their order.
	Past []Past
}

// Past is a step that is over.
type Past struct {
	Step       int
	Network    string
	Experiment string
	Phase      event.Phase // Ended, Skipped or Aborted
	Why        string      // it was skipped or aborted
}

// Running is the longest that the rest can take at the given moment.
func (p Progress) Running(now time.Time) time.Duration {
	if p.Paused || p.Ended || p.Ask != "" {
		return p.Left
	}
	return max(0, p.Left-now.Sub(p.At))
}

// passed adds a step that is over. The list is made anew: others hold the old one.
func (r *Runner) passed(p Past) {
	r.change(func(now *Progress) { now.Past = append(slices.Clip(now.Past), p) })
}

// fresh makes the device start afresh. The time that a person takes for it is not the
// step's.
func (r *Runner) fresh(ctx context.Context, clock *budget) (how string, err error) {
	asking := false
	defer func() {
		if asking {
			clock.run()
		}
	}()
	return r.cfg.Stage.Fresh(ctx, func(words string) {
		if asking = words != ""; asking {
			clock.stand()
		} else {
			clock.run()
		}
		r.change(func(p *Progress) {
			p.Ask, p.Asked = words, time.Time{}
			if asking {
				p.Asked = time.Now()
			}
		})
	})
}

// keepTime says which budget the present step has.
func (r *Runner) keepTime(clock *budget) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock = clock
}

// change changes the progress and publishes it.
func (r *Runner) change(do func(*Progress)) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	do(&r.progress)
	r.progress.Left, r.progress.At = r.left(), time.Now()
	p := r.progress
	r.mu.Unlock()
	if r.cfg.Publish != nil {
		r.cfg.Publish(p)
	}
}

// left is the longest that the rest can take now; the lock is held.
func (r *Runner) left() (sum time.Duration) {
	at := max(r.progress.Step, r.cfg.From, 1)
	if r.progress.Ended || at > len(r.steps) {
		return 0
	}
	sum = r.steps[at-1].AtMost
	if r.clock != nil {
		sum = r.clock.rest()
	}
	for _, s := range r.steps[at:] {
		sum += s.AtMost
	}
	return sum
}
