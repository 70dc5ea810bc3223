package session

import (
	"fmt"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
	"assay/internal/assess/report"
	"assay/internal/run/plan"
)

// State is where a run stands.
type State string

// The states of a run, in order. Waiting is that of a box without a device. A run
// ends as Done or, when the device went away before its time was up, as Left.
const (
	Waiting    State = "waiting"
	Joined     State = "joined"     // a frame of the device was seen
	Observing  State = "observing"  // the device has an address and is at work
	Concluding State = "concluding" // the log is being closed and graded
	Done       State = "done"
	Left       State = "left"
)

// Ended says whether the state is a final one.
func (s State) Ended() bool { return s == Done || s == Left }

// Options say what a run is about and when it ends.
type Options struct {
	// Record is what the log's first note says; DUT must be set.
	Record  assess.RunNote
	Book    assess.Book
	Version string // of the program
	// Observe is how long the device is watched once it is at work; 0 means until
	// somebody ends the run.
	Observe time.Duration
	// Gone is how long the device may be silent before it counts as gone; 0 means
	// that silence never does.
	Gone time.Duration
	// Started is when the run began, as the log's first entry has it.
	Started time.Time
	// AsOf tells the digest and the size of the log as it stands.
	AsOf func() assess.AsOf
	// Publish takes each change, on the run's own goroutine; it must not block.
	Publish func(Snapshot)
	// Beat takes what happened since the last Tick, on the run's own goroutine; it must
	// not block. May be nil.
	Beat func(Beat)
}

// Snapshot is what can be told of a run at one moment.
type Snapshot struct {
	Record  assess.RunNote
	State   State
	Why     string    // how it came to this state, in words
	Since   time.Time // when the state began
	Started time.Time
	// Until is when the observation ends by itself; zero when nothing sets an end.
	Until time.Time
	// Trouble is what is wrong with the record, such as a full disk; "" while all
	// is well. The device keeps its network all the same.
	Trouble string
	// Plan is where the plan of the run stands; its zero value where there is none.
	Plan plan.Progress
	// Report is the latest one; provisional until the run has ended.
	Report report.Report
	// Graded says that there is a report.
	Graded bool
	// Used is what the device had used on the internet when the report was made,
	// conversations that go on included: what there is to look up.
	Used []fact.Used
}

// LogName is the name of the evidence file in reports.
const LogName = "evidence.pcapng"

// Run is one evaluation. One goroutine owns it.
type Run struct {
	opts     Options
	assessor *assess.Assessor
	snap     Snapshot
	spoke    time.Time // last activity of the device
	events   int       // of the device, when it was last looked at
	before   int       // events that were seen before an interruption
	pace     pace
	pulse    pulse
}

// New begins a run; the log's entries follow by Take.
func New(o Options) *Run {
	r := &Run{
		opts:  o,
		snap:  Snapshot{Record: o.Record, State: Joined, Why: "The device sent its first frame.", Since: o.Started, Started: o.Started},
		spoke: o.Started,
	}
	about := assess.About{File: LogName, Version: o.Version, Plan: "capture"}
	if o.Beat != nil {
		r.pulse.mac = hardware(o.Record.DUT)
		about.Seen = r.pulse.seen
	}
	r.assessor = assess.New(o.Book, about)
	r.publish()
	return r
}

// State is where the run stands.
func (r *Run) State() State { return r.snap.State }

// Snapshot is the run as it stands.
func (r *Run) Snapshot() Snapshot { return r.snap }

// Take adds the next entry of the run's log. After the end it does nothing.
func (r *Run) Take(e evidence.Entry) {
	if r.snap.State.Ended() {
		return
	}
	r.assessor.Add(e)
	r.pace.changed = true
	if r.opts.Beat != nil {
		r.pulse.crossed(e)
	}
}

// Again says that the run goes on after an interruption: what its log held until then was
// handed to Take. The device has to show that it is there before it counts as at work.
func (r *Run) Again(now time.Time) {
	if h, seen := r.device(); seen {
		r.events, r.before = h.Events, h.Events
	}
	r.spoke = now
	r.enter(Joined, "The box stopped in the middle of the run and began again.", now)
}

