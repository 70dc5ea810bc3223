package main

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"time"

	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/testbench/lab"
)

// appliance is COMMAND as a device that can be switched off and on: each time it
// begins anew on a bare link.
type appliance struct {
	lab    *lab.Lab
	device int // its number in the lab
	argv   []string
	c      *console
	life   context.Context //nolint:containedctx // of the device: it outlives the step that switches it on

	mu    sync.Mutex
	ended chan struct{} // closed when COMMAND has ended
	said  bool          // how it ended was told once
	quiet bool          // how it ended is not told
}

// on starts COMMAND.
func (a *appliance) on() error {
	cmd := a.lab.Device(a.device).Command(a.life, a.argv[0], a.argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, a.c.err, a.c.err // it is started many times: nobody can answer it
	if err := cmd.Start(); err != nil {
		return fail(exitMissing, "cannot run %s on the device: %w", a.argv[0], err)
	}
	ended := make(chan struct{})
	a.mu.Lock()
	a.ended = ended
	a.mu.Unlock()
	go func() {
		defer close(ended)
		a.tell(cmd, cmd.Wait())
	}()
	return nil
}

// tell says how COMMAND ended, the first time it did so by itself.
func (a *appliance) tell(cmd *exec.Cmd, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quiet || a.said || a.life.Err() != nil || cmd.ProcessState == nil || errors.Is(err, context.Canceled) {
		return
	}
	a.said = true
	a.c.tell("assay: %s %s; the plan starts it again whenever the device has to start afresh\n", a.argv[0], howEnded(a.life, cmd.ProcessState))
}

// resting is closed when COMMAND has ended: there is nothing more to come.
func (a *appliance) resting() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// cycle switches the device off and on.
func (a *appliance) cycle(ctx context.Context) (string, error) {
	if err := a.off(); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	return "relay", a.on()
}

// pulled is how long the cable of a device is out: longer than its programs take to see it.
const pulled = 2 * time.Second

// cable pulls the device's cable and puts it in again.
func (a *appliance) cable(ctx context.Context) error {
	if err := a.lab.Unplug(a.device); err != nil {
		return err
	}
	select {
	case <-time.After(pulled):
	case <-ctx.Done():
	}
	return errors.Join(a.lab.Plug(a.device), context.Cause(ctx))
}

// off switches the device off and waits for the end of COMMAND.
func (a *appliance) off() error {
	if err := a.lab.PowerOff(a.device); err != nil {
		return err
	}
	<-a.resting()
	return nil
}

// planned lets the plan be carried through with COMMAND.
func (l *labCmd) planned(ctx context.Context, w *world) error {
	ctx, stop := w.box.while(ctx)
	defer stop()
	a := w.appliance
	life, end := context.WithCancel(ctx)
	defer end()
	a.life = life
	if err := a.on(); err != nil {
		return err
	}
	w.await(ctx)
	end()
	err := a.off()
	if cause := context.Cause(ctx); errors.Is(cause, errBoxFailed) {
		return fail(exitMissing, "%w; what it did is not graded", cause)
	}
	return err
}

// silence is how long a run is waited for after COMMAND has ended: its last frames
// may still be on their way.
const silence = 3 * time.Second

// await waits for the end of the run, or for that of a COMMAND which sent no frame.
func (w *world) await(ctx context.Context) {
	select {
	case <-w.runs.ended():
		return
	case <-ctx.Done():
		return
	case <-w.appliance.resting():
	}
	select {
	case <-time.After(silence):
	case <-ctx.Done():
	}
	if !w.runs.any() {
		return
	}
	select {
	case <-w.runs.ended():
	case <-ctx.Done():
	}
}

// any says whether there was a run.
func (r *runs) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.latest) > 0
}

// teller of a plan's progress, a line for each change of words.
func progressTeller(c *console) func(plan.Progress) {
	last := ""
	return func(p plan.Progress) {
		if p.Words == "" || p.Words == last {
			return
		}
		last = p.Words
		c.tell("assay: step %d of %d: %s\n", p.Step, p.Of, p.Words)
	}
}

// ended is closed when a run has ended.
func (r *runs) ended() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over()
}

// over is the channel of ended; the lock is held.
func (r *runs) over() chan struct{} {
	if r.end == nil {
		r.end = make(chan struct{})
	}
	return r.end
}

// follow closes it with the first run that ended; the lock is held.
func (r *runs) follow(s session.Snapshot) {
	if !s.State.Ended() {
		return
	}
	select {
	case <-r.over():
	default:
		close(r.end)
	}
}
