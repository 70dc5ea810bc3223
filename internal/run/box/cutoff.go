//go:build linux

package box

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/run/desk"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// finishCutOff grades what a box that stopped in the middle had recorded: nothing
// that is on the disk is lost.
func (b *Box) finishCutOff() error {
	list, err := b.store.CutOff()
	if err != nil {
		b.cfg.warn(fmt.Errorf("some runs cannot be read: %w", err))
	}
	for _, p := range list {
		if o, can := b.canGoOn(p); can && b.cut == nil {
			b.cut, b.cutAbout = &p, o
			continue
		}
		if err := b.finish(p); err != nil {
			b.cfg.warn(err)
		}
	}
	return nil
}

// A run goes on only so often, because what it does may be what stops the box, and only
// while the device is likely to be as it was.
const (
	cutsMost = 3
	cutLate  = 24 * time.Hour
)

// wanted says whether a device may have a run.
func (b *Box) wanted(text string) bool {
	mac, err := net.ParseMAC(text)
	return err == nil && len(mac) == 6 && (len(b.cfg.Devices) == 0 || slices.Contains(b.cfg.Devices, [6]byte(mac)))
}

// goOn takes up the run that was cut off in the middle of its plan.
func (b *Box) goOn() {
	if b.cut == nil {
		return
	}
	p := *b.cut
	r := p.Record()
	b.planned.cut, b.planned.cutNext = r, b.cutAbout.Next
	err := p.Update(func(r *store.Record) { r.Cuts++ })
	if err == nil {
		err = b.desk.Continue(p)
	}
	if err != nil {
		b.planned.cut = store.Record{}
		b.cfg.warn(errors.Join(err, b.finish(p)))
	}
}

// finish grades the log of one run that was cut off. A run without a log that can be
// read has ended all the same: it must not be tried again at every start.
func (b *Box) finish(p store.Place) error {
	report, last, err := b.gradeLog(p)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot grade run %s, which was cut off: %w", p.Record().ID, err), interrupted(&p, time.Time{}, ""))
	}
	return errors.Join(desk.Save(p, report), interrupted(&p, last, report.Overall.Verdict))
}

// gradeLog makes the report of a log and tells the time of its last entry.
func (b *Box) gradeLog(p store.Place) (r report.Report, last time.Time, err error) {
	f, err := p.Read()
	if err != nil {
		return r, last, err
	}
	defer func() { _ = f.Close() }() // it was only read
	a := assess.New(b.cfg.Book, assess.About{File: session.LogName, Version: b.cfg.Version, Plan: "capture"})
	sum, counter := sha256.New(), &counted{}
	file := io.TeeReader(f, io.MultiWriter(sum, counter))
	log, err := evidence.NewReader(file)
	if err != nil {
		return r, last, err
	}
	if last, err = feed(log, a); err != nil {
		return r, last, err
	}
	if _, err = io.Copy(io.Discard, file); err != nil { // a torn log has a digest of all of it
		return r, last, err
	}
	return a.Report(assess.AsOf{SHA256: sum.Sum(nil), Bytes: counter.n, Truncated: log.Truncated()}), last, nil
}

func interrupted(p *store.Place, ended time.Time, verdict string) error {
	return p.Update(func(r *store.Record) {
		r.State, r.Why, r.Ended, r.Verdict = store.Interrupted, "The box stopped in the middle of the run.", ended, verdict
	})
}

// feed hands all entries on and tells the time of the last one.
func feed(r *evidence.Reader, a *assess.Assessor) (last time.Time, err error) {
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			a.Close()
			return last, nil
		}
		if err != nil {
			return last, err
		}
		last = e.At
		a.Add(e)
	}
}

// counted counts bytes.
type counted struct{ n uint64 }

func (c *counted) Write(p []byte) (int, error) {
	c.n += uint64(len(p))
	return len(p), nil
}

func (c *Config) warn(err error) {
	if c.Warn != nil {
		c.Warn(err)
	}
}
