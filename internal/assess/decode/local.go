package decode

import (
	"encoding/binary"

	"assay/internal/assess/event"
)

// readARP reads ARP for IPv4 over Ethernet (RFC 826).
func (d *Decoder) readARP(p *packet, b []byte) {
	const ethernetIPv4 = "\x00\x01\x08\x00\x06\x04"
	if len(b) < 8 {
		d.shortLink(p, "arp")
		return
	}
	op := binary.BigEndian.Uint16(b[6:8])
	if string(b[:6]) != ethernetIPv4 || op < 1 || op > 2 {
		d.counts.Unread++
		return
	}
	if len(b) < 28 {
		d.shortLink(p, "arp")
		return
	}
	e := event.ARPSeen{
		Reply: op == 2, SenderMAC: [6]byte(b[8:14]), Sender: addrOf(b[14:18]),
		TargetMAC: [6]byte(b[18:24]), Target: addrOf(b[24:28]),
	}
	if p.from.IsZero() { // where hosts are named by address, this one is too
		p.from = hostAt(e.Sender)
	}
	if p.from.IsZero() {
		p.from = hostOf(e.SenderMAC)
	}
	p.src = e.Sender
	d.tell(p, e)
}

// TLVs of LLDP (IEEE 802.1AB section 8.4).
const (
	lldpEnd         = 0
	lldpSystemName  = 5
	lldpDescription = 6
	lldpOwn         = 127
)

// readLLDP reads what an LLDP frame says about its sender.
func (d *Decoder) readLLDP(p *packet, b []byte) {
	const mudURL = "\x00\x00\x5e\x01" // RFC 8520 section 12
	var e event.LLDPSeen
	for len(b) >= 2 {
		kind, size := b[0]>>1, int(binary.BigEndian.Uint16(b)&0x1ff)
		if b = b[2:]; size > len(b) {
			d.shortLink(p, "lldp")
			break
		}
		v := b[:size]
		b = b[size:]
		switch {
		case kind == lldpEnd:
			b = nil
		case kind == lldpSystemName:
			e.SystemName = string(v)
		case kind == lldpDescription:
			e.Description = string(v)
		case kind == lldpOwn && len(v) >= 4 && string(v[:4]) == mudURL:
			e.MUDURL = string(v[4:])
		}
	}
	d.tell(p, e)
}

// groupLimit bounds the groups of one report; a packet of 1,500 bytes holds 185.
const groupLimit = 256

// readIGMP reads membership reports of IGMP versions 1 (RFC 1112), 2 (RFC 2236)
// and 3 (RFC 3376).
func (d *Decoder) readIGMP(p *packet) {
	b := p.payload
	if len(b) < 8 {
		d.badNetwork(p, "igmp", true, "shorter than its header")
		return
	}
	e := event.GroupsReported{}
	switch b[0] {
	case 0x12, 0x16:
		e.Version = 1 + int(b[0]&4)/4
		e.Groups = append(e.Groups, addrOf(b[4:8]))
	case 0x22:
		e.Version = 3
		d.readGroupRecords(p, &e, b[8:], int(binary.BigEndian.Uint16(b[6:8])), 4)
	default:
		return
	}
	d.tell(p, e)
}

// readMLD1 reads a version 1 listener report (RFC 2710 section 3).
func (d *Decoder) readMLD1(p *packet) {
	if len(p.payload) < 24 {
		d.badNetwork(p, "mld", true, "shorter than its header")
		return
	}
	e := event.GroupsReported{V6: true, Version: 1}
	e.Groups = append(e.Groups, addrOf(p.payload[8:24]))
	d.tell(p, e)
}

// readMLD2 reads a version 2 listener report (RFC 3810 section 5.2).
func (d *Decoder) readMLD2(p *packet) {
	b := p.payload
	if len(b) < 8 {
		d.badNetwork(p, "mld", true, "shorter than its header")
		return
	}
	e := event.GroupsReported{V6: true, Version: 2}
	d.readGroupRecords(p, &e, b[8:], int(binary.BigEndian.Uint16(b[6:8])), 16)
	d.tell(p, e)
}

// readGroupRecords reads n group records with addresses of size bytes; the two
// protocols lay them out alike.
func (d *Decoder) readGroupRecords(p *packet, e *event.GroupsReported, b []byte, n, size int) {
	for range min(n, groupLimit) {
		if len(b) < 4+size {
			d.badNetwork(p, "group report", p.missing > 0, "fewer group records than it says")
			return
		}
		e.Groups = append(e.Groups, addrOf(b[4:4+size]))
		b = tail(b, 4+size+int(binary.BigEndian.Uint16(b[2:4]))*size+int(b[1])*4)
	}
}
