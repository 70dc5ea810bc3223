package secure

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	dtlsHeaderLen   = 13
	dtlsFragmentLen = 12
	// flightLimit is how many unfinished messages of one side are kept.
	flightLimit = 4
	// sequenceLimit bounds the message numbers of one handshake.
	sequenceLimit = 64
)

// dtls reads DTLS 1.0 and 1.2 (RFC 6347) and the readable part of 1.3 (RFC 9147).
type dtls struct {
	session
	lot  *lot
	half [2]dtlsHalf
}

type dtlsHalf struct {
	pending []dtlsMessage
	done    uint64 // bit n: message n was read
	hidden  int    // records with a connection id, whose kind is encrypted
}

// dtlsMessage is a handshake message that is not complete.
type dtlsMessage struct {
	seq, size int
	kind      byte
	assembly
}

func newDTLS(l *lot) wire.Datagram {
	return &dtls{lot: l, session: session{transport: event.DTLS, name: "dtls"}}
}

// dtlsRecord is one record of a datagram.
type dtlsRecord struct {
	kind  byte
	epoch int
	body  []byte
}

// readDTLSRecord cuts the first record off a datagram.
func readDTLSRecord(b []byte) (r dtlsRecord, rest []byte, ok bool) {
	if len(b) < dtlsHeaderLen || b[0] < recordCCS || b[0] > recordCID || b[1] != 0xfe || b[2] != 0xff && b[2] != 0xfd {
		return r, nil, false
	}
	r.kind, r.epoch = b[0], u16(b[3:])
	if r.kind == recordCID { // the id's length is not in the record: take it all
		r.body = b[dtlsHeaderLen:]
		return r, nil, true
	}
	end := dtlsHeaderLen + u16(b[11:])
	if end > len(b) {
		return r, nil, false
	}
	r.body = b[dtlsHeaderLen:end]
	return r, b[end:], true
}

func recogniseDTLS(_ wire.Conn, _ event.Side, data []byte) wire.Match {
	r, rest, ok := readDTLSRecord(data)
	if !ok {
		return wire.No
	}
	if r.kind == recordHandshake && r.epoch == 0 {
		if len(r.body) < dtlsFragmentLen || !isHandshakeType(r.body[0]) {
			return wire.No
		}
		return wire.Yes
	}
	if len(rest) == 0 || rest[0] >= recordCCS && rest[0] <= recordCID {
		return wire.Yes
	}
	return wire.No
}

// Packet reads the records of one datagram.
func (d *dtls) Packet(c wire.Context, from event.Side, data []byte) bool {
	if len(data) > 0 && data[0]>>5 == 1 && d.greeted {
		d.unified(c, from, data)
		return true
	}
	read := false
	for len(data) > 0 {
		r, rest, ok := readDTLSRecord(data)
		if !ok {
			break
		}
		read = true
		d.introduce(c)
		d.record(c, from, r)
		data = rest
	}
	return read
}

// unified notes a record with the header of DTLS 1.3, which is always encrypted.
// Epoch 3 is application data, 2 the handshake (RFC 9147 sections 4 and 6.1).
func (d *dtls) unified(c wire.Context, from event.Side, data []byte) {
	if data[0]&3 == 3 && d.is13() {
		d.appData(c, from, 0, len(data))
	}
}

func (d *dtls) record(c wire.Context, from event.Side, r dtlsRecord) {
	switch r.kind {
	case recordCCS:
		d.keysChanged(c, from, 0)
	case recordAppData:
		d.appData(c, from, 0, len(r.body))
	case recordAlert:
		d.dtlsAlert(c, from, r)
	case recordHandshake:
		if r.epoch == 0 {
			d.fragments(c, from, r.body)
		}
	case recordCID:
		// The first such record of a side is its Finished message.
		if h := &d.half[from]; h.hidden > 0 {
			d.appData(c, from, 0, len(r.body))
		} else {
			h.hidden++
		}
	}
}

func (d *dtls) dtlsAlert(c wire.Context, from event.Side, r dtlsRecord) {
	if r.epoch > 0 {
		d.emit(c, 0, event.TLSAlert{From: from, Encrypted: true})
		return
	}
	d.alert(c, from, 0, r.body)
}

// fragments reads the handshake fragments in one record (RFC 6347 section 4.2.2).
func (d *dtls) fragments(c wire.Context, from event.Side, b []byte) {
	for len(b) >= dtlsFragmentLen {
		kind, size, seq := b[0], uint24(b[1:]), u16(b[4:])
		off, n := uint24(b[6:]), uint24(b[9:])
		b = b[dtlsFragmentLen:]
		if n > len(b) || off+n > size || size > assemblyLimit || !isHandshakeType(kind) {
			d.broken(c, from, 0, "a handshake fragment whose lengths do not add up")
			return
		}
		d.fragment(c, from, dtlsMessage{seq: seq, size: size, kind: kind}, off, b[:n])
		b = b[n:]
	}
}

func (d *dtls) fragment(c wire.Context, from event.Side, m dtlsMessage, off int, piece []byte) {
	h := &d.half[from]
	if m.kind == typeHelloVerify || m.seq >= sequenceLimit || h.done>>m.seq&1 == 1 && m.kind != typeClientHello {
		return
	}
	if len(piece) == m.size {
		d.whole(c, from, m, piece)
		return
	}
	p := h.find(m)
	if p == nil || !p.add(d.lot, off, piece) {
		return
	}
	if ready := p.ready(); len(ready) == p.size {
		whole := *p
		h.drop(m)
		d.whole(c, from, whole, ready)
	}
}

// find returns the unfinished message that m is a piece of, or makes room for it.
func (h *dtlsHalf) find(m dtlsMessage) *dtlsMessage {
	for i := range h.pending {
		p := &h.pending[i]
		if p.seq == m.seq && p.kind == m.kind && p.size == m.size {
			return p
		}
	}
	if len(h.pending) >= flightLimit {
		h.pending = append(h.pending[:0], h.pending[1:]...)
	}
	h.pending = append(h.pending, m)
	return &h.pending[len(h.pending)-1]
}

func (h *dtlsHalf) drop(m dtlsMessage) {
	for i, p := range h.pending {
		if p.seq == m.seq && p.kind == m.kind && p.size == m.size {
			h.pending = append(h.pending[:i], h.pending[i+1:]...)
			return
		}
	}
}

func (d *dtls) whole(c wire.Context, from event.Side, m dtlsMessage, body []byte) {
	before := d.client.random
	known := d.greeted
	d.message(c, from, 0, m.kind, body)
	if m.kind == typeClientHello && known && before != d.client.random {
		d.half = [2]dtlsHalf{} // another session begins
	}
	d.half[from].done |= 1 << m.seq
}
