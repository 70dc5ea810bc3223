// Package desk sits between the LAN port and the runs: it takes the captured
// frames and the notes of the box's services, puts them into one order, and gives
// each device a run with a log of its own.
//
// One goroutine does all of it, so that what is recorded and what is graded cannot
// fall apart; the ring of the capture is the only queue, and what finds no room
// there is counted and recorded as lost. It owns which device gets a run and when
// a run ends. It must not know how services work or what a report says.
package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
	"assay/internal/gateway/capture"
	"assay/internal/run/config"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// Frames is the capture of the LAN port; *capture.Capture is one.
type Frames interface {
	Next(ctx context.Context) (capture.Batch, error)
	Release()
	Counts() capture.Counts
	// Address is the MAC address of the port.
	Address() [6]byte
}

// Config is what a Desk needs.
type Config struct {
	Interface string // name of the LAN port, for the log
	Frames    Frames
	Store     *store.Store
	Book      assess.Book
	Version   string // of the program
	Plan      string // name of the plan in reports
	Run       config.Run
	// Publish takes every change of every run; it must not block. May be nil.
	Publish func(session.Snapshot)
	// Beat takes what happened since it was last called; it must not block. May be nil.
	Beat func(session.Beat)
	// Devices, when not empty, are the only ones that get a run.
	Devices [][6]byte
	Now     func() time.Time // time.Now when nil
	// Every is how often the runs are looked at; half a second when zero.
	Every time.Duration
}

// noteQueue bounds the notes that wait for their place in the log.
const noteQueue = 1024

// Desk gives devices their runs.
type Desk struct {
	cfg    Config
	box    [6]byte
	notes  chan stamped
	orders chan order
	closed chan struct{} // closed when Serve has returned
	// lost counts notes that found no room.
	lostMu sync.Mutex
	lost   int
	told   told

	// What follows belongs to the goroutine of Serve.
	waiting  []stamped
	standing standing
	seats    map[[6]byte]*seat
	finished finished
	hall     hall
}

type stamped struct {
	at   time.Time
	note evidence.Note
	// secrets are lines of a TLS key log, in place of a note.
	secrets string
	mac     [6]byte // whose session they are of
}

// order is something that somebody outside asks for.
type order struct {
	do   func() error
	done chan error
}

// New makes a desk; Serve opens it.
func New(cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Every == 0 {
		cfg.Every = 500 * time.Millisecond
	}
	return &Desk{
		cfg: cfg, box: cfg.Frames.Address(), notes: make(chan stamped, noteQueue), orders: make(chan order), closed: make(chan struct{}),
		standing: standing{}, seats: map[[6]byte]*seat{}, finished: finished{}, hall: hall{},
		told: told{latest: map[string]plan.Progress{}, wake: make(chan struct{}, 1)},
	}
}

// Note takes a note of the box for the logs. It never blocks: notes beyond what
// can wait are counted, and the logs say so.
func (d *Desk) Note(n evidence.Note) { d.put(stamped{at: d.cfg.Now(), note: n}) }

// Secrets takes lines of a TLS key log for the log of one device. Like Note it never
// blocks.
func (d *Desk) Secrets(mac [6]byte, lines string) {
	d.put(stamped{at: d.cfg.Now(), mac: mac, secrets: lines})
}

func (d *Desk) put(n stamped) {
	select {
	case d.notes <- n:
	default:
		d.lostMu.Lock()
		d.lost++
		d.lostMu.Unlock()
	}
}

// End ends the run of the given id.
func (d *Desk) End(ctx context.Context, id, why string) error {
	return d.order(ctx, func() error {
		for _, s := range d.seats {
			if s.place.Record().ID == id {
				s.run.End(why, d.cfg.Now())
				return nil
			}
		}
		return fmt.Errorf("there is no run %q that goes on", id)
	})
}

// errNoRun says that a device has no run that goes on.
var errNoRun = errors.New("the device has no run")

// Device is what was seen of a device that has a run.
func (d *Desk) Device(ctx context.Context, mac [6]byte) (h fact.Host, err error) {
	err = d.order(ctx, func() error {
		s := d.seats[mac]
		if s == nil {
			return errNoRun
		}
		h, _ = s.run.Device()
		return nil
	})
	return h, err
}

// Others are the addresses of the devices but one.
func (d *Desk) Others(ctx context.Context, mac [6]byte) (out []netip.Addr, err error) {
	err = d.order(ctx, func() error {
		for other, s := range d.seats {
			if h, seen := s.run.Device(); seen && other != mac {
				out = append(out, h.Addresses...)
			}
		}
		return nil
	})
	return out, err
}

