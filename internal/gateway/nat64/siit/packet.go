package siit

import (
	"encoding/binary"
	"net/netip"
)

// Reason says in constant words why a packet is not translated; "" says that it is.
type Reason string

// The reasons.
const (
	Malformed   Reason = "a malformed header"
	SourceRoute Reason = "a source route"
	Protocol    Reason = "a protocol that is not translated"
	Checksum    Reason = "a wrong checksum"
	NoMeaning   Reason = "a message without a meaning in the other version"
)

// Protocol numbers (IANA).
const (
	ProtoICMPv4 = 1
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoICMPv6 = 58
)

// Sizes of headers in bytes.
const (
	HeaderIPv4   = 20
	HeaderIPv6   = 40
	headerFrag   = 8
	headerUDP    = 8
	headerTCP    = 20
	headerICMP   = 8
	maxPacket    = 65535
	LeastMTUIPv6 = 1280 // RFC 8200 section 5
)

// Packet is an IP packet of either version without its header.
type Packet struct {
	Src, Dst netip.Addr
	Class    uint8 // traffic class, type of service
	Hops     uint8 // hop limit, time to live
	Protocol uint8 // of Payload
	// DontFragment is the bit of IPv4.
	DontFragment bool
	// Fragment says that this is one part of a packet: Offset in bytes, More parts
	// to come, all with the same ID.
	Fragment bool
	More     bool
	Offset   int
	ID       uint32
	// Reassembled says that the packet came in fragments.
	Reassembled bool
	// Length is how long the payload is by the header: more than len(Payload) in a
	// packet that an ICMP error quotes.
	Length  int
	Payload []byte // part of the bytes that were parsed
}

// ParseIPv4 reads an IPv4 packet. A quoted one may be cut short.
func ParseIPv4(b []byte, quoted bool) (Packet, Reason) {
	if len(b) < HeaderIPv4 || b[0]>>4 != 4 {
		return Packet{}, Malformed
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < HeaderIPv4 || head > len(b) || total < head || total > len(b) && !quoted {
		return Packet{}, Malformed
	}
	if sourceRouted(b[HeaderIPv4:head]) {
		return Packet{}, SourceRoute
	}
	flags := binary.BigEndian.Uint16(b[6:])
	p := Packet{
		Src: netip.AddrFrom4([4]byte(b[12:])), Dst: netip.AddrFrom4([4]byte(b[16:])),
		Class: b[1], Hops: b[8], Protocol: b[9],
		DontFragment: flags&0x4000 != 0, More: flags&0x2000 != 0, Offset: int(flags&0x1fff) * 8,
		ID: uint32(binary.BigEndian.Uint16(b[4:])), Length: total - head, Payload: b[head:min(total, len(b))],
	}
	p.Fragment = p.More || p.Offset > 0
	return p, p.checkFragment()
}

func (p Packet) checkFragment() Reason {
	if p.Offset+p.Length > maxPacket || p.More && (p.Length == 0 || p.Length%8 != 0) {
		return Malformed
	}
	return ""
}

// The options of IPv4 that name routers (RFC 791 section 3.1).
const (
	optionEnd   = 0
	optionNone  = 1
	optionLoose = 131
	optionExact = 137
)

// sourceRouted says whether options name routers; RFC 7915 section 4.1 refuses
// such packets. Options that do not fit are no better.
func sourceRouted(b []byte) bool {
	for len(b) > 0 {
		switch b[0] {
		case optionEnd:
			return false
		case optionNone:
			b = b[1:]
			continue
		case optionLoose, optionExact:
			return true
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return true
		}
		b = b[b[1]:]
	}
	return false
}

// Extension headers that are stepped over (RFC 7915 section 5.1), and the fragment
// header.
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extDestination = 60
	maxExtensions  = 8 // beyond that a packet has no honest use
)

