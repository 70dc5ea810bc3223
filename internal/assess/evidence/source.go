package evidence

import (
	"errors"
	"io"
)

// bufferSize is how much of the file is held at once. A frame never exceeds
// frameLimit, so every block that is kept fits.
const (
	bufferSize = 1 << 20
	// readSize is how much is read at a time: little enough that a processor still
	// has it in its cache when the bytes are digested and decoded.
	readSize = 128 << 10
	// frameLimit is the largest captured frame that is believed, as in libpcap
	// (MAXIMUM_SNAPLEN). More means that the file is damaged.
	frameLimit = 256 << 10
)

// source is a window on a stream: bytes are looked at in place and then skipped,
// so that reading a frame copies nothing.
type source struct {
	r    io.Reader
	buf  []byte
	from int   // first byte not skipped yet
	to   int   // end of what was read
	read int64 // bytes of the stream so far
	err  error // why no more can be read
}

func newSource(r io.Reader) *source {
	return &source{r: r, buf: make([]byte, bufferSize)}
}

// peek returns the next n bytes without skipping them, fewer only at the end.
// The slice is valid until the next peek or skip.
func (s *source) peek(n int) []byte {
	if s.to-s.from < n {
		s.fill(n)
	}
	return s.buf[s.from:min(s.from+n, s.to)]
}

// fill reads until n bytes are at hand, the stream ends or fails. n must not
// exceed the buffer.
func (s *source) fill(n int) {
	if s.from > 0 {
		copy(s.buf, s.buf[s.from:s.to])
		s.to -= s.from
		s.from = 0
	}
	for idle := 0; s.to-s.from < n && s.err == nil; {
		got, err := s.r.Read(s.buf[s.to:min(s.to+readSize, len(s.buf))])
		s.to += got
		s.read += int64(got)
		s.err = err
		if got > 0 {
			idle = 0
		} else if idle++; idle > 100 && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
}

// skip moves past n bytes, which may be more than the buffer holds, and returns
// how many there were.
func (s *source) skip(n int64) int64 {
	var done int64
	for done < n {
		step := min(n-done, int64(len(s.buf)))
		got := len(s.peek(int(step)))
		s.from += got
		done += int64(got)
		if int64(got) < step {
			break
		}
	}
	return done
}

// skipped is how many bytes of the stream were skipped so far.
func (s *source) skipped() int64 { return s.read - int64(s.to-s.from) }

// failure is the error that ended the stream, nil when it simply ended.
func (s *source) failure() error {
	if s.err == nil || errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}
