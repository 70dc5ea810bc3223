package decode

import (
	"encoding/binary"
	"time"

	"assay/internal/assess/event"
)

// Flags of TCP (RFC 9293 section 3.1).
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

// tcpPacket is one TCP segment on the wire.
type tcpPacket struct {
	from, to uint16
	seq, ack uint32
	flags    uint8
	data     []byte
	size     int // of the payload on the wire; data may be shorter
}

func (t *tcpPacket) opens() bool { return t.flags&(flagSYN|flagACK) == flagSYN }

// readTCP reads a segment (RFC 9293 section 3.1). Options are not needed; a
// segment whose options are broken is used all the same, as hosts do.
func (d *Decoder) readTCP(p *packet) {
	b := p.payload
	header := 0
	if len(b) >= 20 {
		header = int(b[12]>>4) * 4
	}
	if header < 20 || header > len(b)+p.missing {
		d.badNetwork(p, "tcp", len(b) < 20 && p.missing > 0, "no complete header")
		return
	}
	be := binary.BigEndian
	t := tcpPacket{
		from: be.Uint16(b[0:2]), to: be.Uint16(b[2:4]), seq: be.Uint32(b[4:8]), ack: be.Uint32(b[8:12]),
		flags: b[13], data: tail(b, header), size: len(b) + p.missing - header,
	}
	k, low := keyOf(p, t.from, t.to)
	if c := d.tcpConversation(p, &t, &k, low); c != nil {
		if c.conn.Guessed && len(t.data) > 0 {
			d.reconsider(c, c.side(low), t.data)
		}
		d.readSegment(c, p, &t, c.side(low))
	}
}

// tcpConversation finds the conversation of a segment or begins it. A reset
// alone begins none.
func (d *Decoder) tcpConversation(p *packet, t *tcpPacket, k *flowKey, low bool) *conversation {
	c := d.table.find(k)
	if c != nil && t.opens() && d.reopens(c, t, c.side(low)) {
		d.endConversation(c, event.EndedBySilence)
		d.table.remove(c)
		c = nil
	}
	if c != nil {
		return c
	}
	if t.flags&flagRST != 0 {
		d.noteAddress(p)
		return nil
	}
	o := opening{key: *k, low: low, transport: event.TCP, from: t.from, to: t.to, midway: !t.opens()}
	switch {
	case t.opens():
	case t.flags&flagSYN != 0:
		o.byServer = true
	default:
		o.byServer, o.guessed = d.midwayServer(addrPort(p.src, t.from), addrPort(p.dst, t.to))
	}
	return d.begin(p, o)
}

// reopenSilence is how long a conversation in use must have been silent before a
// new SYN is believed to replace it. Hosts answer a sudden one with a challenge
// (RFC 5961 section 4), so it means nothing.
const reopenSilence = int64(2 * time.Second)

// reopens reports whether a SYN begins a new conversation rather than repeating
// or disturbing the one that is known.
func (d *Decoder) reopens(c *conversation, t *tcpPacket, side event.Side) bool {
	h := &c.half[side]
	if h.hasISN && h.isn == t.seq {
		return false
	}
	return c.finished || c.reset || !c.established || d.nano-c.lastNano > reopenSilence
}

// readSegment applies a segment to its conversation.
func (d *Decoder) readSegment(c *conversation, p *packet, t *tcpPacket, side event.Side) {
	d.touch(c)
	d.counted(c, side, p)
	if c.finished {
		return
	}
	h, peer := &c.half[side], &c.half[1-side]
	if t.flags&flagRST != 0 {
		if acceptableReset(h, peer, t) { // what was under way to its sender is still read
			c.reset = true
			d.table.move(c, listClosing)
		}
		return
	}
	if c.isAnswered(side, t) {
		d.establish(c)
	}
	d.readPayload(c, p, t, side)
	d.checkFIN(c, side)
}

// readPayload applies sequence numbers and data of a segment.
func (d *Decoder) readPayload(c *conversation, p *packet, t *tcpPacket, side event.Side) {
	h, peer := &c.half[side], &c.half[1-side]
	seq := t.seq
	if t.flags&flagSYN != 0 {
		if h.hasISN && h.isn != t.seq {
			return
		}
		seq++
		h.begin(t.seq)
	}
	if t.flags&flagACK != 0 {
		peer.acknowledge(t.ack)
	}
	if t.size > 0 {
		d.receive(c, side, seq, t.data, t.size, p.first)
	}
	if t.flags&flagFIN != 0 {
		h.noteFIN(seq + uint32(t.size))
	}
}

// isAnswered reports whether a segment shows that the server took the connection.
func (c *conversation) isAnswered(side event.Side, t *tcpPacket) bool {
	client := &c.half[event.FromClient]
	if !c.opened {
		return client.packets > 0 && c.half[event.FromServer].packets > 0
	}
	return side == event.FromServer && t.flags&flagACK != 0 && int32(t.ack-client.isn) > 0
}

const (
	// resetBehind and resetAhead are how far a reset's sequence number may lie
	// from the next one expected: data may have crossed it, or be lost.
	resetBehind = -(64 << 10)
	resetAhead  = 1 << 20
)

// acceptableReset reports whether a reset is one that its receiver would have
// taken (RFC 9293 section 3.10.7, RFC 5961 section 3), as far as can be told.
func acceptableReset(h, peer *half, t *tcpPacket) bool {
	if h.init {
		diff := int32(t.seq - h.next)
		return diff >= resetBehind && diff <= resetAhead
	}
	if !peer.hasISN || t.flags&flagACK == 0 {
		return true
	}
	return int32(t.ack-peer.isn) > 0 && int32(t.ack-peer.next) <= 0
}

// checkFIN closes a side whose last byte was read, and the conversation when
// both sides are.
func (d *Decoder) checkFIN(c *conversation, side event.Side) {
	h := &c.half[side]
	if !h.hasFIN || h.next != h.fin || h.closed {
		return
	}
	d.closeSide(c, side)
	if c.half[1-side].closed {
		d.finish(c, event.EndedByClose)
		d.table.move(c, listClosing) // for the last acknowledgements
	}
}
