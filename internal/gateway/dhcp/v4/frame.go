package v4

import (
	"encoding/binary"
	"net/netip"
)

const (
	serverPort = 67
	clientPort = 68

	etherIPv4 = 0x0800
	etherARP  = 0x0806

	etherLen = 14
	arpLen   = etherLen + 28
)

var broadcastMAC = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

var broadcastIP = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// destination is where a reply goes (RFC 2131 section 4.1). A client without an
// address cannot answer ARP, hence both addresses.
type destination struct {
	mac MAC
	ip  netip.Addr
}

// datagram wraps a payload into the Ethernet, IPv4 and UDP headers of a server's
// reply, appended to buf.
func datagram(buf []byte, from MAC, source netip.Addr, to destination, payload []byte) []byte {
	buf = ether(buf, to.mac, from, etherIPv4)
	src, dst := source.As4(), to.ip.As4()
	ip := len(buf)
	buf = append(buf, 0x45, 0x10, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0) // low delay, don't fragment
	buf = append(append(buf, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(buf[ip+2:], uint16(28+len(payload)))
	binary.BigEndian.PutUint16(buf[ip+10:], ^sum(0, buf[ip:]))
	udp := len(buf)
	buf = append(buf, 0, serverPort, 0, clientPort, 0, 0, 0, 0)
	buf = append(buf, payload...)
	length := uint16(8 + len(payload))
	binary.BigEndian.PutUint16(buf[udp+4:], length)
	pseudo := sum(17+uint32(length), buf[ip+12:ip+20])
	check := ^sum(uint32(pseudo), buf[udp:])
	if check == 0 {
		check = 0xffff // zero would mean "no checksum" (RFC 768)
	}
	binary.BigEndian.PutUint16(buf[udp+6:], check)
	return buf
}

func ether(buf []byte, to, from MAC, kind uint16) []byte {
	buf = append(append(buf, to[:]...), from[:]...)
	return binary.BigEndian.AppendUint16(buf, kind)
}

// sum is the internet checksum's sum (RFC 1071), not yet complemented.
func sum(start uint32, b []byte) uint16 {
	s := start
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// arpProbe asks who has an address without claiming one (RFC 5227 section 2.1.1).
func arpProbe(from MAC, wanted netip.Addr) []byte {
	buf := ether(make([]byte, 0, arpLen), broadcastMAC, from, etherARP)
	buf = append(buf, 0, 1, 8, 0, 6, 4, 0, 1)
	buf = append(buf, from[:]...)
	buf = append(buf, make([]byte, 4+6)...)
	target := wanted.As4()
	return append(buf, target[:]...)
}

// arpSays reads from an ARP frame which MAC address uses which IPv4 address. A
// probe uses none yet.
func arpSays(frame []byte) (MAC, netip.Addr, bool) {
	if len(frame) < arpLen || binary.BigEndian.Uint16(frame[12:]) != etherARP {
		return MAC{}, netip.Addr{}, false
	}
	b := frame[etherLen:]
	if [6]byte(b[:6]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return MAC{}, netip.Addr{}, false
	}
	addr := netip.AddrFrom4([4]byte(b[14:18]))
	return MAC(b[8:14]), addr, !addr.IsUnspecified()
}
