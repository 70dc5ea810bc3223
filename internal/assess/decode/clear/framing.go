package clear

import (
	"bytes"
	"strconv"
	"strings"
)

// framing is how the end of an HTTP body is told (RFC 9112 section 6).
type framing uint8

const (
	bodyNone framing = iota
	bodyFixed
	bodyChunked
	bodyUntilClose
)

// chunkLineLimit is the longest line before a chunk, with its extensions.
const chunkLineLimit = 1024

// bodyReader walks over a body without holding it.
type bodyReader struct {
	framing framing
	left    int64 // of a fixed body or of the present chunk
	total   int64 // payload bytes so far
	part    chunkPart
}

type chunkPart uint8

const (
	chunkSize chunkPart = iota
	chunkData
	chunkEnd
	chunkTrailer
)

// bodyStep is what one call of next did: used bytes, the last of which are
// payload. With nothing used and neither flag set it needs more bytes.
type bodyStep struct {
	used    int
	payload []byte
	done    bool
	broken  bool
}

func (b *bodyReader) next(data []byte) bodyStep {
	switch b.framing {
	case bodyFixed:
		return b.take(data, b.left <= int64(len(data)))
	case bodyChunked:
		return b.chunk(data)
	case bodyUntilClose:
		b.left = int64(len(data))
		return b.take(data, false)
	default:
		return bodyStep{done: true}
	}
}

func (b *bodyReader) take(data []byte, done bool) bodyStep {
	n := int(min(b.left, int64(len(data))))
	b.left -= int64(n)
	b.total += int64(n)
	return bodyStep{used: n, payload: data[:n], done: done}
}

func (b *bodyReader) chunk(data []byte) bodyStep {
	if b.part == chunkData {
		step := b.take(data, false)
		if b.left == 0 {
			b.part = chunkEnd
		}
		return step
	}
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return bodyStep{broken: len(data) > chunkLineLimit}
	}
	line := strings.TrimSpace(string(data[:min(end, chunkLineLimit)]))
	return b.chunkLine(line, end+1)
}

func (b *bodyReader) chunkLine(line string, used int) bodyStep {
	if b.part == chunkEnd {
		b.part = chunkSize
		return bodyStep{used: used, broken: line != ""}
	}
	if b.part == chunkTrailer {
		return bodyStep{used: used, done: line == ""}
	}
	digits, _, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 62)
	if err != nil {
		return bodyStep{broken: true}
	}
	b.left, b.part = int64(size), chunkData
	if size == 0 {
		b.part = chunkTrailer
	}
	return bodyStep{used: used}
}

// skip passes over n missing bytes; false when where the body ends is lost with
// them.
func (b *bodyReader) skip(n int) bool {
	switch {
	case b.framing == bodyUntilClose:
		return true
	case b.framing == bodyFixed || b.framing == bodyChunked && b.part == chunkData:
		if int64(n) >= b.left {
			return false
		}
		b.left -= int64(n)
		return true
	}
	return false
}

// bodyOf reads the framing off a head. bare says that no body can follow
// whatever the fields say; open that without a length it lasts until the close.
func bodyOf(h *head, bare, open bool) (bodyReader, bool) {
	length, told, ok := contentLength(h)
	switch {
	case bare:
		return bodyReader{}, true
	case h.lists("transfer-encoding", "chunked"):
		return bodyReader{framing: bodyChunked}, true
	case !ok:
		return bodyReader{}, false
	case told && length > 0:
		return bodyReader{framing: bodyFixed, left: length}, true
	case told || !open:
		return bodyReader{}, true
	default:
		return bodyReader{framing: bodyUntilClose}, true
	}
}

// contentLength reads Content-Length; ok is false when it makes no sense or
// occurs with different values (RFC 9112 section 6.3).
func contentLength(h *head) (length int64, told, ok bool) {
	for _, value := range h.all("content-length") {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 || told && n != length {
			return 0, true, false
		}
		length, told = n, true
	}
	return length, told, true
}