// ParseIPv6 reads an IPv6 packet. A quoted one may be cut short, but not within its
// headers.
func ParseIPv6(b []byte, quoted bool) (Packet, Reason) {
	if len(b) < HeaderIPv6 || b[0]>>4 != 6 {
		return Packet{}, Malformed
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if HeaderIPv6+length > len(b) && !quoted {
		return Packet{}, Malformed
	}
	p := Packet{
		Src: netip.AddrFrom16([16]byte(b[8:])), Dst: netip.AddrFrom16([16]byte(b[24:])),
		Class: b[0]<<4 | b[1]>>4, Hops: b[7], Protocol: b[6],
		Length: length, Payload: b[HeaderIPv6:min(HeaderIPv6+length, len(b))],
	}
	for range maxExtensions {
		more, reason := p.extension()
		if reason != "" || !more {
			return p, reason
		}
	}
	return p, Malformed
}

// extension takes one extension header off, and says whether there was one. What
// follows the header of a later fragment is no header.
func (p *Packet) extension() (bool, Reason) {
	if p.Fragment {
		return false, p.checkFragment()
	}
	size := headerFrag
	switch p.Protocol {
	case extHopByHop, extRouting, extDestination:
		if len(p.Payload) < 8 {
			return false, Malformed
		}
		size = 8 + 8*int(p.Payload[1])
	case extFragment:
	default:
		return false, ""
	}
	if len(p.Payload) < size {
		return false, Malformed
	}
	if p.Protocol == extRouting && p.Payload[3] != 0 {
		return false, SourceRoute
	}
	if p.Protocol == extFragment {
		p.part()
	}
	p.Protocol = p.Payload[0]
	p.Payload, p.Length = p.Payload[size:], p.Length-size
	return true, ""
}

// part reads a fragment header.
func (p *Packet) part() {
	field := binary.BigEndian.Uint16(p.Payload[2:])
	p.Offset, p.More, p.ID = int(field&^7), field&1 != 0, binary.BigEndian.Uint32(p.Payload[4:])
	p.Fragment = p.More || p.Offset > 0
	p.Reassembled = !p.Fragment // an atomic fragment (RFC 6946) is whole
}

// Kind is what a packet is to a translator.
type Kind uint8

// The kinds.
const (
	Other Kind = iota
	TCP
	UDP
	Request // ICMP echo request
	Reply   // ICMP echo reply
	Error   // ICMP error
)

// Message types of ICMP (RFC 792) and ICMPv6 (RFC 4443).
const (
	type4Reply        = 0
	type4Unreachable  = 3
	type4Request      = 8
	type4TimeExceeded = 11
	type4Parameter    = 12
	type6Unreachable  = 1
	type6TooBig       = 2
	type6TimeExceeded = 3
	type6Parameter    = 4
	type6Request      = 128
	type6Reply        = 129
)

// Kind tells what the packet is; Other when its transport header is not all there
// or is nothing that is translated. It must be no later fragment.
func (p Packet) Kind() Kind {
	if len(p.Payload) < headerUDP { // of a quoted one 8 bytes are sure (RFC 792)
		return Other
	}
	v6 := p.Src.Is6()
	switch {
	case p.Protocol == ProtoTCP:
		return TCP
	case p.Protocol == ProtoUDP:
		return UDP
	case p.Protocol == ProtoICMPv6 && v6:
		return icmp6Kinds[p.Payload[0]]
	case p.Protocol == ProtoICMPv4 && !v6:
		return icmp4Kinds[p.Payload[0]]
	}
	return Other
}

var icmp6Kinds = [256]Kind{
	type6Unreachable: Error, type6TooBig: Error, type6TimeExceeded: Error, type6Parameter: Error,
	type6Request: Request, type6Reply: Reply,
}

var icmp4Kinds = [256]Kind{
	type4Unreachable: Error, type4TimeExceeded: Error, type4Parameter: Error,
	type4Request: Request, type4Reply: Reply,
}

// Ends are the two ends of a conversation as one packet has them. The ports of an
// echo message are both its identifier.
type Ends struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
}

// Ends reads the ends of a packet of any kind but Other and Error.
func (p Packet) Ends() Ends {
	e := Ends{Src: p.Src, Dst: p.Dst}
	switch p.Kind() {
	case TCP, UDP:
		e.SrcPort, e.DstPort = binary.BigEndian.Uint16(p.Payload), binary.BigEndian.Uint16(p.Payload[2:])
	case Request, Reply:
		id := binary.BigEndian.Uint16(p.Payload[4:])
		e.SrcPort, e.DstPort = id, id
	case Other, Error:
	}
	return e
}

// Flags are those of a TCP segment, 0 where they are cut off.
func (p Packet) Flags() uint8 {
	const at = 13
	if p.Protocol != ProtoTCP || len(p.Payload) <= at {
		return 0
	}
	return p.Payload[at]
}
