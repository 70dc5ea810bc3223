package desk

import (
	"errors"
	"fmt"
	"net"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/gateway/capture"
	"assay/internal/run/journal"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// seat is one device with its run.
type seat struct {
	mac    [6]byte
	run    *session.Run
	log    *journal.Log
	place  store.Place
	before capture.Counts // of the capture when the log began
	frames int            // from the device
	since  time.Time      // when it got the seat, by the first frame in the log
	spoke  time.Time      // last frame from the device
	missed uint64         // frames that were heard in the hall and found no room
	talk   talk           // whether it and the box answer each other
	starts starts
	synced time.Time
	ending time.Time // when the run was first seen to have ended
}

// syncEvery is how much of a log a power cut may take.
const syncEvery = 5 * time.Second

func (s *seat) frame(f capture.Frame) { s.log.Packet(f.At, f.Length, f.Data) }

// sync brings the log to the disk; where that fails the run goes on and says so.
func (s *seat) sync(now time.Time) {
	keep := s.log.Flush
	if now.Sub(s.synced) >= syncEvery {
		s.synced, keep = now, s.log.Sync
	}
	if err := errors.Join(keep(), s.log.Err()); err != nil {
		s.run.Trouble(err.Error())
	}
}

// finished are the devices whose run has ended and that are still there, with the
// time they were last heard.
type finished map[[6]byte]time.Time

// finishedLimit bounds a table that a device with forged addresses could fill.
const finishedLimit = 256

// seat gives a device a seat while one is free; nil when it gets none. Its log begins
// with what was heard of it in the hall.
func (d *Desk) seat(mac [6]byte, at time.Time) *seat {
	if len(d.seats) >= max(1, d.cfg.Run.Devices) {
		return nil
	}
	v := d.hall[mac]
	delete(d.hall, mac)
	if v != nil && len(v.frames) > 0 {
		at = v.frames[0].At
	}
	s, err := d.open(mac, at)
	if err != nil {
		d.tell(session.Snapshot{State: session.Waiting, Record: assess.RunNote{DUT: macText(mac)}, Trouble: err.Error(), Since: at})
		d.finished.add(mac, at) // and not once for each frame
		return nil
	}
	d.seats[mac] = s
	s.remember(v)
	return s
}

// welcome says whether a device that has no run may get one.
func (d *Desk) welcome(mac [6]byte, at time.Time) bool {
	if mac[0]&1 != 0 || mac == [6]byte{} || mac == d.box {
		return false
	}
	if heard, ok := d.finished[mac]; ok {
		d.finished[mac] = at
		if d.cfg.Run.Gone == 0 || at.Sub(heard) < d.cfg.Run.Gone {
			return false
		}
		delete(d.finished, mac)
	}
	return d.expected(mac)
}

func (d *Desk) expected(mac [6]byte) bool {
	for _, m := range d.cfg.Devices {
		if m == mac {
			return true
		}
	}
	return len(d.cfg.Devices) == 0
}

func (f finished) add(mac [6]byte, at time.Time) {
	if len(f) >= finishedLimit {
		clear(f)
	}
	f[mac] = at
}

// open begins a run: its folder, its log, and the log's first entries.
func (d *Desk) open(mac [6]byte, at time.Time) (*seat, error) {
	r := d.cfg.Run
	place, err := d.cfg.Store.New(store.Record{
		MAC: macText(mac), Plan: d.cfg.Plan, Profile: r.Profile, Started: at.UTC(),
		Operator: r.Operator, Label: r.Label, Firmware: r.Firmware, Serial: r.Serial,
	})
	if err != nil {
		return nil, err
	}
	file, err := place.Evidence()
	if err != nil {
		return nil, errors.Join(err, place.Delete())
	}
	s := &seat{mac: mac, place: place, before: d.cfg.Frames.Counts(), since: at, spoke: at, synced: at}
	if s.log, err = journal.New(file, "assay "+d.cfg.Version, d.cfg.Interface, s.take); err != nil {
		return nil, errors.Join(err, file.Close(), place.Delete())
	}
	record := recordOf(place.Record())
	s.run = d.begin(s, record, at)
	d.head(s, record, at)
	s.sync(at.Add(syncEvery)) // so that whatever happens, the log tells whose it is
	return s, nil
}

// recordOf is what a log says of its run.
func recordOf(r store.Record) assess.RunNote {
	return assess.RunNote{
		ID: r.ID, Plan: r.Plan, Profile: r.Profile, DUT: r.MAC,
		Operator: r.Operator, Label: r.Label, Firmware: r.Firmware, Serial: r.Serial,
	}
}

// begin makes the evaluation of a seat.
func (d *Desk) begin(s *seat, record assess.RunNote, at time.Time) *session.Run {
	return session.New(session.Options{
		Record: record, Book: d.cfg.Book, Version: d.cfg.Version, Observe: d.cfg.Run.Observe, Gone: d.cfg.Run.Gone,
		Started: at, AsOf: func() assess.AsOf { return s.log.AsOf() }, Publish: d.tell, Beat: d.cfg.Beat,
	})
}

// take hands an entry of the log to the run.
func (s *seat) take(e evidence.Entry) {
	if s.run != nil {
		s.run.Take(e)
	}
}

// head writes what a log begins with: the record of the run and what still holds.
func (d *Desk) head(s *seat, record assess.RunNote, at time.Time) {
	if n, err := note(assess.NoteRun, record); err == nil {
		s.log.Note(at, n)
	}
	for _, kind := range lasting {
		if n, ok := d.standing[kind]; ok {
			s.log.Note(at, n)
		}
	}
}

func (d *Desk) tell(s session.Snapshot) {
	if d.cfg.Publish != nil {
		d.cfg.Publish(s)
	}
}

// A visitor that said next to nothing and went is no run: a folder for each forged
// address would fill the disk.
const (
	strayFrames  = 8
	straySilence = time.Minute
)

// stray frees the seat of a visitor.
func (d *Desk) stray(s *seat, now time.Time) bool {
	if s.run.State() != session.Joined || s.frames > strayFrames || now.Sub(s.spoke) < straySilence {
		return false
	}
	d.forget(s, "It said next to nothing and went away.", now)
	return true
}

// isDone says that what was noted before the run's end has had the time to get its place:
// an experiment ends the run right after its last note.
func (s *seat) isDone(now time.Time) bool {
	if s.ending.IsZero() {
		s.ending = now
	}
	return now.Sub(s.ending) > noteDelay
}

// conclude ends a run: the log is closed, graded for the last time and kept.
func (d *Desk) conclude(s *seat, now time.Time) error {
	d.progress() // the last of it may have come at the same moment
	delete(d.seats, s.mac)
	d.finished.add(s.mac, s.spoke)
	failed := s.log.Close()
	if failed != nil {
		s.run.Trouble(failed.Error())
	}
	end := s.run.Conclude(now)
	state := store.Done
	if end.State == session.Left {
		state = store.Left
	}
	failed = errors.Join(failed, Save(s.place, end.Report), s.place.Update(func(r *store.Record) {
		r.State, r.Why, r.Ended, r.Verdict = state, end.Why, now.UTC(), end.Report.Overall.Verdict
	}))
	_, pruned := d.cfg.Store.Prune()
	return errors.Join(failed, pruned)
}

// Save keeps the renderings of a report in the folder of its run.
func Save(p store.Place, r report.Report) error {
	asJSON, jsonErr := report.JSON(r)
	asPage, pageErr := report.HTML(r)
	if err := errors.Join(jsonErr, pageErr); err != nil {
		return fmt.Errorf("cannot render the report of run %s: %w", p.Record().ID, err)
	}
	return p.Save(asJSON, asPage)
}

func macText(m [6]byte) string { return net.HardwareAddr(m[:]).String() }
