//go:build linux

package box

import (
	"context"

	"assay/internal/assess/event"
	"assay/internal/run/config"
	"assay/internal/run/plan"
)

// Next is what a run is about.
type Next struct {
	Run   config.Run
	Plan  string    // its name in reports
	Steps plan.Plan // with none the device is only watched
	// Consent and Reset as in Config.
	Consent event.ConsentNote
	Reset   string
}

// observed is how its device is watched: where there is a plan, its end is the end of
// the run.
func (n Next) observed() config.Run {
	if len(n.Steps.Steps) > 0 {
		n.Run.Observe = 0
	}
	return n.Run
}

// Next says what the runs that begin from now on are about, and lets a device whose run
// has ended begin a new one with its next frame.
func (b *Box) Next(ctx context.Context, n Next) error {
	b.planned.mu.Lock()
	b.planned.next = n
	b.planned.mu.Unlock()
	return b.desk.Next(ctx, n.observed(), n.Plan)
}
