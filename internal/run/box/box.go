//go:build linux

// Package box is the gateway as a whole: it brings the router up, starts the
// services of the LAN, records what crosses the LAN port and gives each device its
// run; and at its end it puts everything back as it was.
//
// It owns the order in which things start and stop, and what is done when the
// uplink changes. It must not know how any of the services works, nor what a
// report says.
package box

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/capture"
	"assay/internal/gateway/intercept"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/netos"
	"assay/internal/gateway/ntp"
	"assay/internal/gateway/probe"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/uplink"
	"assay/internal/run/config"
	"assay/internal/run/desk"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// Config is what a box is made of. Ports and the mode of the uplink are set in
// Settings.
type Config struct {
	Settings config.Config
	Kernel   netos.Kernel
	Book     assess.Book
	Version  string
	Plan     string
	// Roots verify upstream resolvers over TLS; the system's when nil.
	Roots *x509.CertPool
	// Allow are networks that devices may reach though they are not the public
	// internet.
	Allow []netip.Prefix
	// Clock tells what is known of the box's own clock; nil is a clock that is not
	// synchronised.
	Clock func() ntp.Clock
	// Publish takes every change of every run; it must not block. May be nil.
	Publish func(session.Snapshot)
	// Beat takes what happened in the runs, twice a second; it must not block. May be nil.
	Beat func(session.Beat)
	// Warn takes what went wrong without stopping the box. May be nil.
	Warn func(error)
	// Devices, when not empty, are the only ones that get a run.
	Devices [][6]byte

	// Steps are what is done with a device; with none it is only watched.
	Steps plan.Plan
	// Progress takes each change of a plan's progress; it must not block. May be nil.
	Progress func(plan.Progress)
	// Power makes the device start afresh and says how; nil pulls its cable, as far as
	// software can.
	Power func(ctx context.Context) (how string, err error)
	// Cable pulls the device's cable and puts it in again; nil does so at the box's end,
	// as far as software can.
	Cable func(ctx context.Context) error
	// Patience is how long the operator has for a thing that is asked of him; 10 minutes
	// when 0.
	Patience time.Duration
	// Resting is closed when the device will do nothing more until Power; nil when
	// nobody can know.
	Resting func() <-chan struct{}
	// Operator is a publicly trusted certificate of the operator's. May be nil.
	Operator *intercept.Operator
	// Consent is the owner's to passwords being tried, and Reset says how the device is
	// reset; without them none is.
	Consent event.ConsentNote
	Reset   string
	// Pace is how fast the device is asked; the zero value is that of a real one.
	Pace probe.Pace
}

// Box is a gateway that is up.
type Box struct {
	cfg      Config
	store    *store.Store
	port     *port
	sockets  sockets
	desk     *desk.Desk
	lan      *lan.LAN
	uplink   *uplink.Uplink
	resolver *resolver.Resolver
	services *services
	offset   atomic.Int64 // nanoseconds added to the time that is told

	offered    lan.Network // by Offer; 0 while the network is that of the settings
	translator translator

	planned  planned
	cut      *store.Place    // the run that was cut off in the middle of its plan
	cutAbout assignment      // what it is about
	planLife context.Context //nolint:containedctx // a plan begins with a frame, long after Start

	stopPlan, stopServices, stopDesk context.CancelFunc
	running                          sync.WaitGroup
	mu                               sync.Mutex
	failed                           error
	listeners                        []syscall.Conn // sockets of the resolver; see Rebind there
	dead                             chan struct{}  // closed when something failed for good
	up                               chan struct{}  // closed when all of it is there
}

// Start brings everything up. What it had done when something failed is undone.
func Start(ctx context.Context, cfg Config) (b *Box, err error) {
	b = &Box{cfg: cfg, dead: make(chan struct{}), up: make(chan struct{})}
	b.planLife, b.stopPlan = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close(context.WithoutCancel(ctx)))
			b = nil
		}
	}()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"put back what an earlier start left behind", b.restore},
		{"open the folder of the runs", b.openStore},
		{"see the LAN port", b.watch},
		{"start the uplink", b.startUplink},
		{"make a router of the two ports", b.startLAN},
		{"start the resolver", b.startResolver},
		{"start the services of the LAN", b.startServices},
	} {
		if err := step.do(ctx); err != nil {
			return b, fmt.Errorf("cannot %s: %w", step.what, err)
		}
	}
	close(b.up)
	return b, nil
}

