// Package panel is what people see of a box: the words in which the runs, the box and
// the orders that may be given are told to whatever shows them.
//
// It owns these words alone, as plain values. It must not know where they come from
// (package run/show fills them in) nor how they are shown (packages page, light and
// term below it).
package panel

import (
	"context"
	"errors"
	"io"
	"time"

	"assay/internal/assess/report"
)

// Live is what there is to see at one moment.
type Live struct {
	// Runs are those that go on, then the latest that ended, the latest begun first.
	Runs []Run
	// Told is what the next run begins with.
	Told Details
}

// Run is one evaluation.
type Run struct {
	ID      string
	Device  string // MAC address, "" while there is none
	Details Details
	State   string // waiting, joined, observing, concluding, done, left or interrupted
	Why     string // how it came to this state
	Trouble string // what is wrong with the record; "" while all is well
	Started time.Time
	Since   time.Time // when the state began
	Until   time.Time // when it ends by itself; zero when nothing sets an end
	Step    Step
	Report  report.Report
	Graded  bool     // there is a report
	Did     []Moment // oldest first
	Traffic []Second // oldest first
}

// Ended says whether the run is over.
func (r Run) Ended() bool {
	return r.State == "done" || r.State == "left" || r.State == "interrupted"
}

// Step is where a plan stands.
type Step struct {
	Number, Of int // from 1; Of is 0 where there is no plan
	Network    string
	Experiment string
	Words      string // what is done at this moment
	Done, All  int    // rounds; All is 0 while nobody can know
	Left       time.Duration
	Paused     bool
	// Ask is what the operator has to do before it goes on; "" when nothing.
	Ask string
}

// Moment is one thing that the device did, or that was done to it.
type Moment struct {
	At    time.Time
	Frame uint64
	Kind  string // key of the words, as in "did.dns"
	About string // a name or an address; from the wire, cleaned
	Times int    // how often in a row
}

// Second is what crossed the cable in one second, in bytes.
type Second struct {
	At             int64 // Unix time
	Sent, Received uint64
}

// Lit is a lamp of the board.
type Lit struct {
	Name    string // DNSSEC, TLS, IPv6, Credentials or Run
	Pattern string // name of its pattern
	Words   string
}

// Details are what the operator says of a device and of its run.
type Details struct {
	Operator, Label, Serial, Firmware string
	Profile, Plan                     string
	// Tester and Owner agreed to passwords being tried; both or neither.
	Tester, Owner, Model string
	// Reset says how the device is put back to its factory state.
	Reset string
}

// Kept is a run on the disk.
type Kept struct {
	ID, State, Why  string
	Device          string
	Details         Details
	Started, Ended  time.Time
	Verdict         string
	Lamps           []report.Lamp
	Keep            bool // retention leaves it alone
	Bytes           int64
	Graded, Current bool // Current: it goes on
}

// Choice is a plan or a profile that can be chosen.
type Choice struct{ ID, Title string }

// Check is one look at the health of the box.
type Check struct{ Title, State, Says, Do string }

// About is what the box says of itself.
type About struct {
	Version, Rules  string // Rules is the digest of the rule files
	LAN, WAN        string // ports
	Addresses       []string
	Plans, Profiles []Choice
	Checks          []Check
	Demo            bool   // the devices are virtual
	Board           string // whose lamps are lit; "" where there is none
}

// The orders that a person may give.
const (
	OrderStart  = "start"  // the next device is begun with Details
	OrderEnd    = "end"    // of the run
	OrderPause  = "pause"  // of its plan
	OrderResume = "resume" // of its plan
	OrderSkip   = "skip"   // the present step
	OrderAbort  = "abort"  // the plan
	OrderLabel  = "label"  // Label, Serial and Firmware of a kept run
	OrderKeep   = "keep"   // retention leaves the run alone
	OrderUnkeep = "unkeep" // and no longer does
	OrderDelete = "delete" // the run and its evidence
	OrderState  = "state"  // a statement of the operator
	OrderLamps  = "lamps"  // each lamp of the board is lit in turn
)

// Order is one of them.
type Order struct {
	Kind       string
	Run        string // id
	Details    Details
	Key, Value string // of a statement
}

// Errors that an Order or a question may wrap.
var (
	ErrUnknown    = errors.New("there is no such run")
	ErrImpossible = errors.New("it cannot be done here")
)

// File is one file of a run.
type File interface {
	io.ReadSeekCloser
}

// Source is where all this comes from. Its methods may be called by many at a time.
type Source interface {
	// Live is what there is to see now; it must be cheap.
	Live() Live
	// Changed is closed at the next change of Live.
	Changed() <-chan struct{}
	// Runs lists the kept runs, the latest first.
	Runs(ctx context.Context) ([]Kept, error)
	// Report is that of a run, kept or going on.
	Report(ctx context.Context, id string) (report.Report, error)
	// Open opens a file of a kept run: "evidence.pcapng", "report.json" or "report.html".
	Open(ctx context.Context, id, name string) (f File, changed time.Time, err error)
	// Order carries an order out.
	Order(ctx context.Context, o Order) error
	// About is what the box says of itself; looking may take seconds.
	About(ctx context.Context) About
}
