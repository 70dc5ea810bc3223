package secure

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// keepLimit is how many bytes of an unfinished handshake message are left
	// unconsumed, so that its first frame is known; beyond it they are taken. With
	// one whole record behind it this stays below wire.BufferLimit.
	keepLimit = 32 << 10
	// sealedLimit is how many encrypted bytes are passed over, on both sides
	// together, in wait for the first application data.
	sealedLimit = 64 << 10
)

// stream reads TLS over TCP.
type stream struct {
	session
	half   [2]half
	sealed int
}

// half is one side of a stream.
type half struct {
	scanned int    // offered bytes that were read but not yet consumed
	skip    int    // bytes of a record still to be passed over
	want    int    // bytes still missing of the record that is being waited for
	partial []byte // handshake message that is not complete
	at      int    // where it began in the offered bytes
	began   bool   // a first record was read
	lost    bool   // bytes are missing: the next record must be found
	over    bool   // no more is to be read of this side
}

func newStream(known shelf) wire.Stream {
	return &stream{session: session{transport: event.TCP, name: "tls", known: known}}
}

// Data reads the records in the offered bytes.
func (s *stream) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	h := &s.half[from]
	if h.over {
		return wire.Step{Consumed: len(data), Next: wire.SideDone}
	}
	pos := min(h.scanned, len(data))
	h.want = 0
	for pos < len(data) && !h.over && !s.done() {
		n := s.next(c, from, data, pos)
		if n == 0 {
			break
		}
		pos += n
	}
	return wire.Step{Consumed: h.consumed(pos, len(data)), Next: s.after(h)}
}

// consumed settles what need not be offered again.
func (h *half) consumed(pos, end int) int {
	if h.over {
		return end
	}
	n := pos
	if len(h.partial) > 0 && pos-h.at <= keepLimit {
		n = h.at
	}
	h.at = max(h.at-n, 0)
	h.scanned = pos - n
	return n
}

// done says that the rest of the conversation need only be counted.
func (s *stream) done() bool {
	return s.settled() || s.worn() || s.sealed > sealedLimit || s.half[0].over && s.half[1].over
}

func (s *stream) after(h *half) wire.Next {
	switch {
	case s.done():
		return wire.Done
	case h.over:
		return wire.SideDone
	default:
		return wire.More
	}
}

// next reads what begins at pos and returns how far it came; 0 asks for more bytes.
func (s *stream) next(c wire.Context, from event.Side, data []byte, pos int) int {
	h := &s.half[from]
	rest := data[pos:]
	if h.skip > 0 {
		n := min(h.skip, len(rest))
		h.skip -= n
		return n
	}
	if !h.began && from == event.FromClient && rest[0]&0x80 != 0 && !h.lost {
		return s.ssl2Client(c, h, pos, rest)
	}
	if len(rest) < recordHeaderLen {
		return 0
	}
	r, ok := readRecordHeader(rest)
	if !ok {
		return s.stray(c, from, pos, rest)
	}
	h.began, h.lost = true, false
	s.introduce(c)
	return s.record(c, from, pos, rest, r)
}

// stray handles bytes that are no record.
func (s *stream) stray(c wire.Context, from event.Side, pos int, rest []byte) int {
	h := &s.half[from]
	if s.client.SSL2 && from == event.FromServer && rest[0]&0x80 != 0 && !h.began {
		s.ssl2Server(c, pos, rest)
	} else if !h.lost {
		s.broken(c, from, pos, "bytes that are no TLS record")
	}
	h.over = true
	return len(rest)
}

// record reads one record whose header is there.
func (s *stream) record(c wire.Context, from event.Side, pos int, rest []byte, r recordHeader) int {
	h := &s.half[from]
	if s.sealedBy(from, rest, r) {
		return s.pass(c, from, pos, r)
	}
	if len(rest) < recordHeaderLen+r.length {
		h.want = recordHeaderLen + r.length - len(rest)
		return 0
	}
	body := rest[recordHeaderLen : recordHeaderLen+r.length]
	switch r.kind {
	case recordCCS:
		s.keysChanged(c, from, pos)
	case recordAlert:
		s.alert(c, from, pos, body)
	default:
		s.handshake(c, from, pos, body)
	}
	return recordHeaderLen + r.length
}

