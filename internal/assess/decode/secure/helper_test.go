package secure

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// seen is one reported event.
type seen struct {
	off  int
	body event.Body
}

// recorder is a wire.Context that keeps what it is told.
type recorder struct {
	conn   wire.Conn
	ref    event.Ref
	offset int // of the offered bytes in their side's stream
	limit  int // how many bytes were offered
	bad    []string
	events []seen
	names  []string
}

func (r *recorder) Conn() wire.Conn      { return r.conn }
func (r *recorder) Now() time.Time       { return time.Unix(0, 0).UTC() }
func (r *recorder) Ref() event.Ref       { return r.ref }
func (r *recorder) Name(protocol string) { r.names = append(r.names, protocol) }
func (r *recorder) Emit(off int, body event.Body) {
	if off < 0 || off > r.limit {
		r.bad = append(r.bad, fmt.Sprintf("%T at offset %d of %d bytes", body, off, r.limit))
	}
	r.events = append(r.events, seen{r.offset + off, body})
}

// chunk is what one side sent at once.
type chunk struct {
	from event.Side
	data []byte
}

// load reads a recorded conversation: lines of "c" or "s" and hexadecimal bytes.
func load(t testing.TB, name string) []chunk {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var out []chunk
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		side, text, _ := strings.Cut(lines.Text(), " ")
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		from := event.FromClient
		if side == "s" {
			from = event.FromServer
		}
		out = append(out, chunk{from, data})
	}
	return out
}

// feed is the transport side's part of the contract: it keeps what a reader
// leaves and offers it again with what follows.
type feed struct {
	c      *recorder
	s      wire.Stream
	buf    [2][]byte
	start  [2]int
	over   [2]bool
	peak   int
	broken string
}

func newFeed(conn wire.Conn) *feed {
	return &feed{c: &recorder{conn: conn}, s: newStream(shelf{})}
}

func (f *feed) add(from event.Side, data []byte) {
	if f.over[from] {
		return
	}
	f.buf[from] = append(f.buf[from], data...)
	offered := bytes.Clone(f.buf[from])
	f.c.offset, f.c.limit = f.start[from], len(offered)
	step := f.s.Data(f.c, from, offered)
	for i := range offered { // a reader must not keep what it was shown
		offered[i] = 0xee
	}
	if step.Consumed < 0 || step.Consumed > len(offered) {
		f.broken = fmt.Sprintf("consumed %d of %d", step.Consumed, len(offered))
		f.over = [2]bool{true, true}
		return
	}
	f.buf[from] = f.buf[from][step.Consumed:]
	f.start[from] += step.Consumed
	f.peak = max(f.peak, len(f.buf[from]))
	f.over[from] = f.over[from] || step.Next == wire.SideDone
	if step.Next == wire.Done {
		f.over = [2]bool{true, true}
	}
}

func (f *feed) gap(from event.Side, n int) {
	if f.over[from] {
		return
	}
	f.start[from] += len(f.buf[from]) + n
	f.buf[from] = nil
	f.s.Gap(f.c, from, n)
}

// describe writes events for comparison with a golden file.
func describe(events []seen) string {
	var out strings.Builder
	for _, e := range events {
		fmt.Fprintf(&out, "%d %s %+v\n", e.off, strings.TrimPrefix(fmt.Sprintf("%T", e.body), "event."), e.body)
	}
	return out.String()
}

// golden compares text with a file; ASSAY_UPDATE=1 writes the file anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("ASSAY_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("events differ from %s\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// recordings lists the recorded conversations whose names begin so.
func recordings(t testing.TB, prefix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", prefix+"*.hex"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings %q: %v", prefix, err)
	}
	var out []string
	for _, p := range paths {
		out = append(out, strings.TrimSuffix(filepath.Base(p), ".hex"))
	}
	return out
}
