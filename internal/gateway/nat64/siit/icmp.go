package siit

import (
	"encoding/binary"
	"net/netip"
)

// MTUs are the largest packets of the two links of the translator, in bytes.
type MTUs struct{ IPv4, IPv6 int }

// Sizes of errors: what every link carries (RFC 4443 section 2.4, RFC 1812 section
// 4.3.2.3).
const (
	maxError6 = LeastMTUIPv6
	maxError4 = 576
)

// header is what an error message says beside the packet it quotes.
type header struct {
	kind, code uint8
	word       uint32 // the second word: MTU, pointer
}

// Quoted reads the packet that an error quotes: one that the receiver of the error
// has sent. It refuses errors with a wrong checksum and those about later fragments.
func Quoted(p Packet) (Packet, Reason) {
	if p.Fragment || p.Length != len(p.Payload) || p.Kind() != Error {
		return Packet{}, Malformed
	}
	start, parse, unit := uint64(0), ParseIPv4, 4
	if p.Src.Is6() {
		start, parse, unit = pseudo(p.Src, p.Dst, ProtoICMPv6, p.Length), ParseIPv6, 8
	}
	if checksum(start, p.Payload) != 0 {
		return Packet{}, Checksum
	}
	quote := p.Payload[headerICMP:]
	if n := extended(p, unit); n > 0 {
		quote = quote[:min(n, len(quote))] // what follows are extensions of RFC 4884, which are left out
	}
	in, reason := parse(quote, true)
	if reason == "" && !in.speaks() {
		reason = NoMeaning
	}
	return in, reason
}

// speaks says whether a quoted packet shows which conversation it is of.
func (p Packet) speaks() bool {
	kind := p.Kind()
	return p.Offset == 0 && kind != Other && kind != Error
}

// extended is how long the quoted packet is where extensions follow it (RFC 4884
// section 4), 0 where that is not said.
func extended(p Packet, unit int) int {
	if p.Src.Is6() && (p.Payload[0] == type6Unreachable || p.Payload[0] == type6TimeExceeded) {
		return unit * int(p.Payload[4])
	}
	if p.Src.Is4() {
		return unit * int(p.Payload[5])
	}
	return 0
}

// ErrorToIPv4 appends the ICMP error for an ICMPv6 error. outer are the ends of the
// message, inner those of the packet in that Quoted found.
func ErrorToIPv4(out []byte, p, in Packet, outer, inner Ends, mtu MTUs, id uint16) ([]byte, Reason) {
	h, ok := header4of6(p, mtu)
	if !ok {
		return out, NoMeaning
	}
	in.DontFragment = !in.Fragment && HeaderIPv4+in.Length > smallIPv4
	quote, reason := transport(header4(nil, in, inner, uint16(in.ID)), in, inner)
	if reason != "" {
		return out, reason
	}
	p.DontFragment = false
	return error4(out, p, outer, h, quote, id), ""
}

// ErrorToIPv6 appends the ICMPv6 error for an ICMP error.
func ErrorToIPv6(out []byte, p, in Packet, outer, inner Ends, mtu MTUs) ([]byte, Reason) {
	h, ok := header6of4(p, in, mtu)
	if !ok {
		return out, NoMeaning
	}
	quote, reason := transport(header6(nil, in, inner), in, inner)
	if reason != "" {
		return out, reason
	}
	return error6(out, p, outer, h, quote), ""
}

// error4 appends an ICMP error; p gives class and hops.
func error4(out []byte, p Packet, e Ends, h header, quote []byte, id uint16) []byte {
	quote = quote[:min(len(quote), maxError4-HeaderIPv4-headerICMP)]
	p.Protocol, p.Length = ProtoICMPv4, headerICMP+len(quote)
	out = header4(out, p, e, id)
	at := len(out)
	out = append(binary.BigEndian.AppendUint32(append(out, h.kind, h.code, 0, 0), h.word), quote...)
	put(out[at+2:], checksum(0, out[at:]))
	return out
}

// error6 is the same of ICMPv6.
func error6(out []byte, p Packet, e Ends, h header, quote []byte) []byte {
	quote = quote[:min(len(quote), maxError6-HeaderIPv6-headerICMP)]
	p.Protocol, p.Length, p.Fragment = ProtoICMPv6, headerICMP+len(quote), false
	out = header6(out, p, e)
	at := len(out)
	out = append(binary.BigEndian.AppendUint32(append(out, h.kind, h.code, 0, 0), h.word), quote...)
	put(out[at+2:], checksum(pseudo(e.Src, e.Dst, ProtoICMPv6, p.Length), out[at:]))
	return out
}

// Trouble is an error that the translator itself has to tell.
type Trouble uint8

// The troubles.
const (
	Prohibited  Trouble = iota // the destination is not for the sender to reach
	Unreachable                // there is no way there
	Expired                    // hop limit or time to live
	TooBig                     // for the link of the other version
)

const localHops = 64

// Tell6 appends the ICMPv6 error about an IPv6 packet, from the address from. mtu is
// told with TooBig.
func Tell6(out []byte, t Trouble, from, to netip.Addr, about []byte, mtu int) []byte {
	h := [...]header{Prohibited: {type6Unreachable, 1, 0}, Unreachable: {type6Unreachable, 0, 0}, Expired: {type6TimeExceeded, 0, 0}, TooBig: {type6TooBig, 0, uint32(mtu)}}[t]
	return error6(out, Packet{Hops: localHops}, Ends{Src: from, Dst: to}, h, about)
}

// Tell4 appends the ICMP error about an IPv4 packet, from the address from.
func Tell4(out []byte, t Trouble, from, to netip.Addr, about []byte, mtu int, id uint16) []byte {
	h := [...]header{Prohibited: {type4Unreachable, 13, 0}, Unreachable: {type4Unreachable, 1, 0}, Expired: {type4TimeExceeded, 0, 0}, TooBig: {type4Unreachable, code4TooBig, uint32(mtu)}}[t]
	return error4(out, Packet{Hops: localHops}, Ends{Src: from, Dst: to}, h, about, id)
}
