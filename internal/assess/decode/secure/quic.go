package secure

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// attemptLimit is how many Initial packets of one conversation are decrypted in
// the hope of a handshake message.
const attemptLimit = 64

// quic reads QUIC versions 1 (RFC 9000) and 2 (RFC 9369) as far as anybody can:
// the Initial packets, which carry both hellos.
type quic struct {
	session
	lot      *lot
	dcid     []byte // the client's first Destination Connection ID, which the keys come from
	keys     []initialKeys
	half     [2]quicHalf
	attempts int
	known    bool
	seen     [2]bool // QUICSeen was reported
}

// quicHalf is the CRYPTO stream of one side.
type quicHalf struct {
	assembly
	read int // bytes of complete messages
}

func newQUIC(l *lot) wire.Datagram {
	return &quic{lot: l, session: session{transport: event.QUIC, name: "quic"}}
}

func recogniseQUIC(_ wire.Conn, from event.Side, data []byte) wire.Match {
	if _, ok := googleVersion(data); ok {
		return wire.Yes
	}
	h, ok := readLongHeader(data)
	if !ok {
		return wire.No
	}
	if h.isPlausible(from) {
		return wire.Yes
	}
	return wire.No
}

// isPlausible says that what follows a long header fits its version.
func (h longHeader) isPlausible(from event.Side) bool {
	switch {
	case h.version == 0: // Version Negotiation, RFC 9000 section 17.2.1
		return from == event.FromServer && len(h.rest) >= 4 && len(h.rest)%4 == 0
	case h.isReadable():
		_, ok := h.packet()
		return ok
	default:
		return h.isForeign() && (from == event.FromServer || len(h.all) >= quicDatagramMin)
	}
}

// quicDatagramMin is the least size of a client's first datagram (RFC 9000
// section 14.1).
const quicDatagramMin = 1200

// Packet reads the packets of one datagram.
func (q *quic) Packet(c wire.Context, from event.Side, data []byte) bool {
	if v, ok := googleVersion(data); ok {
		q.name = "gquic"
		q.introduce(c)
		q.know(c, from, v, false)
		return true
	}
	if len(data) > 0 && data[0]&0xc0 == 0x40 {
		return q.short(c, from, len(data))
	}
	read := false
	for len(data) > 0 {
		h, ok := readLongHeader(data)
		if !ok {
			break
		}
		read = true
		q.introduce(c)
		n := q.long(c, from, h, data)
		data = data[n:]
		if len(data) > 0 && data[0]&0xc0 == 0x40 {
			q.short(c, from, len(data))
			break
		}
	}
	q.known = q.known || read
	return read
}

// short notes a 1-RTT packet: a client has those keys only when it has accepted
// the handshake (RFC 9001 section 4.1.1).
func (q *quic) short(c wire.Context, from event.Side, length int) bool {
	if q.known && !q.app[from].any {
		q.app[from].any = true
		q.emit(c, 0, event.TLSAppData{From: from, Length: length})
	}
	return q.known
}

// long reads one packet with a long header and returns its length.
func (q *quic) long(c wire.Context, from event.Side, h longHeader, data []byte) int {
	if !h.isReadable() {
		q.know(c, from, h.version, false)
		return len(data)
	}
	p, ok := h.packet()
	if !ok {
		return len(data)
	}
	if h.kind() == packetInitial && !q.finished(from) {
		q.initial(c, from, h, p, data[:p.end])
	}
	return p.end
}

// finished says that this side's hello has been read and no other is expected: a
// client's may still be followed by that of another session.
func (q *quic) finished(from event.Side) bool {
	return q.attempts >= attemptLimit || from == event.FromServer && q.version != 0 && !q.retried
}

func (q *quic) initial(c wire.Context, from event.Side, h longHeader, p quicPacket, packet []byte) {
	q.attempts++
	payload, ok := q.open(from, h, p, packet)
	q.know(c, from, h.version, ok)
	if ok {
		q.frames(c, from, payload)
	}
}

// know reports once for each side that QUIC was seen.
func (q *quic) know(c wire.Context, from event.Side, version uint32, readable bool) {
	if q.seen[from] {
		return
	}
	q.seen[from] = true
	q.emit(c, 0, event.QUICSeen{Version: version, From: from, Readable: readable})
}

// open decrypts an Initial with the keys of this session. A client's packet that
// does not open may be the first of another session, or the answer to a Retry,
// which changes the connection ID: then its own ID gives the keys.
func (q *quic) open(from event.Side, h longHeader, p quicPacket, packet []byte) ([]byte, bool) {
	if q.dcid != nil {
		if payload, ok := q.keysFor(h.version)[from].open(p, packet); ok {
			return payload, true
		}
	}
	if from == event.FromServer {
		return nil, false
	}
	fresh := deriveInitial(h.version, h.dcid)
	payload, ok := fresh.side[from].open(p, packet)
	if ok {
		q.dcid, q.keys = append([]byte{}, h.dcid...), []initialKeys{fresh}
		q.half = [2]quicHalf{}
		q.version, q.retried = 0, false
	}
	return payload, ok
}

// keysFor returns the keys of a version: a server may answer a version 1 client
// in version 2, with keys from the same connection ID (RFC 9369 section 4.1).
func (q *quic) keysFor(version uint32) [2]packetKeys {
	for _, k := range q.keys {
		if k.version == version {
			return k.side
		}
	}
	k := deriveInitial(version, q.dcid)
	q.keys = append(q.keys, k) // at most one for each readable version
	return k.side
}

// frames collects the CRYPTO frames of a decrypted payload and reads the
// messages that are complete.
func (q *quic) frames(c wire.Context, from event.Side, payload []byte) {
	readFrames(payload, func(off int, piece []byte) bool { return q.half[from].add(q.lot, off, piece) })
	h := &q.half[from]
	ready := h.ready()
	for len(ready)-h.read >= 4 {
		kind, size := ready[h.read], uint24(ready[h.read+1:])
		if !isHandshakeType(kind) || size > messageLimit {
			q.broken(c, from, 0, "a handshake message of unknown type or absurd length")
			q.attempts = attemptLimit
			return
		}
		if len(ready)-h.read-4 < size {
			return
		}
		body := ready[h.read+4 : h.read+4+size]
		h.read += 4 + size
		q.message(c, from, 0, kind, body)
	}
}
