package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/panel"
	"assay/internal/panel/door"
	"assay/internal/panel/light"
	"assay/internal/panel/page"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/session"
	"assay/internal/run/show"
	"assay/testbench/fleet"
	"assay/testbench/lab"
)

// demo is the world of the demonstration and what people see of it.
type demo struct {
	c       *console
	world   *world
	devices []fleet.Device
	show    *show.Show
	serve   *door.Server
	book    assess.Book

	mu      sync.Mutex
	plugged *appliance // that is on the port; nil while there is none
	ended   chan session.Snapshot
	told    map[string]bool // runs whose end was told
	lit     string          // the lamps as they were drawn last
}

// newDemo builds the world and opens the page.
func newDemo(ctx context.Context, c *console, cmd *demoCmd, devices []fleet.Device) (d *demo, err error) {
	d = &demo{c: c, devices: devices, ended: make(chan session.Snapshot, 16), told: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close(context.WithoutCancel(ctx)))
		}
	}()
	if d.book, err = loadBook(""); err != nil {
		return d, err
	}
	d.show = show.New(show.Config{About: d.about})
	if d.serve, err = d.open(ctx); err != nil {
		return d, err
	}
	d.world = &world{warn: func(err error) { c.tell("assay: %v\n", err) }}
	err = d.world.build(ctx, lab.Options{GatewayHere: true, BareUplink: true, Devices: len(devices)}, func(o *boxOptions) error {
		o.Book, o.Publish, o.Beat, o.Power, o.Pace = d.book, d.publish, d.show.Beat, d, fastPace()
		var err error
		if o.Steps, err = loadSteps(cmd.Plan); err != nil {
			return err
		}
		o.Plan = o.Steps.ID
		o.Config.Run.Label = ""
		return nil
	}, d.start)
	return d, err
}

// start starts the box and lets the page give orders.
func (d *demo) start(ctx context.Context, l *lab.Lab, o boxOptions) (running, error) {
	r, err := startBox(ctx, l, o)
	if err != nil {
		return r, err
	}
	d.show.Keep(r.box.Store())
	d.show.Use(controls{box: r.box, base: box.Next{Run: o.Config.Run, Plan: o.Plan, Steps: o.Steps}, fixed: true})
	return r, nil
}

// open serves the page on the port that the lab was handed.
func (d *demo) open(ctx context.Context) (*door.Server, error) {
	file := lab.Inherited(0)
	if file == nil {
		return nil, errors.New("the page's port was not handed on")
	}
	socket, err := net.FileListener(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	p, err := page.New(page.Config{Source: d.show})
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	everybody, err := door.New(door.Config{Open: true})
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	s, err := door.Serve(context.WithoutCancel(ctx), socket, everybody.Wrap(p, http.NotFoundHandler()), nil)
	if err == nil {
		d.c.tell("assay: the page is at %s/ - open it in a browser; %s/kiosk is for a projector. Ctrl-C ends everything and leaves nothing behind.\n", s.Base(), s.Base())
	}
	return s, err
}

// publish takes a change of a run.
func (d *demo) publish(s session.Snapshot) {
	d.show.Run(s)
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := light.Line(d.show.Live(), d.c.progress); now != d.lit && s.Graded {
		d.lit = now
		d.c.tell("  %s\n", now)
	}
	if s.State.Ended() && !d.told[s.Record.ID] {
		d.told[s.Record.ID] = true
		select {
		case d.ended <- s:
		default: // nobody waits for so many
		}
	}
}

// play plugs one device after the other, and says how many were graded.
func (d *demo) play(ctx context.Context) (graded int) {
	for i, v := range d.devices {
		if ctx.Err() != nil {
			return graded
		}
		d.c.tell("assay: plugging in: %s. %s\n", v.Title, v.Words)
		s, err := d.evaluate(ctx, i, v)
		switch {
		case err != nil && ctx.Err() == nil:
			d.c.tell("assay: %s: %v\n", v.Title, err)
		case err == nil:
			graded++
			d.c.tell("assay: %s\n", line(v.Title, s))
		}
	}
	return graded
}

// evaluate is one device from plug-in to report.
func (d *demo) evaluate(ctx context.Context, i int, v fleet.Device) (s session.Snapshot, err error) {
	told := panel.Details{
		Label: v.Title, Serial: "demo-" + v.Name, Firmware: "1.0", Operator: "Demonstration",
		Tester: "Demonstration", Owner: "Demonstration", Model: v.Title, Reset: "It is started again.",
	}
	if err := d.show.Order(ctx, panel.Order{Kind: panel.OrderStart, Details: told}); err != nil {
		return s, err
	}
	self, err := d.self()
	if err != nil {
		return s, err
	}
	ctx, stop := d.world.box.while(ctx)
	defer stop()
	life, end := context.WithCancel(ctx)
	defer end()
	a := &appliance{lab: d.world.lab, device: i, argv: []string{self, "device", v.Name}, c: d.c, life: life, quiet: true}
	d.plug(a)
	defer d.plug(nil)
	if err := a.on(); err != nil {
		return s, err
	}
	defer func() {
		end()
		err = errors.Join(err, a.off())
	}()
	select {
	case s = <-d.ended:
		return s, nil
	case <-ctx.Done():
		return s, context.Cause(ctx)
	}
}

// self is this program by the name that it knows itself by.
func (d *demo) self() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	name := filepath.Join(d.world.lab.Dir(), "assay")
	if err := os.Symlink(program, name); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return name, nil
}

func (d *demo) plug(a *appliance) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plugged = a
}

func (d *demo) on() *appliance {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plugged
}

// errUnplugged says that there is no device to switch.
var errUnplugged = errors.New("no device is plugged in")

// cycle switches the device on the port off and on.
func (d *demo) cycle(ctx context.Context) (string, error) {
	a := d.on()
	if a == nil {
		return "", errUnplugged
	}
	return a.cycle(ctx)
}

// cable pulls the cable of the device that is on.
func (d *demo) cable(ctx context.Context) error {
	a := d.on()
	if a == nil {
		return errUnplugged
	}
	return a.cable(ctx)
}

// resting is closed when the device will do nothing more.
func (d *demo) resting() <-chan struct{} {
	if a := d.on(); a != nil {
		return a.resting()
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

// close takes everything down, the page last.
func (d *demo) close(ctx context.Context) (err error) {
	if d.world != nil {
		err = d.world.close(ctx)
	}
	if d.serve != nil {
		err = errors.Join(err, d.serve.Close())
	}
	return err
}

// about is what the box of the demonstration says of itself.
func (d *demo) about(context.Context) panel.About {
	a := aboutBox(d.book, config.Ports{LAN: lab.LANLink, WAN: lab.WANLink})
	a.Demo = true
	a.Checks = []panel.Check{{Title: "Virtual world", State: "good", Says: "The devices, the cable and the internet are network namespaces of this machine."}}
	return a
}

// consent is the owner's, as the operator typed it.
func consent(d panel.Details, date string) event.ConsentNote {
	if d.Tester == "" || d.Owner == "" {
		return event.ConsentNote{}
	}
	return event.ConsentNote{Tester: d.Tester, Owner: d.Owner, Model: d.Model, Serial: d.Serial, Date: date}
}