const folderMode = 0o700

func (b *Box) restore(ctx context.Context) error {
	state := b.cfg.Settings.Store.State
	if err := os.MkdirAll(state, folderMode); err != nil {
		return fmt.Errorf("%w; name another folder under store.state", err)
	}
	return lan.Restore(ctx, b.cfg.Kernel, state)
}

func (b *Box) openStore(context.Context) (err error) {
	s := b.cfg.Settings.Store
	if b.store, err = store.Open(s.Folder, store.Limits{Runs: s.Runs, Bytes: s.Bytes}); err != nil {
		return err
	}
	return b.finishCutOff()
}

// watch opens the capture before anything can cross the port.
func (b *Box) watch(ctx context.Context) (err error) {
	name := b.cfg.Settings.Ports.LAN
	open := func() (c *capture.Capture, err error) {
		err = b.cfg.Kernel.Do(func() (err error) { c, err = capture.Open(capture.Config{Interface: name}); return err })
		return c, err
	}
	if b.port, err = openPort(open, b.portGone, b.portBack); err != nil {
		return err
	}
	next := Next{Run: b.cfg.Settings.Run, Plan: b.cfg.Plan, Steps: b.cfg.Steps, Consent: b.cfg.Consent, Reset: b.cfg.Reset}
	b.planned.next = next
	b.desk = desk.New(desk.Config{
		Interface: name, Frames: b.port, Store: b.store, Book: b.cfg.Book, Version: b.cfg.Version, Plan: b.cfg.Plan,
		Run: next.observed(), Publish: b.follow, Beat: b.cfg.Beat, Devices: b.cfg.Devices,
	})
	b.goOn()
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stopDesk = stop
	b.run("the record of the LAN port", func() error { return b.desk.Serve(own) })
	return nil
}

// follow passes on how a run goes. While it does, nobody can take its device's
// address, however many clients somebody forges.
func (b *Box) follow(s session.Snapshot) {
	b.mu.Lock()
	if mac, err := net.ParseMAC(s.Record.DUT); err == nil && len(mac) == 6 && b.services != nil {
		if err := b.services.mark([6]byte(mac), !s.State.Ended()); err != nil {
			b.trouble("lease", err)
		}
	}
	b.mu.Unlock()
	b.followPlan(s)
	if b.cfg.Publish != nil {
		b.cfg.Publish(s)
	}
}

// run keeps something running; its failure is the box's.
func (b *Box) run(what string, serve func() error) {
	b.running.Go(func() {
		err := serve()
		if err == nil || errors.Is(err, context.Canceled) {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.failed == nil {
			close(b.dead)
		}
		b.failed = errors.Join(b.failed, fmt.Errorf("%s failed: %w", what, err))
	})
}

// Failed is closed when a part of the box failed for good; Close then tells why.
func (b *Box) Failed() <-chan struct{} { return b.dead }

// Desk is where runs are ended and begun.
func (b *Box) Desk() *desk.Desk { return b.desk }

// Store is where runs are kept.
func (b *Box) Store() *store.Store { return b.store }

// Addresses are those of the box on the LAN.
func (b *Box) Addresses() lan.Addresses { return b.lan.Addresses() }

// note takes a note of any service.
func (b *Box) note(n evidence.Note) { b.desk.Note(n) }

// closeLimit bounds how long the host's network is put back.
const closeLimit = 20 * time.Second

// Close ends the services, concludes the runs and puts the host back as it was.
func (b *Box) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	for _, stop := range []context.CancelFunc{b.stopPlan, b.stopServices, b.stopDesk} {
		if stop != nil {
			stop()
		}
	}
	b.mu.Lock()
	closed := b.stopTranslator()
	b.mu.Unlock()
	b.running.Wait()
	all := errors.Join(b.failed, closed)
	if b.lan != nil {
		all = errors.Join(all, b.lan.Down(ctx))
	}
	if b.uplink != nil {
		all = errors.Join(all, b.uplink.Stop(ctx))
	}
	if b.port != nil {
		all = errors.Join(all, b.port.Close())
	}
	return all
}
