package siit

import "encoding/binary"

const (
	code4TooBig   = 4  // fragmentation needed
	none          = -1 // has no translation
	difference    = HeaderIPv6 - HeaderIPv4
	code4Protocol = 2
)

// unreachable6 is RFC 7915 section 4.2 for ICMP type 3: the code of an ICMPv6
// message of type 1. Codes 2 and 4 are other messages there.
var unreachable6 = [...]int{0: 0, 1: 0, 2: none, 3: 4, 4: none, 5: 0, 6: 0, 7: 0, 8: 0, 9: 1, 10: 1, 11: 0, 12: 0, 13: 1, 14: none, 15: 1}

// unreachable4 is section 5.2 for ICMPv6 type 1: the code of an ICMP message of type 3.
var unreachable4 = [...]int{0: 1, 1: 10, 2: 1, 3: 1, 4: 3}

// pointer6 is figure 3: where the field of an IPv4 header is in an IPv6 header.
var pointer6 = [...]int{0: 0, 1: 1, 2: 4, 3: 4, 4: none, 5: none, 6: none, 7: none, 8: 7, 9: 6, 10: none, 11: none, 12: 8, 13: 8, 14: 8, 15: 8, 16: 24, 17: 24, 18: 24, 19: 24}

// pointer4 is figure 6, the other way.
func pointer4(at uint32) (uint32, bool) {
	switch {
	case at <= 1:
		return at, true
	case at == 4 || at == 5:
		return 2, true
	case at == 6:
		return 9, true
	case at == 7:
		return 8, true
	case at >= 8 && at < 24:
		return 12, true
	case at >= 24 && at < HeaderIPv6:
		return 16, true
	}
	return 0, false
}

// plateaus are the MTUs that a router which does not tell its own is taken to have
// (RFC 1191 section 7.1).
var plateaus = [...]int{65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68}

// header6of4 translates the kind of an error (RFC 7915 section 4.2).
func header6of4(p, in Packet, mtu MTUs) (header, bool) {
	code, word := p.Payload[1], binary.BigEndian.Uint32(p.Payload[4:])
	switch p.Payload[0] {
	case type4TimeExceeded:
		return header{kind: type6TimeExceeded, code: code}, code <= 1
	case type4Parameter:
		return parameter6(code, int(p.Payload[4]))
	}
	switch {
	case code == code4TooBig:
		return header{kind: type6TooBig, word: uint32(mtu.told6(int(word&0xffff), in))}, true
	case code == code4Protocol:
		const nextHeader = 6
		return header{kind: type6Parameter, code: 1, word: nextHeader}, true
	case int(code) >= len(unreachable6) || unreachable6[code] == none:
		return header{}, false
	}
	return header{kind: type6Unreachable, code: uint8(unreachable6[code])}, true
}

// parameter6 translates a parameter problem.
func parameter6(code uint8, at int) (header, bool) {
	const badLength = 2
	if code != 0 && code != badLength || at >= len(pointer6) || pointer6[at] == none {
		return header{}, false
	}
	return header{kind: type6Parameter, word: uint32(pointer6[at])}, true
}

// told6 is the MTU that an IPv6 host is told.
func (m MTUs) told6(told int, in Packet) int {
	if told == 0 {
		size := HeaderIPv4 + in.Length
		for _, p := range plateaus {
			if told = p; p < size {
				break
			}
		}
	}
	return max(LeastMTUIPv6, min(told+difference, m.IPv6, m.IPv4+difference))
}

// header4of6 translates the kind of an error (RFC 7915 section 5.2).
func header4of6(p Packet, mtu MTUs) (header, bool) {
	code, word := p.Payload[1], binary.BigEndian.Uint32(p.Payload[4:])
	switch p.Payload[0] {
	case type6TooBig:
		const least = 68 // RFC 791
		told := max(least, min(int64(word), int64(mtu.IPv6))-difference)
		return header{kind: type4Unreachable, code: code4TooBig, word: uint32(min(told, int64(mtu.IPv4)))}, true
	case type6TimeExceeded:
		return header{kind: type4TimeExceeded, code: code}, code <= 1
	case type6Parameter:
		if code == 1 {
			return header{kind: type4Unreachable, code: code4Protocol}, true
		}
		at, ok := pointer4(word)
		return header{kind: type4Parameter, word: at << 24}, ok && code == 0
	}
	if int(code) >= len(unreachable4) {
		return header{}, false
	}
	return header{kind: type4Unreachable, code: uint8(unreachable4[code])}, true
}
