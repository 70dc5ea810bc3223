//go:build linux

package box

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
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
		if err := b.finish(p); err != nil {
			b.cfg.warn(err)
		}
	}
	return nil
}

// finish grades the log of one run that was cut off.
func (b *Box) finish(p store.Place) error {
	f, err := p.Read()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	a := assess.New(b.cfg.Book, assess.About{File: session.LogName, Version: b.cfg.Version, Plan: "capture"})
	sum, counter := sha256.New(), &counted{}
	file := io.TeeReader(f, io.MultiWriter(sum, counter))
	r, err := evidence.NewReader(file)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot grade run %s, which was cut off: %w", p.Record().ID, err), interrupted(&p, time.Time{}, ""))
	}
	last, err := feed(r, a)
	if err == nil {
		_, err = io.Copy(io.Discard, file) // a torn log has a digest of all of it
	}
	if err != nil {
		return fmt.Errorf("cannot grade run %s, which was cut off: %w", p.Record().ID, err)
	}
	report := a.Report(assess.AsOf{SHA256: sum.Sum(nil), Bytes: counter.n, Truncated: r.Truncated()})
	return errors.Join(desk.Save(p, report), interrupted(&p, last, report.Overall.Verdict))
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
