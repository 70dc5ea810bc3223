package siit

import "encoding/binary"

// smallIPv4 is the size up to which a translated packet may be fragmented on its
// way (RFC 7915 section 5.1).
const smallIPv4 = 1260

// ToIPv4 appends the IPv4 packet for a whole IPv6 packet of any kind but Other and
// Error. id is used where the packet may be fragmented.
func ToIPv4(out []byte, p Packet, e Ends, id uint16) ([]byte, Reason) {
	if reason := p.checkWhole(); reason != "" {
		return out, reason
	}
	p.DontFragment = !p.Reassembled && HeaderIPv4+p.Length > smallIPv4
	out = header4(out, p, e, id)
	return transport(out, p, e)
}

// ToIPv6 appends the IPv6 packet for a whole IPv4 packet of any kind but Other and
// Error.
func ToIPv6(out []byte, p Packet, e Ends) ([]byte, Reason) {
	if reason := p.checkWhole(); reason != "" {
		return out, reason
	}
	out = header6(out, p, e)
	return transport(out, p, e)
}

// checkWhole refuses what is not all there. IPv6 has no UDP without a checksum (RFC
// 8200 section 8.1).
func (p Packet) checkWhole() Reason {
	if p.Fragment || p.Length != len(p.Payload) {
		return Malformed
	}
	switch p.Kind() {
	case Other, Error:
		return Protocol
	case TCP:
		if p.Length < headerTCP {
			return Malformed
		}
	case UDP:
		return p.checkUDP()
	case Request, Reply:
	}
	return ""
}

func (p Packet) checkUDP() Reason {
	if p.Src.Is6() && binary.BigEndian.Uint16(p.Payload[6:]) == 0 {
		return Checksum
	}
	if int(binary.BigEndian.Uint16(p.Payload[4:])) != p.Length {
		return Malformed
	}
	return ""
}

// header4 appends the header of an IPv4 packet with the payload of p (RFC 7915
// section 5.1).
func header4(out []byte, p Packet, e Ends, id uint16) []byte {
	at := len(out)
	protocol := p.Protocol
	if protocol == ProtoICMPv6 {
		protocol = ProtoICMPv4
	}
	flags := uint16(p.Offset / 8)
	if p.DontFragment {
		flags, id = flags|0x4000, 0
	}
	if p.More {
		flags |= 0x2000
	}
	out = append(out, 0x45, p.Class)
	out = binary.BigEndian.AppendUint16(out, uint16(min(HeaderIPv4+p.Length, maxPacket)))
	out = binary.BigEndian.AppendUint16(out, id)
	out = binary.BigEndian.AppendUint16(out, flags)
	out = append(out, p.Hops, protocol, 0, 0)
	src, dst := e.Src.As4(), e.Dst.As4()
	out = append(append(out, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(out[at+10:], checksum(0, out[at:]))
	return out
}

// header6 appends the header of an IPv6 packet with the payload of p, and a fragment
// header where p is a part (RFC 7915 section 4.1).
func header6(out []byte, p Packet, e Ends) []byte {
	protocol, length := p.Protocol, p.Length
	if protocol == ProtoICMPv4 {
		protocol = ProtoICMPv6
	}
	next := protocol
	if p.Fragment {
		next, length = extFragment, length+headerFrag
	}
	out = append(out, 0x60|p.Class>>4, p.Class<<4, 0, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(min(length, maxPacket)))
	out = append(out, next, p.Hops)
	src, dst := e.Src.As16(), e.Dst.As16()
	out = append(append(out, src[:]...), dst[:]...)
	if !p.Fragment {
		return out
	}
	field := uint16(p.Offset)
	if p.More {
		field |= 1
	}
	out = append(out, protocol, 0)
	out = binary.BigEndian.AppendUint16(out, field)
	return binary.BigEndian.AppendUint32(out, p.ID)
}

// transport appends the payload with new ports and the checksum that fits. Of a
// quoted packet the checksum may be cut off.
func transport(out []byte, p Packet, e Ends) ([]byte, Reason) {
	at := len(out)
	out = append(out, p.Payload...)
	b := out[at:]
	switch p.Kind() {
	case TCP:
		const field = 16
		minus, plus := ports(b, p, e)
		if len(b) >= field+2 {
			put(b[field:], adjust(binary.BigEndian.Uint16(b[field:]), minus, plus))
		}
	case UDP:
		minus, plus := ports(b, p, e)
		udpChecksum(b, p, e, minus, plus)
	case Request, Reply:
		echo(b, p, e)
	case Other, Error:
		return out[:at], Protocol
	}
	return out, ""
}

func put(b []byte, v uint16) { binary.BigEndian.PutUint16(b, v) }

// ports writes the ports and gives the sums of what left and what came, addresses
// included.
func ports(b []byte, p Packet, e Ends) (minus, plus uint64) {
	minus = sum(addresses(p.Src, p.Dst), b[:4])
	put(b, e.SrcPort)
	put(b[2:], e.DstPort)
	return minus, sum(addresses(e.Src, e.Dst), b[:4])
}

// udpChecksum adjusts the checksum of a datagram; one without a checksum, which IPv4
// allows, gets one (RFC 7915 section 4.5). Of a quoted datagram it cannot be known,
// so that it stays zero there.
func udpChecksum(b []byte, p Packet, e Ends, minus, plus uint64) {
	const field = 6
	check := binary.BigEndian.Uint16(b[field:])
	switch {
	case check != 0:
		check = adjust(check, minus, plus)
	case p.Length == len(b):
		check = checksum(pseudo(e.Src, e.Dst, ProtoUDP, p.Length), b)
	default:
		return
	}
	if check == 0 {
		check = 0xffff // zero says that there is none (RFC 768)
	}
	put(b[field:], check)
}

// echo translates an echo message. Only the checksum of ICMPv6 covers addresses.
func echo(b []byte, p Packet, e Ends) {
	minus, plus := uint64(0), uint64(0)
	minus = sum(sum(minus, b[:2]), b[4:6])
	if p.Src.Is6() {
		minus += pseudo(p.Src, p.Dst, ProtoICMPv6, p.Length)
		b[0] = map[bool]byte{true: type4Request, false: type4Reply}[b[0] == type6Request]
	} else {
		plus += pseudo(e.Src, e.Dst, ProtoICMPv6, p.Length)
		b[0] = map[bool]byte{true: type6Request, false: type6Reply}[b[0] == type4Request]
	}
	put(b[4:], e.SrcPort)
	plus = sum(sum(plus, b[:2]), b[4:6])
	put(b[2:], adjust(binary.BigEndian.Uint16(b[2:]), minus, plus))
}
