package show

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"assay/internal/assess/event"
	"assay/internal/panel"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// The most that is remembered for the live views.
const (
	runsMost    = 12
	momentsMost = 120
	secondsMost = 180
	namesMost   = 512 // conversations whose far end has a name
	textMost    = 160 // characters of a name
)

// Controls carry orders out. A method may return an error that wraps
// panel.ErrImpossible or panel.ErrUnknown.
type Controls interface {
	// Next says what the next run begins with, and lets a device that is there begin
	// one.
	Next(ctx context.Context, d panel.Details) error
	End(ctx context.Context, run, why string) error
	// Plan does one of panel.OrderPause, OrderResume, OrderSkip and OrderAbort.
	Plan(run, do string) error
	State(ctx context.Context, key, value string) error
	Lamps(ctx context.Context) error
}

// Config is what a Show is made of.
type Config struct {
	Store *store.Store
	Told  panel.Details // what the first run begins with
	// About is what the box says of itself. May be nil.
	About func(ctx context.Context) panel.About
	Now   func() time.Time // time.Now when nil
}

// Show is a panel.Source.
type Show struct {
	cfg      Config
	mu       sync.Mutex
	controls Controls
	told     panel.Details
	runs     map[string]*run
	changed  chan struct{}
	graded   map[string]summary // of reports on the disk
}

// run is what is remembered of one run.
type run struct {
	panel.Run
	names map[event.FlowID]string
	mac   event.HostID
	plan  plan.Progress
}

// New makes a show; orders are refused until Use.
func New(cfg Config) *Show {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Show{cfg: cfg, told: cfg.Told, runs: map[string]*run{}, changed: make(chan struct{}), graded: map[string]summary{}}
}

// Use takes who carries orders out.
func (s *Show) Use(c Controls) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls = c
}

// Keep takes where runs are kept.
func (s *Show) Keep(kept *store.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Store = kept
}

func (s *Show) kept() *store.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Store
}

// tell wakes those who wait for a change; the lock is held.
func (s *Show) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Changed is closed at the next change.
func (s *Show) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Live is what there is to see now.
func (s *Show) Live() panel.Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := panel.Live{Told: s.told}
	for _, r := range s.runs {
		v := r.Run
		v.Step = stepOf(r.plan, s.cfg.Now())
		v.Did, v.Traffic = slices.Clone(r.Did), slices.Clone(r.Traffic)
		out.Runs = append(out.Runs, v)
	}
	slices.SortFunc(out.Runs, latestFirst)
	return out
}

// stepOf is where a plan stands at a moment.
func stepOf(p plan.Progress, now time.Time) panel.Step {
	left := p.Left
	if !p.Paused && p.Ask == "" && !p.At.IsZero() {
		left = max(0, left-now.Sub(p.At))
	}
	return panel.Step{
		Number: p.Step, Of: p.Of, Network: p.Network, Experiment: p.Experiment, Words: clean(p.Words),
		Done: p.Done, All: p.All, Left: left, Paused: p.Paused, Ask: p.Ask,
	}
}

// latestFirst puts runs that go on before those that ended.
func latestFirst(a, b panel.Run) int {
	over := func(r panel.Run) int {
		if r.Ended() {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(over(a), over(b)), b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID))
}

// Run takes a change of a run.
func (s *Show) Run(snap session.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.of(snap.Record.ID)
	rec := snap.Record
	r.Device, r.mac = rec.DUT, hostOf(rec.DUT)
	r.Details.Label, r.Details.Serial = clean(rec.Label), clean(rec.Serial)
	r.Details.Firmware, r.Details.Operator = clean(rec.Firmware), clean(rec.Operator)
	r.Details.Plan, r.Details.Profile = rec.Plan, rec.Profile
	r.State, r.Why, r.Trouble = string(snap.State), snap.Why, clean(snap.Trouble)
	r.Started, r.Since, r.Until = snap.Started, snap.Since, snap.Until
	r.Report, r.Graded = snap.Report, snap.Graded
	r.plan = snap.Plan
	if len(r.Did) == 0 {
		r.Did = []panel.Moment{{At: snap.Started, Kind: "joined", Times: 1}}
	}
	s.tell()
}

// of is what is remembered of a run; the lock is held. Of runs that ended the earliest
// are forgotten.
func (s *Show) of(id string) *run {
	if r := s.runs[id]; r != nil {
		return r
	}
	for len(s.runs) >= runsMost {
		var oldest *run
		for _, r := range s.runs {
			if oldest == nil || latestFirst(r.Run, oldest.Run) > 0 {
				oldest = r
			}
		}
		delete(s.runs, oldest.ID)
	}
	r := &run{Run: panel.Run{ID: id}, names: map[event.FlowID]string{}}
	s.runs[id] = r
	return r
}

// clean makes a text of the wire, or of whoever made the device, one line that cannot
// do anything.
func clean(text string) string {
	runes := []rune(event.Clean(text))
	if len(runes) > textMost {
		return string(runes[:textMost]) + "…"
	}
	return string(runes)
}
