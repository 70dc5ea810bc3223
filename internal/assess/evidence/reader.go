package evidence

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reader reads the entries of a capture file one after the other, in one pass
// and constant memory.
type Reader struct {
	src       *source
	next      func() bool // reads the next entry into entry
	entry     Entry
	format    string
	num       Ref
	truncated string
	pcap      pcapState
	ng        ngState
}

// NewReader opens a capture: pcap or pcapng, either byte order, also compressed
// with gzip. A file that is neither gives a *NotCaptureError.
func NewReader(r io.Reader) (*Reader, error) {
	src := newSource(r)
	if head := src.peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		unpacked, err := gzip.NewReader(&drain{src})
		if err != nil {
			return nil, fmt.Errorf("cannot unpack gzip: %w", err)
		}
		src = newSource(unpacked)
	}
	return open(src)
}

// drain gives the bytes of a source that were peeked at back to a reader.
type drain struct{ src *source }

func (d *drain) Read(p []byte) (int, error) {
	if len(d.src.peek(1)) == 0 {
		if err := d.src.failure(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	n := copy(p, d.src.buf[d.src.from:d.src.to])
	d.src.from += n
	return n, nil
}

func open(src *source) (*Reader, error) {
	rd := &Reader{src: src}
	head := src.peek(64)
	if err := src.failure(); err != nil && len(head) < 24 {
		return nil, fmt.Errorf("cannot read the file: %w", err)
	}
	switch {
	case len(head) >= 4 && rd.openPcap(head):
		rd.next = rd.nextPcap
	case len(head) >= 12 && isSectionHeader(head):
		rd.format = "pcapng"
		rd.next = rd.nextBlock
	default:
		return nil, &NotCaptureError{Found: describe(head)}
	}
	return rd, nil
}

// isSectionHeader tells a pcapng Section Header Block by its type and its
// byte-order magic.
func isSectionHeader(head []byte) bool {
	if binary.LittleEndian.Uint32(head) != blockSection {
		return false
	}
	return binary.LittleEndian.Uint32(head[8:]) == ngMagic || binary.BigEndian.Uint32(head[8:]) == ngMagic
}

// Next returns the next entry, or io.EOF at the end of the file. A file that
// ends in the middle of an entry, or is damaged from some point on, ends there
// too: Truncated then says why. Any other error is a failure to read.
func (rd *Reader) Next() (Entry, error) {
	if rd.next() {
		return rd.entry, nil
	}
	if err := rd.src.failure(); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) {
			rd.cut("the compressed file ends in the middle")
			return Entry{}, io.EOF
		}
		return Entry{}, fmt.Errorf("cannot read on after frame %d: %w", rd.num, err)
	}
	return Entry{}, io.EOF
}

// Format is "pcap" or "pcapng", with a remark on time resolution where known.
func (rd *Reader) Format() string { return rd.format }

// Truncated says in words why the file could not be read to its end, or "".
func (rd *Reader) Truncated() string { return rd.truncated }

// Frames is how many frames were read so far: the last evidence number.
func (rd *Reader) Frames() uint64 { return uint64(rd.num) }

// cut ends the file here, with the first reason given.
func (rd *Reader) cut(format string, args ...any) bool {
	if rd.truncated == "" {
		rd.truncated = fmt.Sprintf(format, args...)
	}
	rd.next = func() bool { return false }
	return false
}