// sealedBy says that a record is encrypted. After ChangeCipherSpec handshake
// messages are, but for TLS 1.3.
func (s *stream) sealedBy(from event.Side, rest []byte, r recordHeader) bool {
	switch {
	case r.kind == recordAppData || r.kind == recordHeartbeat:
		return true
	case r.kind != recordHandshake || !s.changed[from] || s.is13():
		return false
	default:
		return s.version != 0 || from == event.FromServer || !mayBeHello(rest, r)
	}
}

// mayBeHello says, where the ServerHello was not seen, that a record is exactly
// one ClientHello and so the answer to a HelloRetryRequest, or may yet turn out to be.
func mayBeHello(rest []byte, r recordHeader) bool {
	if len(rest) < recordHeaderLen+r.length {
		return true
	}
	body := rest[recordHeaderLen : recordHeaderLen+r.length]
	return r.length >= 4 && body[0] == typeClientHello && uint24(body[1:])+4 == r.length
}

// pass steps over a record that is encrypted.
func (s *stream) pass(c wire.Context, from event.Side, pos int, r recordHeader) int {
	h := &s.half[from]
	h.partial = nil
	h.skip = r.length
	s.sealed += r.length
	if r.kind == recordAppData {
		s.appData(c, from, pos, r.length)
	}
	return recordHeaderLen
}

// handshake reads the messages in one record, which may begin in an earlier one
// and end in a later one.
func (s *stream) handshake(c wire.Context, from event.Side, pos int, body []byte) {
	h := &s.half[from]
	buf, start, base := body, pos, pos+recordHeaderLen
	if len(h.partial) > 0 {
		base -= len(h.partial)
		h.partial = append(h.partial, body...)
		buf, start = h.partial, h.at
	}
	off := 0
	for len(buf)-off >= 4 {
		kind, size := buf[off], uint24(buf[off+1:])
		if !isHandshakeType(kind) || size > messageLimit {
			s.broken(c, from, start, "a handshake message of unknown type or absurd length")
			h.partial, h.over = nil, true
			return
		}
		if len(buf)-off-4 < size {
			break
		}
		s.message(c, from, start, kind, buf[off+4:off+4+size])
		off += 4 + size
		start = base + off
	}
	h.keep(buf[off:], off, start)
}

// keep remembers an unfinished message that began at start.
func (h *half) keep(rest []byte, off, start int) {
	h.at = max(start, 0)
	switch {
	case len(rest) == 0:
		h.partial = nil
	case off > 0 || len(h.partial) == 0:
		h.partial = append([]byte(nil), rest...)
	}
}

// ssl2Client reads a ClientHello in the format of SSL 2.0.
func (s *stream) ssl2Client(c wire.Context, h *half, pos int, rest []byte) int {
	if len(rest) < ssl2HeadLen {
		return 0
	}
	size := ssl2Length(rest)
	if size == 0 {
		h.over = true
		return len(rest)
	}
	if len(rest) < size {
		return 0
	}
	h.began = true
	hello, ok := readSSL2(rest[:size])
	if !ok {
		s.broken(c, event.FromClient, pos, "an SSL 2.0 hello with too many cipher kinds")
		return size
	}
	hello.Transport = event.TCP
	s.client, s.greeted = hello, true
	s.emit(c, pos, hello.ClientHello)
	return size
}

// ssl2Server notes that the server answered in SSL 2.0.
func (s *stream) ssl2Server(c wire.Context, pos int, rest []byte) {
	if rest[2] == ssl2ServerHello {
		s.emit(c, pos, event.ServerHello{Transport: event.TCP, Version: 2})
	}
}

// Gap passes over missing bytes: within a record whose length is known the next
// one is known too, else it must be found.
func (s *stream) Gap(_ wire.Context, from event.Side, n int) {
	h := &s.half[from]
	known := h.skip + h.want
	h.scanned, h.at, h.partial = 0, 0, nil
	h.skip, h.want = max(known-n, 0), 0
	if n > known {
		h.lost, h.began = true, true
	}
}

// Close says that this side will send no more.
func (s *stream) Close(wire.Context, event.Side) {}
