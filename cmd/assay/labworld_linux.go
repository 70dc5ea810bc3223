package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/assess"
	"assay/internal/gateway/intercept"
	"assay/internal/gateway/probe"
	"assay/internal/panel"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/internet"
	"assay/testbench/lab"
)

// world is the lab with everything that runs in it.
type world struct {
	lab       *lab.Lab
	internet  *internet.Internet
	box       running
	appliance *appliance // where there is a plan
	folder    string     // of the box's runs
	pcap      string     // where the user wants the evidence
	warn      func(error)
	runs      runs
}

// boxOptions is what a box is started with.
type boxOptions struct {
	Config   config.Config
	Book     assess.Book
	Version  string
	Plan     string
	Steps    plan.Plan // none: the device is only watched
	Power    power
	Tell     func(plan.Progress)
	Operator *intercept.Operator
	Pace     probe.Pace
	Next     panel.Details // whose consent there is
	Roots    []byte        // certificates of the internet's authority, PEM
	Publish  func(session.Snapshot)
	Beat     func(session.Beat)
	Warn     func(error)
}

// power is a device that can be switched off and on.
type power interface {
	// cycle does it and says how.
	cycle(ctx context.Context) (how string, err error)
	// cable pulls the device's cable and puts it in again.
	cable(ctx context.Context) error
	// resting is closed when the device will do nothing more until then.
	resting() <-chan struct{}
}

// running is a box that was started.
type running struct {
	box *box.Box
	// stop ends all runs and the box; its error also tells why the box failed.
	stop func(context.Context) error
	// failed is closed when a part of the box failed for good.
	failed <-chan struct{}
}

// starter starts a box in this process's own network namespace. It returns when the
// device may be plugged in.
type starter func(ctx context.Context, l *lab.Lab, o boxOptions) (running, error)

// newWorld is the world of COMMAND.
func newWorld(ctx context.Context, c *console, cmd *labCmd, book assess.Book, start starter) (w *world, err error) {
	w = &world{pcap: cmd.Pcap, warn: func(err error) { c.tell("assay: %v\n", err) }}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(ctx))
		}
	}()
	return w, w.build(ctx, lab.Options{GatewayHere: true, BareUplink: true}, func(o *boxOptions) error {
		o.Book, o.Publish, o.Plan = book, w.runs.take, strings.TrimSuffix(filepath.Base(cmd.Plan), ".yaml")
		if cmd.Pace == "fast" {
			o.Pace = fastPace()
		}
		if cmd.Logins {
			o.Next.Tester, o.Next.Owner, o.Next.Reset = "the user of the lab", "the user of the lab", "COMMAND is started again."
		}
		if cmd.Network == "N1" {
			o.Config.LAN.IPv6 = "off"
		}
		o.Config.Run.Profile, o.Config.Run.Label = cmd.Profile, label(cmd)
		if o.Steps, err = loadSteps(cmd.Plan); err != nil || len(o.Steps.Steps) == 0 {
			return err
		}
		w.appliance = &appliance{lab: w.lab, argv: cmd.Command, c: c}
		o.Power, o.Tell = w.appliance, progressTeller(c)
		return nil
	}, start)
}

// build makes the lab, the internet and the box, in this order; settle says what
// becomes of the box.
func (w *world) build(ctx context.Context, size lab.Options, settle func(*boxOptions) error, start starter) (err error) {
	if w.lab, err = lab.New(ctx, size); err != nil {
		return err
	}
	w.internet, err = internet.Start(ctx, w.lab.Internet.Host(lab.InternetLink),
		internet.Options{WANLink: lab.InternetLink, Inside: w.lab.Internet.Do})
	if err != nil {
		return err
	}
	anchors := []byte(w.internet.TrustAnchorFile())
	if err := w.lab.Trust(w.internet.CAPEM(), anchors); err != nil {
		return err
	}
	o := boxOptions{Version: programVersion(), Roots: w.internet.CAPEM(), Warn: w.warn}
	if o.Config, err = w.settings(anchors); err != nil {
		return err
	}
	if err := settle(&o); err != nil {
		return err
	}
	if len(o.Steps.Steps) > 0 {
		if o.Operator, err = w.operator(); err != nil {
			return err
		}
	}
	w.box, err = start(ctx, w.lab, o)
	return err
}

