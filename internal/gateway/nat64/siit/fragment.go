package siit

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Bounds of reassembly. A datagram of 64 KiB comes in 53 fragments of the least MTU.
const (
	maxWaiting   = 64              // datagrams that wait for more, of all senders
	maxOfOne     = 16              // the same, of one sender
	maxParts     = 64              // fragments of one datagram
	maxHeld      = 1 << 20         // bytes of all of them
	fragmentTime = 4 * time.Second // FRAGMENT_MIN of RFC 6146 section 4 is 2 seconds
)

// Overlap and Flood are why fragments are dropped.
const (
	Overlap Reason = "fragments that overlap"
	Flood   Reason = "too many fragments"
)

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	protocol uint8
}

type datagram struct {
	parts []Packet // in the order of arrival
	have  int      // bytes
	total int      // bytes of all, 0 while the last part is missing
	until time.Duration
}

// Reassembler puts fragments together: the ports of a packet stand in its first
// fragment, and the checksum of ICMPv6 covers the length of all. Its zero value is
// ready; it is not safe for use by several goroutines.
type Reassembler struct {
	waiting map[fragmentKey]*datagram
	order   []fragmentKey // oldest first; some may be done
	held    int
}

// Add takes a fragment at the time now and gives the whole packet once all are
// there.
func (r *Reassembler) Add(p Packet, now time.Duration) (whole Packet, done bool, reason Reason) {
	if r.waiting == nil {
		r.waiting = map[fragmentKey]*datagram{}
	}
	r.expire(now)
	k := fragmentKey{p.Src, p.Dst, p.ID, p.Protocol}
	d := r.waiting[k]
	if d == nil {
		if r.of(p.Src) >= maxOfOne {
			return p, false, Flood
		}
		d = &datagram{until: now + fragmentTime}
		r.waiting[k] = d
		r.order = append(r.order, k)
	}
	if reason := d.add(p); reason != "" {
		r.drop(k)
		return p, false, reason
	}
	r.held += len(p.Payload)
	for len(r.waiting) > maxWaiting || r.held > maxHeld {
		r.dropOldest()
	}
	if d.total == 0 || d.have != d.total || r.waiting[k] != d {
		return p, false, ""
	}
	whole = d.whole()
	r.drop(k)
	return whole, true, ""
}

// of counts what waits of one sender.
func (r *Reassembler) of(src netip.Addr) (n int) {
	for k := range r.waiting {
		if k.src == src {
			n++
		}
	}
	return n
}

func (r *Reassembler) expire(now time.Duration) {
	for len(r.order) > 0 {
		d := r.waiting[r.order[0]]
		if d != nil && d.until > now {
			return
		}
		r.dropOldest()
	}
}

func (r *Reassembler) dropOldest() {
	k := r.order[0]
	r.drop(k)
}

func (r *Reassembler) drop(k fragmentKey) {
	if d := r.waiting[k]; d != nil {
		r.held -= d.have
		delete(r.waiting, k)
	}
	for i, o := range r.order {
		if o == k {
			r.order = append(r.order[:i], r.order[i+1:]...)
			return
		}
	}
}

// add takes one part. Parts that overlap end the whole datagram (RFC 5722).
func (d *datagram) add(p Packet) Reason {
	if len(d.parts) >= maxParts {
		return Flood
	}
	if !d.fits(p) {
		return Overlap
	}
	if !p.More {
		d.total = p.Offset + p.Length
	}
	p.Payload = append([]byte(nil), p.Payload...)
	d.parts = append(d.parts, p)
	d.have += p.Length
	return ""
}

// fits says whether a part neither overlaps another nor lies behind the last.
func (d *datagram) fits(p Packet) bool {
	end := p.Offset + p.Length
	if p.Length == 0 || d.total != 0 && (!p.More || end > d.total) {
		return false
	}
	for _, o := range d.parts {
		behind := o.Offset + o.Length
		if p.Offset < behind && o.Offset < end || !p.More && behind > end {
			return false
		}
	}
	return true
}

// whole joins the parts; the header is that of the first.
func (d *datagram) whole() Packet {
	out := Packet{}
	b := make([]byte, d.total)
	for _, p := range d.parts {
		copy(b[p.Offset:], p.Payload)
		if p.Offset == 0 {
			out = p
		}
	}
	out.Fragment, out.More, out.Offset, out.Reassembled, out.DontFragment = false, false, 0, true, false
	out.Payload, out.Length = b, d.total
	return out
}

// Split6 cuts an IPv6 packet without extension headers into fragments of at most
// mtu bytes.
func Split6(packet []byte, mtu int, id uint32, emit func([]byte)) {
	body, size := packet[HeaderIPv6:], (mtu-HeaderIPv6-headerFrag)&^7
	for at := 0; at < len(body); at += size {
		part := body[at:min(at+size, len(body))]
		out := append(make([]byte, 0, mtu), packet[:HeaderIPv6]...)
		put(out[4:], uint16(headerFrag+len(part)))
		out[6] = extFragment
		field := uint16(at)
		if at+len(part) < len(body) {
			field |= 1
		}
		out = append(out, packet[6], 0)
		out = binary.BigEndian.AppendUint16(out, field)
		emit(append(binary.BigEndian.AppendUint32(out, id), part...))
	}
}

// Split4 does the same with an IPv4 packet without options. It has an identification.
func Split4(packet []byte, mtu int, emit func([]byte)) {
	body, size := packet[HeaderIPv4:], (mtu-HeaderIPv4)&^7
	for at := 0; at < len(body); at += size {
		part := body[at:min(at+size, len(body))]
		out := append(make([]byte, 0, mtu), packet[:HeaderIPv4]...)
		put(out[2:], uint16(HeaderIPv4+len(part)))
		field := uint16(at / 8)
		if at+len(part) < len(body) {
			field |= 0x2000
		}
		put(out[6:], field)
		put(out[10:], 0)
		put(out[10:], checksum(0, out))
		emit(append(out, part...))
	}
}
