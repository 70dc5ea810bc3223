package traffic

import "encoding/binary"

// TCP flag bits (RFC 9293 section 3.1).
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagPSH = 8
	flagACK = 16
)

// segmentSize is the payload of a full segment on Ethernet, also over IPv6.
const segmentSize = 1420

// Conn is one TCP conversation on a cable.
type Conn struct {
	c              *Cable
	client, server End
	next           [2]uint32 // next sequence number of client and server
}

// Dial opens a TCP conversation with a handshake.
func (c *Cable) Dial(client, server End) *Conn {
	seed := uint32(client.Port)<<16 ^ uint32(c.Frames)*2654435761
	conn := &Conn{c: c, client: client, server: server, next: [2]uint32{seed, ^seed}}
	conn.segment(0, flagSYN, nil)
	conn.segment(1, flagSYN|flagACK, nil)
	conn.segment(0, flagACK, nil)
	return conn
}

// Client sends bytes to the server, Server the other way; each full segment is
// acknowledged.
func (t *Conn) Client(data []byte) { t.send(0, data) }

// Server sends bytes to the client.
func (t *Conn) Server(data []byte) { t.send(1, data) }

func (t *Conn) send(side int, data []byte) {
	for len(data) > 0 {
		n := min(len(data), segmentSize)
		t.segment(side, flagACK|flagPSH, data[:n])
		t.segment(1-side, flagACK, nil)
		data = data[n:]
	}
}

// Close ends the conversation from the client's side.
func (t *Conn) Close() {
	t.segment(0, flagFIN|flagACK, nil)
	t.segment(1, flagFIN|flagACK, nil)
	t.segment(0, flagACK, nil)
}

func (t *Conn) segment(side int, flags byte, data []byte) {
	from, to := t.client, t.server
	if side == 1 {
		from, to = to, from
	}
	b := make([]byte, 0, 20+len(data))
	b = binary.BigEndian.AppendUint16(b, from.Port)
	b = binary.BigEndian.AppendUint16(b, to.Port)
	b = binary.BigEndian.AppendUint32(b, t.next[side])
	ack := t.next[1-side]
	if flags&flagACK == 0 {
		ack = 0
	}
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	t.next[side] += uint32(len(data))
	if flags&(flagSYN|flagFIN) != 0 {
		t.next[side]++
	}
	t.c.ip(packet{srcMAC: from.MAC, dstMAC: to.MAC, src: from.Addr, dst: to.Addr,
		proto: protoTCP, hops: 64, payload: append(b, data...), sumAt: 16})
}
