package clear

import (
	"bytes"

	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// h2Preface begins a client's HTTP/2 connection (RFC 9113 section 3.4).
const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// httpStream reads HTTP/1 (RFC 9110, RFC 9112) in both directions.
type httpStream struct {
	talk
	sides [2]httpSide
	// asked are the requests whose response has not come yet.
	asked []asked
	all   *pipelined
	// unpaired: bytes were lost, so which response answers which request is not
	// known any more.
	unpaired bool
	// held: after CONNECT or Upgrade the client's next bytes may be of another
	// protocol; the response tells.
	held  bool
	named bool
}

// asked is what a response needs to know of its request.
type asked struct {
	method, host, target string
	header, form         login
}

// httpSide is one direction.
type httpSide struct {
	phase    httpPhase
	searched int // how much of the offered bytes holds no end of the head
	body     bodyReader
	msg      message
	socket   socketSide
}

type httpPhase uint8

const (
	inHead httpPhase = iota
	inBody
	// astray looks for the beginning of a message.
	astray
	// inSocket reads the frames of a WebSocket.
	inSocket
	finished
)

// httpReaders makes the readers of one decoder, which share a bound.
func httpReaders() func(*scan.Patterns) wire.Stream {
	all := &pipelined{}
	return func(p *scan.Patterns) wire.Stream { return &httpStream{talk: newTalk(p, scanLimit), all: all} }
}

// Data implements wire.Stream.
func (s *httpStream) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if !s.named {
		s.named = true
		c.Name("http")
	}
	side := &s.sides[from]
	at := 0
	for at < len(data) {
		phase := side.phase
		used, next := s.step(c, from, at, data[at:])
		at += used
		if next != wire.More { // another reader goes on
			s.forget()
			return wire.Step{Consumed: at, Next: next}
		}
		if used == 0 && side.phase == phase {
			break // more bytes are needed
		}
	}
	return wire.Step{Consumed: at}
}

// step reads one piece: a head, a part of a body, or what leads to a message.
func (s *httpStream) step(c wire.Context, from event.Side, off int, data []byte) (int, wire.Next) {
	side := &s.sides[from]
	switch side.phase {
	case inHead:
		return s.head(c, from, off, data)
	case inBody:
		return s.bodyPiece(c, from, off, data), wire.More
	case astray:
		return side.seek(from, data), wire.More
	case inSocket:
		return side.socket.frames(&s.talk, c, from, off, data), wire.More
	default:
		return len(data), wire.More
	}
}

func (s *httpStream) head(c wire.Context, from event.Side, off int, data []byte) (int, wire.Next) {
	side := &s.sides[from]
	switch {
	case from == event.FromClient && s.held:
		return 0, wire.More
	case data[0] == '\r' || data[0] == '\n':
		return 1, wire.More
	case from == event.FromClient && bytes.HasPrefix(data, []byte(h2Preface)):
		return 0, wire.Restart
	}
	end := headEnd(data, side.searched)
	side.searched = len(data)
	switch {
	case end > headLimit, end < 0 && len(data) > headLimit:
		s.stray(from)
		return len(data), wire.More
	case end < 0:
		return 0, wire.More
	}
	return s.wholeHead(c, from, off, data[:end])
}

// wholeHead takes a head from its first line to its empty line.
func (s *httpStream) wholeHead(c wire.Context, from event.Side, off int, block []byte) (int, wire.Next) {
	s.sides[from].searched = 0
	end := len(block)
	h := parseHead(block)
	if !s.message(c, from, off, &h) {
		s.stray(from)
		return end, wire.More // at least its first line, or seek would find it again
	}
	s.look(c, from, off, block, scan.Full)
	s.endMessage(c, from, off)
	return end, s.afterHead(c, from, off, &h)
}

// message starts the message with that head; false when it is none.
func (s *httpStream) message(c wire.Context, from event.Side, off int, h *head) bool {
	if from == event.FromClient {
		return s.request(c, off, h)
	}
	return s.response(c, off, h)
}

// afterHead ends messages without a body and hands over to another protocol.
func (s *httpStream) afterHead(c wire.Context, from event.Side, off int, h *head) wire.Next {
	side := &s.sides[from]
	side.phase = inBody
	unframed := side.msg.unframed
	if side.body.framing == bodyNone {
		s.endBody(c, from, off)
	}
	if unframed {
		s.stray(from)
	}
	if from == event.FromClient || !side.msg.switches {
		return wire.More
	}
	if h.lists("upgrade", "websocket") {
		c.Name("websocket")
		s.sides[event.FromClient] = httpSide{phase: inSocket}
		s.sides[event.FromServer] = httpSide{phase: inSocket}
		return wire.More
	}
	return wire.Restart
}

