package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/run/session"
	"assay/testbench/fleet"
	"assay/testbench/lab"
)

// Run opens the page's port in this machine's network, and starts the program again
// inside namespaces, where the page is served and the devices are.
func (d *demoCmd) Run(c *console) error {
	if lab.Inside() {
		return d.inside(c)
	}
	socket, err := d.listen()
	if err != nil {
		return err
	}
	file, err := socket.File()
	if err != nil {
		return fail(exitMissing, "cannot hand the page's port on: %w", err)
	}
	defer func() { _ = file.Close() }() // the lab had its own
	if d.Open {
		defer browse("http://" + socket.Addr().String() + "/")()
	}
	if err := socket.Close(); err != nil { // the file keeps it open
		return err
	}
	code, err := lab.Reexec(file)
	switch {
	case errors.Is(err, lab.ErrUnavailable):
		return fail(exitMissing, "%w\nThe demonstration needs no more than that; without it, 'assay grade FILE' works everywhere", err)
	case err != nil:
		return err
	}
	return silent(code)
}

// listen opens the port on this machine alone; another one where it is taken.
func (d *demoCmd) listen() (*net.TCPListener, error) {
	at, err := net.ResolveTCPAddr("tcp", d.Listen)
	if err != nil {
		return nil, fail(exitUsage, "--listen: %w", err)
	}
	if !at.IP.IsLoopback() {
		return nil, fail(exitUsage, "--listen: %s is not an address of this machine alone; the demonstration asks nobody for a key, so use 127.0.0.1 or [::1]", d.Listen)
	}
	socket, err := net.ListenTCP("tcp", at)
	if errors.Is(err, unix.EADDRINUSE) {
		socket, err = net.ListenTCP("tcp", &net.TCPAddr{IP: at.IP})
	}
	if err != nil {
		return nil, fail(exitMissing, "cannot open a port for the page: %w", err)
	}
	return socket, nil
}

// browse opens the page in the desktop's browser, where there is one. What it returns
// lets go of the program that does.
func browse(page string) (stop func()) {
	desktop := os.Getenv("DISPLAY") + os.Getenv("WAYLAND_DISPLAY")
	opener, err := exec.LookPath("xdg-open")
	if desktop == "" || err != nil || os.Geteuid() == 0 {
		return func() {}
	}
	cmd := exec.Command(opener, page)
	if cmd.Start() != nil {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // whether it worked is seen on the screen
	}()
	return func() {
		select {
		case <-ended:
		default: // the browser itself: it stays
		}
	}
}

// inside builds the world, serves the page and lets the devices come one after the
// other.
func (d *demoCmd) inside(c *console) error {
	devices, err := d.devices()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, d.Bound)
	defer cancel()
	show, err := newDemo(ctx, c, d, devices)
	if err != nil {
		return fail(exitMissing, "cannot build the demonstration: %w", err)
	}
	graded := show.play(ctx)
	if d.Stay && ctx.Err() == nil {
		c.tell("assay: all devices are graded; the page stays until Ctrl-C\n")
		<-ctx.Done()
	}
	if err := show.close(context.WithoutCancel(ctx)); err != nil {
		return fail(exitMissing, "the demonstration did not end well: %w", err)
	}
	if graded < len(devices) && ctx.Err() == nil {
		return fail(exitMissing, "only %d of %d devices were graded", graded, len(devices))
	}
	return nil
}

// devices are those that are shown.
func (d *demoCmd) devices() (list []fleet.Device, err error) {
	if len(d.Only) == 0 {
		return fleet.All(), nil
	}
	for _, name := range d.Only {
		v, err := fleet.Find(name)
		if err != nil {
			return nil, fail(exitUsage, "--only: %w", err)
		}
		list = append(list, v)
	}
	return list, nil
}

// line tells on the terminal how a device did.
func line(title string, s session.Snapshot) string {
	var lamps []string
	for _, l := range s.Report.Lamps {
		lamps = append(lamps, fmt.Sprintf("%s %s", l.Name, l.Word))
	}
	return fmt.Sprintf("%-32s %-18s %s (%s)", title, s.Report.Overall.Verdict, strings.Join(lamps, ", "), time.Since(s.Started).Round(time.Second))
}
