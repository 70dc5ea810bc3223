package decode

import (
	"encoding/binary"
	"net/netip"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// EtherTypes that are read (IEEE 802 numbers registry).
const (
	etherIPv4  = 0x0800
	etherARP   = 0x0806
	etherVLAN  = 0x8100 // IEEE 802.1Q
	etherQinQ  = 0x88a8 // IEEE 802.1ad
	etherQinQ1 = 0x9100 // stacked tags before 802.1ad
	etherIPv6  = 0x86dd
	etherLLDP  = 0x88cc
	// etherLength is the highest value that is a length (IEEE 802.3 section 3.2.6).
	etherLength = 1500
)

// tagLimit bounds stacked VLAN tags: real networks use two.
const tagLimit = 4

// packet is one network packet on its way through the decoder.
type packet struct {
	from, to event.HostID // zero when the link does not tell: then named by address
	src, dst netip.Addr
	v6       bool
	proto    uint8 // IP protocol number of payload
	hop      uint8 // TTL or hop limit
	cooked   bool  // the frame names its sender only
	group    bool  // sent to a broadcast or multicast address
	payload  []byte
	largest  int // the longest IP packet that it came in, header and all
	missing  int // bytes of payload that the log does not hold
	// reassembled says that a fragment header was already followed.
	reassembled bool
	first       event.Ref // first frame of a fragmented packet, else this frame
	cut         int       // bytes that the snap length took off the frame's end
}

// readFrame opens the link layer.
func (d *Decoder) readFrame(f evidence.Packet) {
	p := &d.packet
	*p = packet{first: d.ref, cut: max(f.Length-len(f.Data), 0)}
	switch f.Link {
	case evidence.LinkEthernet:
		d.readEthernet(p, f.Data)
	case evidence.LinkRaw, evidence.LinkRawBSD, evidence.LinkIPv4, evidence.LinkIPv6:
		d.readIP(p, f.Data)
	case evidence.LinkNull, evidence.LinkLoop:
		d.readLoop(p, f.Data)
	case evidence.LinkSLL:
		d.readCooked(p, f.Data)
	case evidence.LinkSLL2:
		d.readCooked2(p, f.Data)
	default:
		d.counts.Unread++
	}
}

func (d *Decoder) readEthernet(p *packet, b []byte) {
	if len(b) < 14 {
		d.shortLink(p, "ethernet")
		return
	}
	p.to, p.from = hostOf([6]byte(b[0:6])), hostOf([6]byte(b[6:12]))
	p.group = b[0]&1 == 1
	p.cooked = p.to.IsZero() && !p.from.IsZero()
	d.readEtherType(p, binary.BigEndian.Uint16(b[12:14]), b[14:])
}

// shortLink handles a frame that ends inside its link header.
func (d *Decoder) shortLink(p *packet, layer string) {
	if p.cut > 0 {
		d.counts.Unread++
		return
	}
	d.malformed(p, layer, "the frame ends inside its header")
}

func (d *Decoder) readEtherType(p *packet, kind uint16, b []byte) {
	for range tagLimit {
		if kind != etherVLAN && kind != etherQinQ && kind != etherQinQ1 {
			break
		}
		if len(b) < 4 {
			d.shortLink(p, "vlan")
			return
		}
		kind, b = binary.BigEndian.Uint16(b[2:4]), b[4:]
	}
	switch {
	case kind <= etherLength:
		d.readLLC(p, b)
	default:
		d.readNetwork(p, kind, b)
	}
}

// readLLC opens the one LLC form that carries what is read here: SNAP with an
// EtherType (RFC 1042).
func (d *Decoder) readLLC(p *packet, b []byte) {
	const snap = "\xaa\xaa\x03\x00\x00\x00"
	if len(b) < 8 || string(b[:6]) != snap {
		d.counts.Unread++
		return
	}
	d.readNetwork(p, binary.BigEndian.Uint16(b[6:8]), b[8:])
}

func (d *Decoder) readNetwork(p *packet, kind uint16, b []byte) {
	switch kind {
	case etherIPv4:
		d.readIPv4(p, b)
	case etherIPv6:
		d.readIPv6(p, b)
	case etherARP:
		d.readARP(p, b)
	case etherLLDP:
		d.readLLDP(p, b)
	default:
		d.counts.Unread++
	}
}

// readIP reads a packet whose version is only told by its first four bits.
func (d *Decoder) readIP(p *packet, b []byte) {
	switch {
	case len(b) == 0:
		d.shortLink(p, "ip")
	case b[0]>>4 == 4:
		d.readIPv4(p, b)
	case b[0]>>4 == 6:
		d.readIPv6(p, b)
	default:
		d.malformed(p, "ip", "neither version 4 nor version 6")
	}
}

// readLoop opens BSD loopback: four bytes of address family, in the byte order
// of the machine that captured; the version of the packet tells as much.
func (d *Decoder) readLoop(p *packet, b []byte) {
	if len(b) < 4 {
		d.shortLink(p, "loopback")
		return
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case 2, 10, 24, 28, 30: // AF_INET; AF_INET6 of Linux, NetBSD, FreeBSD, macOS
		d.readIP(p, b[4:])
	default:
		d.counts.Unread++
	}
}

// readCooked opens Linux cooked capture, version 1
// (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html).
func (d *Decoder) readCooked(p *packet, b []byte) {
	if len(b) < 16 {
		d.shortLink(p, "sll")
		return
	}
	be := binary.BigEndian
	d.cookedHost(p, be.Uint16(b[0:2]), be.Uint16(b[2:4]), be.Uint16(b[4:6]), b[6:14])
	d.readEtherType(p, be.Uint16(b[14:16]), b[16:])
}

// readCooked2 opens Linux cooked capture, version 2
// (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html).
func (d *Decoder) readCooked2(p *packet, b []byte) {
	if len(b) < 20 {
		d.shortLink(p, "sll2")
		return
	}
	be := binary.BigEndian
	d.cookedHost(p, uint16(b[10]), be.Uint16(b[8:10]), uint16(b[11]), b[12:20])
	d.readEtherType(p, be.Uint16(b[0:2]), b[20:])
}

// cookedHost takes the sender from a cooked header. The receiver is not told;
// whether it is a group is, by the packet type (1 broadcast, 2 multicast).
func (d *Decoder) cookedHost(p *packet, kind, hardware, size uint16, addr []byte) {
	const hardwareEthernet = 1 // ARPHRD_ETHER; the loopback has 772 and no address
	p.cooked = true
	p.group = kind == 1 || kind == 2
	if size == 6 && hardware == hardwareEthernet {
		p.from = hostOf([6]byte(addr))
	}
}

// hostOf names a host by its EUI-48. Zeros name nobody: capture tools that have
// no link header, or hide addresses on purpose, write them for everybody.
func hostOf(mac [6]byte) event.HostID {
	if mac == ([6]byte{}) {
		return event.HostID{}
	}
	return event.HostByMAC(mac)
}

// nameHosts names the hosts that the link did not: a receiver on a cooked link as
// it was named when it sent, others by their IP addresses. The unspecified address
// names nobody.
func (d *Decoder) nameHosts(p *packet) {
	if p.from.IsZero() {
		p.from = hostAt(p.src)
	}
	if p.cooked {
		p.to = d.hosts.cooked[p.dst]
	}
	if p.to.IsZero() {
		p.to = hostAt(p.dst)
	}
	if !p.group {
		p.group = p.dst.IsMulticast() || p.dst == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
}

func hostAt(a netip.Addr) event.HostID {
	if a.IsUnspecified() {
		return event.HostID{}
	}
	return event.HostByAddr(a)
}

func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
