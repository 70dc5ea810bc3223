package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/run/journal"
	"assay/internal/run/store"
)

// Continue takes up a run that was cut off: its log goes on in the same file, and what
// it holds is assessed again. It must be called before Serve. Where it fails the run is
// as it was, but for a torn end of its log.
func (d *Desk) Continue(p store.Place) error {
	mac, err := net.ParseMAC(p.Record().MAC)
	if err != nil || len(mac) != 6 {
		return fmt.Errorf("cannot go on with run %s: it is about no device", p.Record().ID)
	}
	file, err := p.Again()
	if err != nil {
		return err
	}
	now := d.cfg.Now()
	s := &seat{mac: [6]byte(mac), place: p, before: d.cfg.Frames.Counts(), since: p.Record().Started, spoke: now, synced: now}
	var left loose
	s.run = d.begin(s, recordOf(p.Record()), p.Record().Started)
	s.log, err = journal.Continue(file, func(e evidence.Entry) {
		left.see(e)
		if e.Kind == evidence.KindPacket {
			s.frames++
		}
		s.take(e)
	})
	if err == nil && !left.run {
		err = errors.New("its log does not say whose it is")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot go on with run %s: %w", p.Record().ID, err), file.Close())
	}
	d.seats[s.mac] = s
	d.tie(s, left, now)
	return nil
}

// tie writes what the box could not when it stopped, and that it saw nothing meanwhile.
func (d *Desk) tie(s *seat, left loose, now time.Time) {
	s.log.Forgone(now)
	for _, n := range left.ends() {
		s.log.Note(now, n)
	}
	s.run.Again(now)
	s.sync(now.Add(syncEvery))
}

// loose is what a log that was cut off leaves open.
type loose struct {
	run  bool // it says whose it is
	step event.StepNote
	arm  event.ArmNote
}

// see takes the next entry.
func (l *loose) see(e evidence.Entry) {
	if e.Kind != evidence.KindNote {
		return
	}
	switch e.Note.Kind {
	case assess.NoteRun:
		l.run = true
	case event.NoteStep:
		l.step = event.StepNote{}
		_ = json.Unmarshal(e.Note.Body, &l.step) // one that cannot be read is no step
	case event.NoteArm:
		l.arm = event.ArmNote{}
		_ = json.Unmarshal(e.Note.Body, &l.arm)
	}
}

// stopped is why what was open has ended.
const stopped = "the box stopped in the middle"

// ends are the notes that close what is open, the inner one first.
func (l *loose) ends() (out []evidence.Note) {
	if l.arm.Phase == event.Begun {
		a := l.arm
		a.Phase, a.Why = event.Aborted, stopped
		if n, err := note(event.NoteArm, a); err == nil {
			out = append(out, n)
		}
	}
	if l.step.Phase == event.Begun {
		s := l.step
		s.Phase, s.Why, s.Fresh, s.Seed = event.Aborted, stopped, "", 0
		if n, err := note(event.NoteStep, s); err == nil {
			out = append(out, n)
		}
	}
	return out
}
