package plan

import "context"

// Progress is where the runner stands.
func (r *Runner) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// Pause lets the round that is being done come to its end and begins no other.
func (r *Runner) Pause() {
	r.mu.Lock()
	if !r.progress.Paused {
		r.open = make(chan struct{})
	}
	r.mu.Unlock()
	r.change(func(p *Progress) { p.Paused = true })
}

// Resume goes on.
func (r *Runner) Resume() {
	r.mu.Lock()
	if r.progress.Paused {
		close(r.open)
	}
	r.mu.Unlock()
	r.change(func(p *Progress) { p.Paused = false })
}

// Skip ends the present step; the plan goes on with the next.
func (r *Runner) Skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.skip != nil {
		r.skip(errSkipped)
	}
}

// Abort ends the plan.
func (r *Runner) Abort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.aborted = true
	if r.abort != nil {
		r.abort(errAborted)
	}
}

// Aborted says whether Abort ended the plan.
func (r *Runner) Aborted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.aborted
}

// gate waits while the run is paused.
func (r *Runner) gate(ctx context.Context) error {
	for {
		r.mu.Lock()
		open := r.open
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-open:
		}
		r.mu.Lock()
		same := r.open == open
		r.mu.Unlock()
		if same { // else it was paused again meanwhile
			return context.Cause(ctx)
		}
	}
}

func (r *Runner) tell(done, of int, words string) {
	r.change(func(p *Progress) { p.Done, p.All, p.Words = done, of, words })
}

// gateOf is the gate of a step: its time stands still while the run is paused.
func (r *Runner) gateOf(clock *budget) func(context.Context) error {
	return func(ctx context.Context) error {
		clock.stand()
		defer clock.run()
		return r.gate(ctx)
	}
}
