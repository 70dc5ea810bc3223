package desk

import (
	"sync"

	"assay/internal/run/plan"
	"assay/internal/run/store"
)

// told is where plans stand and what nobody took yet: of each run the latest.
type told struct {
	mu     sync.Mutex
	latest map[string]plan.Progress // by id of the run
	wake   chan struct{}            // has one place
}

// Progress takes where the plan of a run stands; the snapshots of the run have it. It
// never blocks: of several that come at once the last one counts.
func (d *Desk) Progress(id string, p plan.Progress) {
	d.told.mu.Lock()
	d.told.latest[id] = p
	d.told.mu.Unlock()
	select {
	case d.told.wake <- struct{}{}:
	default:
	}
}

// progress hands on what was told; runs that have ended need it no more.
func (d *Desk) progress() {
	d.told.mu.Lock()
	latest := d.told.latest
	d.told.latest = map[string]plan.Progress{}
	d.told.mu.Unlock()
	for _, s := range d.seats {
		if p, ok := latest[s.place.Record().ID]; ok {
			s.run.Progress(p)
			s.keepStep(p)
		}
	}
}

// keepStep writes down how far a plan is, for a box that stops in the middle of it.
func (s *seat) keepStep(p plan.Progress) {
	step := p.Step
	if p.Ended {
		step = p.Of + 1
	}
	if r := s.place.Record(); step == 0 || r.Step == step && r.Of == p.Of {
		return
	}
	if err := s.place.Update(func(r *store.Record) { r.Step, r.Of = step, p.Of }); err != nil {
		s.run.Trouble(err.Error())
	}
}
