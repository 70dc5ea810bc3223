// Package traffic makes captures of virtual devices without a network: frames
// are laid on a cable with a clock of its own, in the order in which a real
// gateway would have recorded them. TLS bytes come from a real TLS stack.
//
// It owns how a conversation looks on the wire. It must not know how the result
// is graded.
package traffic

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// Station is one host on the cable.
type Station struct {
	MAC [6]byte
	V4  netip.Addr
	V6  netip.Addr // its address for internet traffic
	LLA netip.Addr // fe80::/10
}

// Cable records frames. Its clock only moves when it is told to.
type Cable struct {
	w     *evidence.Writer
	iface int
	now   time.Time
	frame []byte
	ipID  uint16
	err   error
	// Frames is how many were recorded.
	Frames int
}

// NewCable starts a capture of an Ethernet link at the given time.
func NewCable(w *evidence.Writer, start time.Time) (*Cable, error) {
	iface, err := w.AddInterface(evidence.Interface{Name: "lan", Link: evidence.LinkEthernet})
	if err != nil {
		return nil, err
	}
	return &Cable{w: w, iface: iface, now: start}, nil
}

// Wait moves the clock.
func (c *Cable) Wait(d time.Duration) { c.now = c.now.Add(d) }

// Err is the first error of writing.
func (c *Cable) Err() error { return c.err }

// put records one frame and moves the clock by 200 microseconds.
func (c *Cable) put(frame []byte) {
	if c.err != nil {
		return
	}
	if _, err := c.w.Packet(c.iface, c.now, len(frame), frame); err != nil {
		c.err = fmt.Errorf("cannot record frame %d: %w", c.Frames+1, err)
		return
	}
	c.Frames++
	c.Wait(200 * time.Microsecond)
}

// Ethernet records a frame with the given EtherType and payload.
func (c *Cable) Ethernet(src, dst [6]byte, etherType uint16, payload []byte) {
	c.put(append(ethernet(c.frame[:0], src, dst, etherType), payload...))
}

func ethernet(b []byte, src, dst [6]byte, etherType uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, src[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// IP protocol numbers.
const (
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// packet is one IP packet to be laid on the cable.
type packet struct {
	srcMAC, dstMAC [6]byte
	src, dst       netip.Addr
	proto          byte
	hops           byte
	payload        []byte // transport header and data; the checksum field is zero
	sumAt          int    // where in payload the checksum belongs
}

// ip records an IP packet, filling in lengths and checksums.
func (c *Cable) ip(p packet) {
	binary.BigEndian.PutUint16(p.payload[p.sumAt:], transportSum(p))
	b := c.frame[:0]
	if p.src.Is4() {
		c.ipID++
		b = ethernet(b, p.srcMAC, p.dstMAC, 0x0800)
		b = ipv4(b, p, c.ipID)
	} else {
		b = ethernet(b, p.srcMAC, p.dstMAC, 0x86dd)
		b = ipv6(b, p)
	}
	c.frame = append(b, p.payload...)
	c.put(c.frame)
}

func ipv4(b []byte, p packet, id uint16) []byte {
	at := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(p.payload)))
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0x40, 0, p.hops, p.proto, 0, 0)
	b = append(b, p.src.AsSlice()...)
	b = append(b, p.dst.AsSlice()...)
	binary.BigEndian.PutUint16(b[at+10:], ^fold(sum(0, b[at:])))
	return b
}

func ipv6(b []byte, p packet) []byte {
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.payload)))
	b = append(b, p.proto, p.hops)
	b = append(b, p.src.AsSlice()...)
	return append(b, p.dst.AsSlice()...)
}

// transportSum is the checksum over the pseudo-header and the payload (RFC 1071,
// RFC 8200 section 8.1).
func transportSum(p packet) uint16 {
	acc := sum(0, p.src.AsSlice())
	acc = sum(acc, p.dst.AsSlice())
	acc += uint32(p.proto) + uint32(len(p.payload))
	s := ^fold(sum(acc, p.payload))
	if s == 0 && p.proto == protoUDP {
		return 0xffff
	}
	return s
}

func sum(acc uint32, b []byte) uint32 {
	for len(b) >= 2 {
		acc += uint32(b[0])<<8 | uint32(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint32(b[0]) << 8
	}
	return acc
}

func fold(acc uint32) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return uint16(acc)
}

// End is one end of a datagram or conversation.
type End struct {
	MAC  [6]byte
	Addr netip.Addr
	Port uint16
}

// UDP records one datagram.
func (c *Cable) UDP(from, to End, data []byte) {
	b := make([]byte, 0, 8+len(data))
	b = binary.BigEndian.AppendUint16(b, from.Port)
	b = binary.BigEndian.AppendUint16(b, to.Port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(b, 0, 0)
	c.ip(packet{srcMAC: from.MAC, dstMAC: to.MAC, src: from.Addr, dst: to.Addr,
		proto: protoUDP, hops: 64, payload: append(b, data...), sumAt: 6})
}

// ICMPv6 records one message: type, code, body without the checksum.
func (c *Cable) ICMPv6(from, to End, kind, code byte, body []byte) {
	c.ip(packet{srcMAC: from.MAC, dstMAC: to.MAC, src: from.Addr, dst: to.Addr,
		proto: protoICMPv6, hops: 255, payload: append([]byte{kind, code, 0, 0}, body...), sumAt: 2})
}
