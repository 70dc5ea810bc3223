package journal

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"assay/internal/assess/evidence"
)

// Kept is the file of a log that was begun before; *os.File is one.
type Kept interface {
	File
	io.ReadSeeker
	Truncate(size int64) error
}

// Continue goes on with a log whose writer was cut off: every entry that the file holds
// is handed to take, a torn end is cut away, and what is recorded from then on follows
// in the same file. What is graded is again what the file holds.
func Continue(f Kept, take func(evidence.Entry)) (*Log, error) {
	l := &Log{file: f, out: bufio.NewWriterSize(f, buffer), sum: sha256.New(), take: take}
	l.room.claim = claimOf(f)
	tail, err := l.reread(f)
	if err == nil {
		err = l.rewind(f, tail.Bytes)
	}
	if err == nil {
		err = l.room.want(l.size)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot go on with the evidence log: %w", err)
	}
	l.pcap = evidence.ContinueWriter(l, tail)
	return l, nil
}

// reread hands on what the file holds.
func (l *Log) reread(f io.Reader) (evidence.Tail, error) {
	r, err := evidence.NewReader(f)
	for err == nil {
		var e evidence.Entry
		if e, err = r.Next(); err == nil {
			l.last, l.when = e.Num, e.At
			if e.Kind == evidence.KindLost {
				l.base.Received, l.base.Dropped = e.Lost.Received, l.base.Dropped+e.Lost.Dropped
			}
			l.take(e)
		}
	}
	if !errors.Is(err, io.EOF) {
		return evidence.Tail{}, err
	}
	l.total = l.base
	tail, ok := r.Tail()
	if !ok {
		return tail, errors.New("it was not written by this program")
	}
	return tail, nil
}

// rewind cuts a torn end away and digests what is left; the file stands at its end then.
func (l *Log) rewind(f Kept, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(l.sum, f)
	l.size = uint64(n) //nolint:gosec // a count of bytes
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Forgone records that frames crossed the line which nobody recorded, nobody knows how
// many: from their absence nothing follows.
func (l *Log) Forgone(at time.Time) {
	if l.fits(at, 0) {
		l.base.Dropped++
		l.lost(at, l.base.Received, l.base.Dropped)
	}
}
