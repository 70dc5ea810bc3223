package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
)

// tally digests and counts what is read through it.
type tally struct {
	from io.Reader
	sum  hash.Hash
	size uint64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.sum.Write(p[:n])
	t.size += uint64(n)
	return n, err
}

// read feeds a capture file to an assessor and returns what is known of the file.
func read(c *console, name string, a *assess.Assessor) (assess.AsOf, error) {
	from, size, err := openEvidence(c, name)
	if err != nil {
		return assess.AsOf{}, err
	}
	defer func() { _ = from.Close() }() // it was only read
	t := &tally{from: from, sum: sha256.New()}
	r, err := evidence.NewReader(t)
	if err != nil {
		return assess.AsOf{}, fail(exitData, "cannot read %s: %w; tcpdump -w or Wireshark record a capture", shown(name), err)
	}
	if err := feed(r, a, newProgress(c, shown(name), t, size)); err != nil {
		return assess.AsOf{}, fail(exitData, "cannot read %s: %w", shown(name), err)
	}
	// A damaged file is read to its end all the same: its digest names all of it.
	if _, err := io.Copy(io.Discard, t); err != nil {
		return assess.AsOf{}, fail(exitData, "cannot read %s: %w", shown(name), err)
	}
	return assess.AsOf{SHA256: t.sum.Sum(nil), Bytes: t.size, Truncated: r.Truncated()}, nil
}

func feed(r *evidence.Reader, a *assess.Assessor, p *progress) error {
	defer p.end()
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			a.Close()
			return nil
		case err != nil:
			return err
		}
		a.Add(e)
		p.step()
	}
}

// openEvidence opens a file, or standard input for "-". Size is 0 when unknown.
func openEvidence(c *console, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(c.in), 0, nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fail(exitMissing, "cannot read %s: there is no such file", shown(name))
	}
	if err != nil {
		return nil, 0, fail(exitMissing, "cannot read %s: %w", shown(name), bare(err))
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		_ = f.Close()
		return nil, 0, fail(exitData, "cannot read %s: it is a folder; name the capture files in it", shown(name))
	}
	if err != nil {
		return f, 0, nil
	}
	return f, info.Size(), nil
}

// shown is a file's name for messages.
func shown(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// progress tells a waiting person how far the reading is.
type progress struct {
	c      *console
	name   string
	tally  *tally
	size   int64
	frames int
	next   time.Time
	shown  bool
}

func newProgress(c *console, name string, t *tally, size int64) *progress {
	return &progress{c: c, name: name, tally: t, size: size, next: time.Now().Add(time.Second)}
}

// step looks at the clock every few thousand frames.
func (p *progress) step() {
	const every = 4096
	p.frames++
	if !p.c.progress || p.frames%every != 0 || time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(200 * time.Millisecond)
	p.shown = true
	share := ""
	if p.size > 0 {
		share = fmt.Sprintf("%3d %%, ", 100*int64(p.tally.size)/p.size)
	}
	p.c.tell("\r\x1b[Kreading %s: %s%d frames", p.name, share, p.frames)
}

func (p *progress) end() {
	if p.shown {
		p.c.tell("\r\x1b[K")
	}
}
