package decode

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"assay/internal/assess/event"
)

// control is gopacket behind its fence: one parser for ICMP and one for ICMPv6
// with neighbour discovery. DecodeLayers recovers panics of the layers.
type control struct {
	v4, v6  *gopacket.DecodingLayerParser
	decoded []gopacket.LayerType
	icmp4   *layers.ICMPv4
	icmp6   *layers.ICMPv6
	rs      *layers.ICMPv6RouterSolicitation
	ra      *layers.ICMPv6RouterAdvertisement
	ns      *layers.ICMPv6NeighborSolicitation
	na      *layers.ICMPv6NeighborAdvertisement
}

func newControl() control {
	c := control{
		icmp4: &layers.ICMPv4{}, icmp6: &layers.ICMPv6{},
		rs: &layers.ICMPv6RouterSolicitation{}, ra: &layers.ICMPv6RouterAdvertisement{},
		ns: &layers.ICMPv6NeighborSolicitation{}, na: &layers.ICMPv6NeighborAdvertisement{},
	}
	c.v4 = gopacket.NewDecodingLayerParser(layers.LayerTypeICMPv4, c.icmp4)
	c.v6 = gopacket.NewDecodingLayerParser(layers.LayerTypeICMPv6, c.icmp6, c.rs, c.ra, c.ns, c.na)
	c.v4.IgnoreUnsupported, c.v6.IgnoreUnsupported = true, true
	return c
}

// readICMP reads ICMP (RFC 792) or ICMPv6 (RFC 4443).
func (d *Decoder) readICMP(p *packet) {
	if p.v6 != (p.proto == protoICMPv6) {
		d.malformed(p, "icmp", "the wrong ICMP for this version of IP")
		return
	}
	parser := d.control.v4
	if p.v6 {
		parser = d.control.v6
	}
	if err := parser.DecodeLayers(p.payload, &d.control.decoded); err != nil {
		if p.missing == 0 {
			d.malformed(p, "icmp", "message or option shorter than it says")
		}
		return
	}
	if p.v6 {
		d.readICMPv6(p)
		return
	}
	d.readICMPv4(p)
}

func (d *Decoder) readICMPv4(p *packet) {
	m := d.control.icmp4
	kind, code := m.TypeCode.Type(), m.TypeCode.Code()
	switch kind {
	case layers.ICMPv4TypeEchoRequest:
		d.tell(p, event.Pinged{To: p.dst})
	case layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4TypeSourceQuench,
		layers.ICMPv4TypeTimeExceeded, layers.ICMPv4TypeParameterProblem:
		e := event.ICMPError{Type: kind, Code: code, About: embedded4(m.Payload)}
		if e.About.IsValid() {
			e.From = netip.AddrFrom4([4]byte(m.Payload[12:16]))
		}
		if kind == layers.ICMPv4TypeDestinationUnreachable && code == layers.ICMPv4CodeFragmentationNeeded {
			e.MTU = uint32(m.Seq) // RFC 1191 section 4
		}
		d.tell(p, e)
	default:
	}
}

func (d *Decoder) readICMPv6(p *packet) {
	kind := d.control.icmp6.TypeCode.Type()
	switch kind {
	case layers.ICMPv6TypeRouterSolicitation, layers.ICMPv6TypeRouterAdvertisement,
		layers.ICMPv6TypeNeighborSolicitation, layers.ICMPv6TypeNeighborAdvertisement:
		d.readNeighbour(p, kind)
	case layers.ICMPv6TypeMLDv1MulticastListenerReportMessage:
		d.readMLD1(p)
	case layers.ICMPv6TypeMLDv2MulticastListenerReportMessageV2:
		d.readMLD2(p)
	case layers.ICMPv6TypeEchoRequest:
		d.tell(p, event.Pinged{V6: true, To: p.dst})
	case layers.ICMPv6TypeEchoReply:
		d.readEchoReply(p)
	default:
		if kind >= 1 && kind <= 4 { // RFC 4443 section 3
			d.readError6(p, kind)
		}
	}
}

// readEchoReply reads an ICMPv6 echo reply (RFC 4443 section 4.2).
func (d *Decoder) readEchoReply(p *packet) {
	const header, echo = 40, 8
	m := d.control.icmp6.Payload
	if len(m) < 4 {
		d.malformed(p, "icmp", "an echo reply without its header")
		return
	}
	d.tell(p, event.Ponged{
		To: p.dst, ID: binary.BigEndian.Uint16(m), Seq: binary.BigEndian.Uint16(m[2:]),
		Bytes: header + echo + len(m) - 4 + p.missing, Largest: p.largest,
	})
}

func (d *Decoder) readError6(p *packet, kind uint8) {
	m := d.control.icmp6.Payload
	if len(m) < 4 {
		d.malformed(p, "icmp", "an error without its header")
		return
	}
	e := event.ICMPError{V6: true, Type: kind, Code: d.control.icmp6.TypeCode.Code(), About: embedded6(m[4:])}
	if e.About.IsValid() {
		e.From = netip.AddrFrom16([16]byte(m[12:28]))
	}
	if kind == layers.ICMPv6TypePacketTooBig {
		e.MTU = binary.BigEndian.Uint32(m)
	}
	d.tell(p, e)
}

// embedded4 is the destination of the IPv4 packet that an error quotes, the zero
// value when the quotation is too short to tell.
func embedded4(b []byte) netip.AddrPort {
	if len(b) < 20 || b[0]>>4 != 4 {
		return netip.AddrPort{}
	}
	header := int(b[0]&15) * 4
	port := uint16(0)
	if header >= 20 && b[6]&0x1f == 0 && b[7] == 0 {
		port = embeddedPort(b[9], b, header)
	}
	return addrPort(netip.AddrFrom4([4]byte(b[16:20])), port)
}

// embedded6 is embedded4 for IPv6.
func embedded6(b []byte) netip.AddrPort {
	if len(b) < 40 || b[0]>>4 != 6 {
		return netip.AddrPort{}
	}
	return addrPort(netip.AddrFrom16([16]byte(b[24:40])), embeddedPort(b[6], b, 40))
}

func embeddedPort(proto uint8, b []byte, at int) uint16 {
	if proto != protoTCP && proto != protoUDP || len(b) < at+4 {
		return 0
	}
	return binary.BigEndian.Uint16(b[at+2 : at+4])
}
