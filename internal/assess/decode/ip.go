package decode

import (
	"encoding/binary"
	"net/netip"
)

// IP protocol numbers that are read (IANA protocol numbers).
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIGMP     = 2
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoICMPv6   = 58
	protoNone     = 59
	protoDestOpts = 60
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
)

// extensionLimit bounds the IPv6 extension headers of one packet; more than a
// handful is an attack on whoever walks them (RFC 8504 section 5.3).
const extensionLimit = 8

// readIPv4 reads an IPv4 header (RFC 791 section 3.1).
func (d *Decoder) readIPv4(p *packet, b []byte) {
	header := headerSize4(b)
	if header < 20 || header > len(b) {
		d.badNetwork(p, "ipv4", len(b) < max(header, 20), "no complete version 4 header")
		return
	}
	total := int(binary.BigEndian.Uint16(b[2:4]))
	if total == 0 { // segmentation offload: the length is left to the card
		total = len(b) + p.cut
	}
	p.src, p.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	p.hop, p.proto = b[8], b[9]
	d.nameHosts(p)
	if total < header || !p.setPayload(b[header:], total-header) {
		d.malformed(p, "ipv4", "total length disagrees with the frame")
		if total < header {
			return
		}
	}
	p.largest = total
	if flags := binary.BigEndian.Uint16(b[6:8]); flags&0x3fff != 0 {
		id := uint32(binary.BigEndian.Uint16(b[4:6]))
		d.readFragment(p, piece{id: id, off: int(flags&0x1fff) * 8, more: flags&0x2000 != 0})
		return
	}
	d.readTransport(p)
}

// headerSize4 is the length that an IPv4 header claims, 0 when b holds none.
func headerSize4(b []byte) int {
	if len(b) < 20 || b[0]>>4 != 4 {
		return 0
	}
	return int(b[0]&15) * 4
}

// badNetwork handles a network header that cannot be read.
func (d *Decoder) badNetwork(p *packet, layer string, short bool, why string) {
	if short && p.cut > 0 {
		d.counts.Unread++
		return
	}
	d.malformed(p, layer, why)
}

// setPayload takes size bytes of b as the packet's payload: what follows them is
// padding of the link, what lacks is missing. It reports false when bytes lack
// that no snap length explains.
func (p *packet) setPayload(b []byte, size int) bool {
	if size <= len(b) {
		p.payload, p.missing = b[:max(size, 0)], 0
		return true
	}
	p.payload, p.missing = b, size-len(b)
	return p.missing <= p.cut
}

// readIPv6 reads an IPv6 header (RFC 8200 section 3).
func (d *Decoder) readIPv6(p *packet, b []byte) {
	if len(b) < 40 || b[0]>>4 != 6 {
		d.badNetwork(p, "ipv6", len(b) < 40, "no complete version 6 header")
		return
	}
	p.v6 = true
	p.src, p.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	p.proto, p.hop = b[6], b[7]
	d.nameHosts(p)
	size := int(binary.BigEndian.Uint16(b[4:6]))
	if size == 0 && p.proto != protoNone { // jumbogram (RFC 2675) or segmentation offload
		size = len(b) - 40 + p.cut
	}
	p.largest = 40 + size
	if !p.setPayload(b[40:], size) {
		d.malformed(p, "ipv6", "payload length disagrees with the frame")
	}
	d.readExtensions(p)
}

// readExtensions walks the extension headers (RFC 8200 section 4) up to the
// transport or a fragment header.
func (d *Decoder) readExtensions(p *packet) {
	for range extensionLimit {
		switch p.proto {
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6:
			if !p.skipExtension(8, 8) {
				d.badNetwork(p, "ipv6", true, "an extension header is not complete")
				return
			}
		case protoAH:
			if !p.skipExtension(4, 8) { // RFC 4302 section 2.2: in 4-byte units, minus 2
				d.badNetwork(p, "ipv6", true, "an authentication header is not complete")
				return
			}
		case protoFragment:
			d.readFragmentHeader(p)
			return
		default:
			d.readTransport(p)
			return
		}
	}
	d.malformed(p, "ipv6", "too many extension headers")
}

// skipExtension drops an extension header whose second byte counts units after
// the first base bytes.
func (p *packet) skipExtension(unit, base int) bool {
	if len(p.payload) < 8 {
		return false
	}
	size := int(p.payload[1])*unit + base
	if size > len(p.payload) {
		return false
	}
	p.proto, p.payload = p.payload[0], p.payload[size:]
	return true
}

// readFragmentHeader reads the Fragment header (RFC 8200 section 4.5).
func (d *Decoder) readFragmentHeader(p *packet) {
	if len(p.payload) < 8 {
		d.badNetwork(p, "ipv6", true, "a fragment header is not complete")
		return
	}
	if p.reassembled {
		d.malformed(p, "fragment", "a fragment inside a fragmented packet")
		return
	}
	p.reassembled = true
	be := binary.BigEndian
	offset := be.Uint16(p.payload[2:4])
	f := piece{id: be.Uint32(p.payload[4:8]), off: int(offset &^ 7), more: offset&1 == 1}
	p.proto, p.payload = p.payload[0], p.payload[8:]
	if f.off == 0 && !f.more { // an atomic fragment, RFC 6946
		d.readExtensions(p)
		return
	}
	d.readFragment(p, f)
}

// readTransport hands a whole packet to its protocol.
func (d *Decoder) readTransport(p *packet) {
	switch p.proto {
	case protoTCP:
		d.readTCP(p)
	case protoUDP:
		d.readUDP(p)
	case protoICMP, protoICMPv6:
		d.noteAddress(p)
		d.readICMP(p)
	case protoIGMP:
		d.noteAddress(p)
		d.readIGMP(p)
	default:
		d.noteAddress(p)
		d.counts.Unread++
	}
}