// fastPace is that of a device which is only a program: nothing in it can break.
func fastPace() probe.Pace {
	return probe.Pace{Ports: 500, Between: 100 * time.Millisecond, Attempts: 500 * time.Millisecond}
}

// operator is a certificate that the lab's devices trust, for a name that is none of
// their servers': what the operator of a real box has to bring along.
func (w *world) operator() (*intercept.Operator, error) {
	chain, key, err := w.internet.Certificate("operator.example")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.internet.CAPEM())
	return intercept.LoadOperator(chain, key, roots, time.Now())
}

// settings are those of a box that lives as long as the lab.
func (w *world) settings(anchors []byte) (config.Config, error) {
	c := config.Default()
	c.Ports = config.Ports{LAN: lab.LANLink, WAN: lab.WANLink}
	c.Uplink.Mode = "dhcp"
	w.folder = filepath.Join(w.lab.Dir(), "runs")
	c.Store.Folder, c.Store.State = w.folder, filepath.Join(w.lab.Dir(), "state")
	c.DNS.Anchors = filepath.Join(w.lab.Dir(), "root.key")
	c.Run.Observe, c.Run.Gone = 0, 0 // the end of COMMAND or of the plan is the end of the run
	c.Lookups.Servers = true         // they are ours
	return c, os.WriteFile(c.DNS.Anchors, anchors, 0o644)
}

// label names the device in the report.
func label(cmd *labCmd) string {
	if cmd.Shell {
		return "a shell in the lab"
	}
	const most = 80 // characters of a name; a script may be long
	text := []rune(strings.Join(strings.Fields(strings.Join(cmd.Command, " ")), " "))
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return string(text)
}

// finish ends the box, keeps the evidence and takes everything down.
func (w *world) finish(ctx context.Context) ([]session.Snapshot, error) {
	stop := w.box.stop
	w.box.stop = nil
	err := stop(ctx)
	ended := w.runs.graded()
	if err == nil && w.pcap != "" {
		err = w.keepEvidence(ended)
	}
	return ended, errors.Join(err, w.close(ctx))
}

// keepEvidence copies the log of each run: of the first to the file that was named,
// of further ones beside it.
func (w *world) keepEvidence(ended []session.Snapshot) error {
	s, err := store.Open(w.folder, store.Limits{})
	if err != nil {
		return err
	}
	for i, r := range ended {
		place, err := s.Get(r.Record.ID)
		if err != nil {
			return err
		}
		to := w.pcap
		if i > 0 {
			ext := filepath.Ext(to)
			to = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(to, ext), i+1, ext)
		}
		if err := keep(place.Path(store.EvidenceFile), to); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) close(ctx context.Context) error {
	var errs []error
	if w.box.stop != nil {
		errs = append(errs, w.box.stop(ctx))
	}
	if w.internet != nil {
		errs = append(errs, w.internet.Close())
	}
	if w.lab != nil {
		errs = append(errs, w.lab.Close())
	}
	return errors.Join(errs...)
}

// runs remembers how each run stands.
type runs struct {
	mu     sync.Mutex
	latest map[string]session.Snapshot // by id
	end    chan struct{}               // closed when a run has ended; made when it is asked for
}

func (r *runs) take(s session.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[string]session.Snapshot{}
	}
	r.latest[s.Record.ID] = s
	r.follow(s)
}

// graded are the runs that have a report, the first begun first.
func (r *runs) graded() []session.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []session.Snapshot
	for _, s := range r.latest {
		if s.Graded {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b session.Snapshot) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Record.ID, b.Record.ID))
	})
	return out
}