// Tick looks at the run at the given moment and returns true when it is time to
// conclude: the owner then closes the log and calls Conclude.
func (r *Run) Tick(now time.Time) (conclude bool) {
	if r.snap.State.Ended() || r.snap.State == Concluding {
		return false
	}
	r.look(now)
	r.tellBeat(now)
	if r.pace.due(now) {
		r.grade(now)
	}
	switch {
	case !r.snap.Until.IsZero() && !now.Before(r.snap.Until):
		r.enter(Concluding, "The time of observation is over.", now)
	case r.opts.Gone > 0 && now.Sub(r.spoke) >= r.opts.Gone:
		r.enter(Concluding, fmt.Sprintf("Nothing was heard of the device for %s.", r.opts.Gone), now)
	}
	return r.snap.State == Concluding
}

// End asks for the end of the run: by the operator, or because the box stops. The
// owner then closes the log and calls Conclude.
func (r *Run) End(why string, now time.Time) {
	if !r.snap.State.Ended() {
		r.enter(Concluding, why, now)
	}
}

// Trouble tells that something is wrong with the record of the run.
func (r *Run) Trouble(what string) {
	if r.snap.Trouble != what {
		r.snap.Trouble = what
		r.publish()
	}
}

// Progress tells where the plan of the run stands.
func (r *Run) Progress(p plan.Progress) {
	if !r.snap.State.Ended() {
		r.snap.Plan = p
		r.publish()
	}
}

// Conclude makes the final report; the log is complete and AsOf tells its digest.
// A device that was gone by then makes the run end as Left.
func (r *Run) Conclude(now time.Time) Snapshot {
	if r.snap.State.Ended() {
		return r.snap
	}
	r.assessor.Close()
	r.grade(now)
	end, why := Done, r.snap.Why
	if r.gone(now) {
		end = Left
	}
	r.enter(end, why, now)
	return r.snap
}

// gone says whether the device was away when the run ended.
func (r *Run) gone(now time.Time) bool {
	return r.opts.Gone > 0 && now.Sub(r.spoke) >= r.opts.Gone
}

// look follows what the device does.
func (r *Run) look(now time.Time) {
	h, seen := r.device()
	if !seen {
		return
	}
	if h.Events != r.events {
		r.events, r.spoke = h.Events, h.LastSeen
	}
	if r.snap.State != Joined || !atWork(h) || r.before > 0 && h.Events <= r.before {
		return
	}
	if r.opts.Observe > 0 {
		r.snap.Until = now.Add(r.opts.Observe)
	}
	r.enter(Observing, "The device has an address and began to work.", now)
}

// atWork says whether a device has an address and used it.
func atWork(h fact.Host) bool {
	return len(h.Addresses) > 0 && (h.Opens > 0 || h.AsksDNS > 0 || h.Serves > 0 || h.Midway > 0)
}

// Device is what was seen of the device so far; false while nothing was.
func (r *Run) Device() (fact.Host, bool) { return r.device() }

// Grade makes a report of what is known at this moment.
func (r *Run) Grade(now time.Time) Snapshot {
	if !r.snap.State.Ended() {
		r.grade(now)
	}
	return r.snap
}

func (r *Run) device() (fact.Host, bool) {
	return assess.Find(r.assessor.Hosts(), r.opts.Record.DUT)
}

func (r *Run) enter(s State, why string, now time.Time) {
	r.snap.State, r.snap.Why, r.snap.Since = s, why, now
	r.publish()
}

// grade makes a report of what is known.
func (r *Run) grade(now time.Time) {
	r.snap.Report, r.snap.Graded = r.assessor.Report(r.opts.AsOf()), true
	if h, known := r.device(); known {
		r.snap.Used = r.assessor.Used(h.ID)
	}
	r.pace.graded(now)
	r.publish()
}

func (r *Run) publish() {
	if r.opts.Publish != nil {
		r.opts.Publish(r.snap)
	}
}