func (s *httpStream) bodyPiece(c wire.Context, from event.Side, off int, data []byte) int {
	side := &s.sides[from]
	if s.bodyless(from, data) {
		s.endBody(c, from, off)
		return 0
	}
	step := side.body.next(data)
	if len(step.payload) > 0 {
		s.payload(c, from, off+step.used-len(step.payload), step.payload)
	}
	switch {
	case step.broken:
		s.endBody(c, from, off)
		s.stray(from)
	case step.done:
		s.endBody(c, from, off+max(0, step.used-1))
	}
	return step.used
}

// bodyless recognises the answer to an unseen HEAD request: where its body
// should begin the next response begins.
func (s *httpStream) bodyless(from event.Side, data []byte) bool {
	side := &s.sides[from]
	return from == event.FromServer && side.msg.method == "" && side.body.total == 0 &&
		side.body.framing == bodyFixed && bytes.HasPrefix(data, []byte("HTTP/1."))
}

// stray gives up the present message of a side and looks for the next.
func (s *httpStream) stray(from event.Side) {
	s.sides[from] = httpSide{phase: astray}
	s.lose()
}

// Gap implements wire.Stream.
func (s *httpStream) Gap(c wire.Context, from event.Side, n int) {
	side := &s.sides[from]
	s.scanner.Gap(from)
	if side.phase == inSocket {
		side.socket.gap(n)
		return
	}
	if side.phase == inBody {
		side.msg.broken = true
		if side.body.skip(n) {
			return
		}
		s.endBody(c, from, 0)
	}
	if side.phase != finished {
		s.stray(from)
	}
}

// Close implements wire.Stream.
func (s *httpStream) Close(c wire.Context, from event.Side) {
	side := &s.sides[from]
	if side.phase == inBody {
		s.endBody(c, from, 0)
	}
	if side.phase == inSocket {
		s.endMessage(c, from, 0)
	}
	side.phase = finished
}

// Release implements wire.Releaser.
func (s *httpStream) Release() { s.forget() }

// seek looks for the beginning of a message in a line of its own and tells how
// many bytes lie before it.
func (side *httpSide) seek(from event.Side, data []byte) int {
	at := 0
	for at < len(data) {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			break
		}
		if isFirstLine(from, string(bytes.TrimRight(data[at:min(at+i, at+lineLimit)], "\r"))) {
			side.phase = inHead
			return at
		}
		at += i + 1
	}
	if len(data)-at > lineLimit {
		return len(data)
	}
	return at
}

func isFirstLine(from event.Side, line string) bool {
	if from == event.FromServer {
		version, _, ok := statusLine(line)
		return ok && isHTTP(version)
	}
	_, _, version, ok := requestLine(line)
	return ok && isHTTP(version)
}

func isHTTP(version string) bool { return version == "HTTP/1.1" || version == "HTTP/1.0" }

// recogniseHTTP wants a whole first line.
func recogniseHTTP(_ wire.Conn, from event.Side, first []byte) wire.Match {
	return recogniseFirst(from, first, "HTTP/", isHTTP)
}

// recogniseFirst recognises a protocol with HTTP's kind of first line.
func recogniseFirst(from event.Side, first []byte, prefix string, is func(version string) bool) wire.Match {
	if from == event.FromClient {
		first = bytes.TrimLeft(first, "\r\n") // some begin with empty lines
	}
	line, _, whole := bytes.Cut(first[:min(len(first), lineLimit)], []byte("\n"))
	if !whole {
		return firstLineSoFar(from, line, prefix)
	}
	text := string(bytes.TrimRight(line, "\r"))
	version, _, ok := statusLine(text)
	if from == event.FromClient {
		_, _, version, ok = requestLine(text)
	}
	if ok && is(version) {
		return wire.Yes
	}
	return wire.No
}

// firstLineSoFar judges a first line that has not ended.
func firstLineSoFar(from event.Side, line []byte, prefix string) wire.Match {
	n := min(len(line), len(prefix))
	begins := string(line[:n]) == prefix[:n]
	if from == event.FromClient {
		method, _, found := bytes.Cut(line, []byte(" "))
		begins = isMethod(string(method)) || !found && len(method) < 3 && isMethod(string(method)+"GET")
	}
	if begins && len(line) < lineLimit {
		return wire.Maybe
	}
	return wire.No
}
