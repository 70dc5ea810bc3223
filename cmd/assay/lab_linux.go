package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/run/session"
	"assay/testbench/lab"
)

// reentry does what the lab started this process for, if it did.
func reentry() { lab.Reentry() }

// Run starts the program again inside namespaces and passes on how it ended; inside
// it does the work.
func (l *labCmd) Run(c *console) error {
	if lab.Inside() {
		return l.inside(c, startBox)
	}
	code, err := lab.Reexec()
	switch {
	case errors.Is(err, lab.ErrUnavailable):
		return fail(exitMissing, "%w", err)
	case err != nil:
		return err
	}
	return silent(code)
}

// inside builds the world, runs the device in it and reports.
func (l *labCmd) inside(c *console, start starter) error {
	book, err := loadBook(l.Profile)
	if err != nil {
		return err
	}
	first, last, stop := interruptions()
	defer stop()
	w, err := newWorld(last, c, l, book, start)
	if err != nil {
		return fail(exitMissing, "cannot build the lab: %w", err)
	}
	told := l.run(first, c, w)
	runs, err := w.finish(last)
	if err != nil || told != nil {
		return errors.Join(told, err)
	}
	if len(runs) == 0 {
		c.tell("assay: no frame came from the device, so there is nothing to grade; eth0 is down at first and the program brings it up\n")
		return silent(exitUnproven)
	}
	return l.tell(c, runs)
}

// run lets COMMAND be the device: once, or as often as the plan wants.
func (l *labCmd) run(ctx context.Context, c *console, w *world) error {
	if w.appliance != nil {
		return l.planned(ctx, w)
	}
	return l.device(ctx, c, w)
}

// tell writes the reports, one for each MAC address that the device took, and returns the code of the worst.
func (l *labCmd) tell(c *console, runs []session.Snapshot) error {
	out, err := newSink(c, l.Format, l.Output, len(runs) > 1)
	if err != nil {
		return err
	}
	code := exitMeets
	for _, r := range runs {
		if err := out.put(r.Record.ID, r.Report); err != nil {
			return err
		}
		code = worse(code, verdictCode(r.Report))
	}
	if code != exitMeets {
		return silent(code)
	}
	return nil
}

// interruptions gives two contexts: the first signal ends the first, by which the
// device ends and the report is made; another one, a second or more later, ends
// the last, by which everything stops. A signal from the terminal arrives several
// times, because every process of the lab passes it on.
func interruptions() (first, last context.Context, stop func()) {
	const same = time.Second
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	last, endLast := context.WithCancel(context.Background())
	first, endFirst := context.WithCancel(last)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		var since time.Time
		for {
			select {
			case <-last.Done():
				return
			case <-caught:
			}
			switch {
			case since.IsZero():
				since = time.Now()
				endFirst()
			case time.Since(since) > same:
				endLast()
			}
		}
	}()
	return first, last, func() {
		signal.Stop(caught)
		endFirst()
		endLast()
		<-gone
	}
}

// keep copies the evidence to where the user wants it, whole or not at all.
func keep(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	if info, err := os.Stat(to); err == nil && !info.Mode().IsRegular() {
		return pour(in, to)
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".assay-*")
	if err != nil {
		return cannotKeep(to, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = io.Copy(tmp, in)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return cannotKeep(to, err)
	}
	if err := os.Rename(tmp.Name(), to); err != nil {
		return cannotKeep(to, err)
	}
	return nil
}

// pour writes to a pipe or device, which cannot be replaced.
func pour(in io.Reader, to string) error {
	out, err := os.OpenFile(to, os.O_WRONLY, 0)
	if err != nil {
		return cannotKeep(to, err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return cannotKeep(to, err)
	}
	return nil
}

func cannotKeep(to string, err error) error {
	return fail(exitMissing, "cannot keep the evidence in %s: %w; name a file in a folder that exists and is yours", to, bare(err))
}
