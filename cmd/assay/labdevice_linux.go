package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// patience is what COMMAND has to end in after SIGTERM.
const patience = 5 * time.Second

// errBoxFailed ends COMMAND: without a gateway it would run on for nothing.
var errBoxFailed = errors.New("the gateway failed while the device ran")

// while is a context that ends when the box fails; stop gives its watch back.
func (r running) while(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-r.failed:
			cancel(errBoxFailed)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-watching }
}

// device runs COMMAND, or a shell, on the device and says how it ended. An error is
// one of the lab, not of the command.
func (l *labCmd) device(ctx context.Context, c *console, w *world) error {
	ctx, stop := w.box.while(ctx)
	defer stop()
	if l.DeviceTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.DeviceTimeout)
		defer cancel()
	}
	argv := l.Command
	if l.Shell {
		argv = []string{shell()}
		c.tell("assay: this is the device; eth0 is down and bare: try 'busybox udhcpc -i eth0' or 'dhclient -v eth0'. 'exit' ends the run.\n")
	}
	cmd := w.lab.Device(0).Command(ctx, argv[0], argv[1:]...)
	// The report alone goes to standard output.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, c.err, c.err
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = patience
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return fail(exitMissing, "cannot run %s on the device: %w", argv[0], err)
	}
	c.tell("assay: %s %s\n", argv[0], howEnded(ctx, cmd.ProcessState))
	if errors.Is(err, exec.ErrWaitDelay) {
		c.tell("assay: something that it started runs on, and is ended now\n")
	}
	if cause := context.Cause(ctx); errors.Is(cause, errBoxFailed) {
		return fail(exitMissing, "%w; what it did is not graded", cause)
	}
	return nil
}

// howEnded says in words how a program ended, and why if that was our doing.
func howEnded(ctx context.Context, s *os.ProcessState) string {
	how := fmt.Sprintf("ended with exit code %d", s.ExitCode())
	if w, ok := s.Sys().(interface{ Signaled() bool }); ok && w.Signaled() { //nolint:misspell // the name of a method
		how = "was ended by a signal: " + s.String()
	}
	switch {
	case errors.Is(context.Cause(ctx), errBoxFailed):
		return how + ", because the gateway failed"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return how + ", after the time of --device-timeout"
	case ctx.Err() != nil:
		return how + ", after an interruption"
	}
	return how
}

// shell is the user's, if it can be run, else the system's.
func shell() string {
	if own := os.Getenv("SHELL"); own != "" {
		if _, err := exec.LookPath(own); err == nil {
			return own
		}
	}
	return "/bin/sh"
}
