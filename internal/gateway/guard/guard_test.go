package guard

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/evidence"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestBucket(t *testing.T) {
	b := Bucket{Rate: 2, Burst: 3}
	for i, c := range []struct {
		at   time.Duration
		want bool
	}{
		{0, true}, {0, true}, {0, true}, {0, false},
		{250 * time.Millisecond, false}, {500 * time.Millisecond, true}, {500 * time.Millisecond, false},
		{-time.Hour, false}, // a clock set back gives nothing
		{-time.Hour + 500*time.Millisecond, true},
		{time.Hour, true}, {time.Hour, true}, {time.Hour, true}, {time.Hour, false},
	} {
		if got := b.Take(start.Add(c.at)); got != c.want {
			t.Errorf("step %d: %t", i, got)
		}
	}
	if (&Bucket{}).Take(start) {
		t.Error("the zero bucket allows something")
	}
}

func TestSourcesAreBoundedAndApart(t *testing.T) {
	s := Sources[int]{Rate: 1, Burst: 1, Limit: 100}
	if !s.Allow(start, 1) || s.Allow(start, 1) || !s.Allow(start, 2) {
		t.Error("two sources share a limit")
	}
	for i := range 10000 {
		s.Allow(start, i)
		if n := len(s.young) + len(s.old); n > 200 {
			t.Fatalf("%d sources are remembered", n)
		}
	}
}

func TestRefusalsAreNotedSparingly(t *testing.T) {
	now, notes := start, []string{}
	l := NewLedger("test", func(n evidence.Note) { notes = append(notes, n.Kind+" "+string(n.Body)) }, func() time.Time { return now })
	for range 1000 {
		l.Refuse("malformed", "<from>")
	}
	now = now.Add(noteEvery)
	l.Refuse("malformed", "")
	l.Refuse("relayed", "")
	want := []string{
		`refused {"service":"test","reason":"malformed","count":1,"from":"\u003cfrom\u003e"}`,
		`refused {"service":"test","reason":"malformed","count":1001}`, `refused {"service":"test","reason":"relayed","count":1}`,
	}
	if strings.Join(notes, "\n") != strings.Join(want, "\n") {
		t.Errorf("noted\n%s", strings.Join(notes, "\n"))
	}
	for range 1000 {
		l.Note("lease", 1)
	}
	if c := l.Counts(); len(notes) != 3+notesBurst || c["notes left out"] != 1000-notesBurst || c["refused: malformed"] != 1001 {
		t.Errorf("%d notes, counted %v", len(notes), c)
	}
}

// socket is a Closer that says when it was closed.
type socket struct{ closed chan struct{} }

func (s *socket) Close() error {
	close(s.closed)
	return nil
}

// TestKeep: a socket that fails is opened again, with pauses; the end of the context
// closes it and is no error.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		l := NewLedger("test", nil, time.Now)
		opened, served := 0, 0
		open := func() (*socket, error) {
			if opened++; opened > 1 && opened < 6 {
				return nil, errors.New("no port")
			}
			return &socket{make(chan struct{})}, nil
		}
		begun := time.Now()
		err := Keep(ctx, l, open, func(_ context.Context, s *socket) error {
			if served++; served == 1 {
				return errors.New("link is down")
			}
			<-s.closed
			return errors.New("closed")
		})
		if err != nil || opened != 6 || served != 2 || time.Since(begun) != time.Minute || l.Counts()["reopened"] != 1 {
			t.Errorf("%v: opened %d times, served %d, ended after %v", err, opened, served, time.Since(begun))
		}
	})
}

func TestKeepTellsOfAPortThatCannotBeHad(t *testing.T) {
	broken := func() (*socket, error) { return nil, errors.New("port in use") }
	err := Keep(t.Context(), NewLedger("test", nil, time.Now), broken, func(context.Context, *socket) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "port in use") {
		t.Errorf("a port that cannot be had: %v", err)
	}
}
