package rpki

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// fileLimit bounds a file, unpacked, in bytes. The JSON of all VRPs is about 80 MB,
// the routes of the internet are about 30 MB.
const fileLimit = 1 << 30

// errTooLarge ends a file that is larger than any of its kind.
var errTooLarge = errors.New("it is larger than 1 GiB")

// unpacked gives the content of a file that may be compressed with gzip.
func unpacked(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, err := in.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return &bounded{in, fileLimit}, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack it: %w", err)
	}
	return &bounded{z, fileLimit}, nil
}

// bounded is a reader that fails, rather than ends, at its bound: a table that is
// cut off would give wrong states.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
