package show

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
	"assay/internal/run/store"
)

// summary is what the list of runs tells of a report.
type summary struct {
	changed time.Time
	lamps   []report.Lamp
}

// Runs lists the kept runs, the latest first.
func (s *Show) Runs(ctx context.Context) (list []panel.Kept, err error) {
	kept := s.kept()
	if kept == nil {
		return nil, nil
	}
	places, err := kept.List()
	for _, p := range places {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		list = append(list, s.kept1(p))
	}
	return list, err
}

func (s *Show) kept1(p store.Place) panel.Kept {
	r := p.Record()
	k := panel.Kept{
		ID: r.ID, State: string(r.State), Why: r.Why, Device: r.MAC, Started: r.Started, Ended: r.Ended, Verdict: r.Verdict, Keep: r.Kept,
		Details: panel.Details{Operator: clean(r.Operator), Label: clean(r.Label), Serial: clean(r.Serial), Firmware: clean(r.Firmware), Plan: r.Plan, Profile: r.Profile},
		Bytes:   p.Size(), Current: r.State == store.Running,
	}
	k.Lamps, k.Graded = s.lampsOf(p)
	s.overtake(&k)
	return k
}

// overtake lets a run that has just ended be told as ended, though the disk does not
// say so yet.
func (s *Show) overtake(k *panel.Kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[k.ID]
	if r == nil || !k.Current || !r.Ended() || !r.Graded {
		return
	}
	k.State, k.Why, k.Current = r.State, r.Why, false
	k.Verdict, k.Lamps, k.Graded = r.Report.Overall.Verdict, r.Report.Lamps, true
}

// lampsOf reads the lamps of a kept report, once for each version of it.
func (s *Show) lampsOf(p store.Place) (lamps []report.Lamp, graded bool) {
	info, err := os.Stat(p.Path(store.JSONFile))
	if err != nil {
		return nil, false
	}
	id := p.Record().ID
	s.mu.Lock()
	known, ok := s.graded[id]
	s.mu.Unlock()
	if ok && known.changed.Equal(info.ModTime()) {
		return known.lamps, true
	}
	rep, err := readReport(p)
	if err != nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.graded[id] = summary{changed: info.ModTime(), lamps: rep.Lamps}
	return rep.Lamps, true
}

func readReport(p store.Place) (rep report.Report, err error) {
	text, err := os.ReadFile(p.Path(store.JSONFile))
	if err != nil {
		return rep, fmt.Errorf("cannot read the report of run %s: %w", p.Record().ID, err)
	}
	if err := json.Unmarshal(text, &rep); err != nil {
		return rep, fmt.Errorf("cannot read the report of run %s: %w; 'assay grade' makes it anew from the evidence", p.Record().ID, err)
	}
	return rep, nil
}

// Report is that of a run: the latest of one that goes on, else the kept one.
func (s *Show) Report(_ context.Context, id string) (report.Report, error) {
	s.mu.Lock()
	r, known := s.runs[id]
	var live report.Report
	if known {
		live = r.Report
	}
	ended := known && r.Ended()
	s.mu.Unlock()
	if known && !ended {
		return live, nil
	}
	place, err := s.place(id)
	if err != nil {
		return live, err
	}
	rep, err := readReport(place)
	if errors.Is(err, os.ErrNotExist) {
		return live, nil
	}
	return rep, err
}

// place finds a kept run.
func (s *Show) place(id string) (store.Place, error) {
	kept := s.kept()
	if kept == nil {
		return store.Place{}, panel.ErrUnknown
	}
	p, err := kept.Get(id)
	if err != nil {
		return p, fmt.Errorf("%w: %w", panel.ErrUnknown, err)
	}
	return p, nil
}

// Open opens a file of a kept run.
func (s *Show) Open(_ context.Context, id, name string) (panel.File, time.Time, error) {
	p, err := s.place(id)
	if err != nil {
		return nil, time.Time{}, err
	}
	f, err := os.Open(p.Path(name))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: it has no %s yet", panel.ErrUnknown, name)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, errors.Join(err, f.Close())
	}
	return f, info.ModTime(), nil
}
