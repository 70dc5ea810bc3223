package assess

import (
	"encoding/binary"
	"fmt"
	"math/rand"
)

// sender makes the frames of a flood: without checksums, which nobody verifies.
type sender struct {
	rnd  *rand.Rand
	next [2]uint32 // sequence number of the client and of the server of talk
}

func newSender() *sender { return &sender{rnd: rand.New(rand.NewSource(1))} }

const (
	fromDevice = "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x0d"
	toDevice   = "\x02\x00\x00\x00\x00\x0d\x02\x00\x00\x00\x00\x01"
	deviceIP   = "\xc0\xa8\x01\x14"
	routerIP   = "\xc0\xa8\x01\x01"
	farIP      = "\xc6\x33\x64\x07"
)

func u16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func u32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// ip4 is an Ethernet frame with an IPv4 packet.
func ip4(macs, from, to string, proto byte, fragment int, body string) string {
	return macs + "\x08\x00\x45\x00" + u16(20+len(body)) + "\x00\x01" + u16(fragment) + "\x40" + string(proto) + "\x00\x00" + from + to + body
}

func udp(macs, from, to string, fromPort, toPort int, body string) string {
	return ip4(macs, from, to, 17, 0, u16(fromPort)+u16(toPort)+u16(8+len(body))+"\x00\x00"+body)
}

func tcp(macs, from, to string, fromPort, toPort int, flags byte, seq, ack uint32, body string) string {
	head := u16(fromPort) + u16(toPort) + u32(int(seq)) + u32(int(ack)) + "\x50" + string(rune(flags)) + "\xff\xff\x00\x00\x00\x00"
	return ip4(macs, from, to, 6, 0, head+body)
}

// talk is the next segment of the device's one conversation with a far port.
func (s *sender) talk(port int, fromClient bool, body string) string {
	const psh, ack = 8, 16
	side, macs, from, to, a, b := 0, fromDevice, deviceIP, farIP, 40000, port
	if !fromClient {
		side, macs, from, to, a, b = 1, toDevice, farIP, deviceIP, port, 40000
	}
	f := tcp(macs, from, to, a, b, psh|ack, s.next[side], s.next[1-side], body)
	s.next[side] += uint32(len(body))
	return f
}

// open is the handshake of talk, before its i-th segment.
func (s *sender) open(port, i int) (string, bool) {
	const syn, ack = 2, 16
	switch i {
	case 0:
		s.next = [2]uint32{1, 1}
		return tcp(fromDevice, deviceIP, farIP, 40000, port, syn, 0, 0, ""), true
	case 1:
		return tcp(toDevice, farIP, deviceIP, port, 40000, syn|ack, 0, 1, ""), true
	}
	return "", false
}

// words is a text that differs for each i, of about n bytes.
func words(i, n int) string {
	w := fmt.Sprintf("w%08x", i)
	for len(w) < n {
		w += w
	}
	return w[:max(n, 9)]
}

// name is a domain name of its own for each i, on the wire.
func name(i int) string { return "\x09" + words(i, 9) + "\x07example\x03com\x00" }

func (s *sender) address() string { return u32(int(s.rnd.Uint32()&0x7fffffff | 0x08000000)) }