// Grade makes a report of what is known of a device at this moment.
func (d *Desk) Grade(ctx context.Context, mac [6]byte) (snap session.Snapshot, err error) {
	err = d.order(ctx, func() error {
		s := d.seats[mac]
		if s == nil {
			return errNoRun
		}
		snap = s.run.Grade(d.cfg.Now())
		return nil
	})
	return snap, err
}

// Again lets devices whose run has ended begin a new one with their next frame.
func (d *Desk) Again(ctx context.Context) error {
	return d.order(ctx, func() error {
		clear(d.finished)
		return nil
	})
}

// Next says what the runs that begin from now on are about, and lets devices whose run
// has ended begin a new one with their next frame.
func (d *Desk) Next(ctx context.Context, r config.Run, plan string) error {
	return d.order(ctx, func() error {
		d.cfg.Run, d.cfg.Plan = r, plan
		clear(d.finished)
		return nil
	})
}

// State records a statement of the operator in every log, such as
// setup-captured=yes.
func (d *Desk) State(ctx context.Context, key, value string) error {
	return d.order(ctx, func() error {
		n, err := note(assess.NoteStatement, assess.StatementNote{Key: key, Value: value})
		for _, s := range d.seats {
			s.log.Note(d.cfg.Now(), n)
		}
		return err
	})
}

func (d *Desk) order(ctx context.Context, do func() error) error {
	o := order{do, make(chan error, 1)}
	select {
	case d.orders <- o:
		return <-o.done
	case <-d.closed:
		return errors.New("the desk is closed")
	case <-ctx.Done():
		return fmt.Errorf("cannot reach the desk: %w", ctx.Err())
	}
}

// Serve takes frames and notes until ctx is done or the capture fails; then it
// concludes every run and returns. ErrGone of the capture is returned as it is.
func (d *Desk) Serve(ctx context.Context) error {
	defer close(d.closed)
	awake, stop := context.WithCancel(context.WithoutCancel(ctx))
	var reading sync.WaitGroup
	batches, taken := make(chan capture.Batch), make(chan struct{})
	read := make(chan error, 1)
	reading.Go(func() { read <- d.read(awake, batches, taken) })
	ticks := time.NewTicker(d.cfg.Every)
	defer ticks.Stop()
	err := d.serve(ctx, batches, taken, read, ticks.C)
	if err == nil {
		d.drain(batches, taken)
	}
	stop()
	reading.Wait()
	return errors.Join(err, d.close())
}

// What is in the ring when the desk closes was captured and belongs to the log:
// its blocks are handed out every 50 ms, and a busy line must come to an end.
const (
	drainQuiet = 120 * time.Millisecond
	drainLimit = time.Second
)

// drain takes what the ring still holds.
func (d *Desk) drain(batches <-chan capture.Batch, taken chan<- struct{}) {
	end := time.After(drainLimit)
	for {
		select {
		case b := <-batches:
			d.batch(b)
			taken <- struct{}{}
		case n := <-d.notes:
			d.arrived(n)
		case <-time.After(drainQuiet):
			return
		case <-end:
			return
		}
	}
}

// read waits for the capture on a goroutine of its own and hands each batch over;
// it goes on when the batch was taken, for its frames lie in the ring.
func (d *Desk) read(ctx context.Context, batches chan<- capture.Batch, taken <-chan struct{}) error {
	for {
		b, err := d.cfg.Frames.Next(ctx)
		if err != nil {
			return err
		}
		select {
		case batches <- b:
			<-taken
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Desk) serve(ctx context.Context, batches <-chan capture.Batch, taken chan<- struct{}, read <-chan error, ticks <-chan time.Time) error {
	for {
		select {
		case b := <-batches:
			d.batch(b)
			taken <- struct{}{}
		case n := <-d.notes:
			d.arrived(n)
		case <-ticks:
			d.tick(d.cfg.Now())
		case <-d.told.wake:
			d.progress()
		case o := <-d.orders:
			o.done <- o.do()
		case err := <-read:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("cannot see the LAN port any more: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

// close concludes what still goes on.
func (d *Desk) close() error {
	now := d.cfg.Now()
	d.settle(now.Add(time.Hour))
	var all error
	for _, s := range d.seats {
		s.run.End("The box was stopped.", now)
		all = errors.Join(all, d.conclude(s, now))
	}
	return all
}
