package desk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/gateway/capture"
	"assay/internal/run/config"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/rules"
	"assay/testbench/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var box = [6]byte{0x02, 0xa5, 0x5a, 0, 0, 1}

// cable plays frames at their times on the test's clock.
type cable struct {
	frames []capture.Frame
	start  time.Time // of the frames
	begun  time.Time // on the test's clock
	counts capture.Counts
	links  chan capture.LinkChange
}

func (c *cable) Next(ctx context.Context) (capture.Batch, error) {
	var due <-chan time.Time
	if len(c.frames) > 0 {
		due = time.After(time.Until(c.begun.Add(c.frames[0].At.Sub(c.start))))
	}
	select {
	case <-due:
		f := c.frames[0]
		c.frames = c.frames[1:]
		f.At = c.begun.Add(f.At.Sub(c.start))
		c.counts.Seen++
		return capture.Batch{Frames: []capture.Frame{f}}, nil
	case l := <-c.links:
		return capture.Batch{Link: l, At: time.Now()}, nil
	case <-ctx.Done():
		return capture.Batch{}, ctx.Err()
	}
}

func (c *cable) Release()               {}
func (c *cable) Counts() capture.Counts { return capture.Counts{} }
func (c *cable) Address() [6]byte       { return box }

// lives are the frames of all virtual devices, laid over each other.
func lives(t *testing.T) *cable {
	t.Helper()
	c := &cable{links: make(chan capture.LinkChange)}
	for _, d := range traffic.Devices() {
		var life bytes.Buffer
		if err := d.Write(&life); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries(t, &life) {
			c.frames = append(c.frames, capture.Frame{At: e.At, Length: e.Packet.Length, Data: e.Packet.Data, Outgoing: [6]byte(e.Packet.Data[6:12]) == box})
		}
	}
	slices.SortStableFunc(c.frames, func(a, b capture.Frame) int { return a.At.Compare(b.At) })
	c.start, c.begun = c.frames[0].At, time.Now()
	return c
}

func entries(t *testing.T, from io.Reader) []evidence.Entry {
	t.Helper()
	r, err := evidence.NewReader(from)
	if err != nil {
		t.Fatal(err)
	}
	var out []evidence.Entry
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Packet.Data = bytes.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

// pass lets time go by on the clock of the test's bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

type world struct {
	desk  *Desk
	store *store.Store
	cable *cable
	book  assess.Book
	last  map[string]session.Snapshot // by device
}

// watch runs a desk over the cable for the given time.
func watch(t *testing.T, c *cable, r config.Run, during func(*world), length time.Duration) *world {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "runs"), store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	book, err := assess.LoadBook(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: s, cable: c, book: book, last: map[string]session.Snapshot{}}
	w.desk = New(Config{
		Interface: "lan0", Frames: c, Store: s, Book: book, Version: "v", Plan: "observe", Run: r,
		Publish: func(s session.Snapshot) { w.last[s.Record.DUT] = s },
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.desk.Serve(ctx) }()
	if during != nil {
		during(w)
	}
	pass(length)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return w
}

// kept are the runs on disk, by device.
func (w *world) kept(t *testing.T) map[string]store.Place {
	t.Helper()
	list, err := w.store.List()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]store.Place{}
	for _, p := range list {
		out[p.Record().MAC] = p
	}
	return out
}

// regrade grades the log of a run as somebody would who got the file alone.
func (w *world) regrade(t *testing.T, p store.Place) (report.Report, []evidence.Entry) {
	t.Helper()
	f, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	list := entries(t, bytes.NewReader(text))
	a := assess.New(w.book, assess.About{File: session.LogName, Version: "v", Plan: "capture"})
	for _, e := range list {
		a.Add(e)
	}
	a.Close()
	return a.Report(asOf(text)), list
}
