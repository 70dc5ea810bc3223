package decode

import (
	"encoding/binary"

	"assay/internal/assess/event"
)

// readUDP reads a UDP datagram (RFC 768).
func (d *Decoder) readUDP(p *packet) {
	b := p.payload
	if len(b) < 8 {
		d.badNetwork(p, "udp", p.missing > 0, "shorter than its header")
		return
	}
	size := int(binary.BigEndian.Uint16(b[4:6]))
	if size == 0 { // jumbogram (RFC 2675 section 4) or segmentation offload
		size = len(b) + p.missing
	}
	if size < 8 || size > len(b)+p.missing {
		d.malformed(p, "udp", "length disagrees with the packet")
		return
	}
	data := b[8:min(size, len(b))]
	from, to := binary.BigEndian.Uint16(b[0:2]), binary.BigEndian.Uint16(b[2:4])
	k, low := keyOf(p, from, to)
	c := d.table.find(&k)
	if c == nil {
		c = d.begin(p, opening{
			key: k, low: low, transport: event.UDP, from: from, to: to, byServer: servedFrom(from, to),
		})
	}
	d.readDatagram(c, p, low, data, size-8)
}

// readDatagram counts a datagram of size bytes and shows it to the reader, if
// the log holds it whole.
func (d *Decoder) readDatagram(c *conversation, p *packet, low bool, data []byte, size int) {
	side := c.side(low)
	d.touch(c)
	d.counted(c, side, p)
	if side == event.FromServer && c.half[event.FromClient].packets > 0 {
		d.establish(c)
	}
	h := &c.half[side]
	h.bytes += uint64(size)
	h.lone = p.first
	if len(data) < size {
		h.missing += uint64(size - len(data))
		return
	}
	if size > 0 {
		d.offerDatagram(c, side, data)
	}
}

const (
	// datagramTries is how many datagrams of one side recognisers are shown.
	datagramTries = 8
	// refusals is how many datagrams in a row a reader may refuse.
	refusals = 4
)

func (d *Decoder) offerDatagram(c *conversation, side event.Side, data []byte) {
	r := &c.reading
	h := &c.half[side]
	if r.datagram == nil && h.tries < datagramTries {
		h.tries++
		d.recogniseDatagram(c, side, data)
	}
	if r.datagram == nil {
		d.unknownDatagram(c, side, data)
		return
	}
	if r.datagram.Packet(d.context(c, side), side, data) {
		r.refused = 0
		if c.protocol == "" { // the reader is not sure yet
			d.measure(h, data)
		}
		return
	}
	d.unknownDatagram(c, side, data)
	if r.refused++; r.refused < refusals || r.restarts >= restartLimit {
		return
	}
	r.refused, r.datagram = 0, nil
	r.restarts++
	c.half[0].tries, c.half[1].tries = 0, 0
}

func (d *Decoder) recogniseDatagram(c *conversation, side event.Side, data []byte) {
	for i := range d.protocols.datagrams {
		k := &d.protocols.datagrams[i]
		if k.Recognise(c.conn, side, data) == yes {
			c.reading.datagram, c.protocol = k.New(), k.Name
			return
		}
	}
}

func (d *Decoder) unknownDatagram(c *conversation, side event.Side, data []byte) {
	if c.protocol == "" {
		d.measure(&c.half[side], data)
	}
	if c.reading.scanner == nil {
		c.reading.scanner = d.protocols.unknownDatagram()
	}
	c.reading.scanner.Packet(d.context(c, side), side, data)
}
