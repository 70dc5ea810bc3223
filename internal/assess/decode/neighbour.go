package decode

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/google/gopacket/layers"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Options of router advertisements (IANA registry "ICMPv6 Parameters").
const (
	optPrefix = 3   // RFC 4861 section 4.6.2
	optMTU    = 5   // RFC 4861 section 4.6.4
	optRDNSS  = 25  // RFC 8106 section 5.1
	optDNSSL  = 31  // RFC 8106 section 5.2
	optPREF64 = 38  // RFC 8781 section 4
	optDNR    = 144 // RFC 9463 section 6.1
)

// neighbourHops is the hop limit of a neighbour discovery message that no router
// forwarded (RFC 4861 section 3.1).
const neighbourHops = 255

// readNeighbour reports a neighbour discovery message. All but advertisements of
// routers are worth nothing when they may come from another link.
func (d *Decoder) readNeighbour(p *packet, kind uint8) {
	if kind == layers.ICMPv6TypeRouterAdvertisement {
		d.tell(p, d.routerAdvertised(p))
		return
	}
	if p.hop != neighbourHops {
		d.malformed(p, "ndp", "hop limit is not 255")
		return
	}
	switch kind {
	case layers.ICMPv6TypeRouterSolicitation:
		d.tell(p, event.RouterSolicited{From: p.src})
	case layers.ICMPv6TypeNeighborSolicitation:
		d.tell(p, event.NeighbourSolicited{From: p.src, Target: addrOf(d.control.ns.TargetAddress)})
	default:
		m := d.control.na
		d.tell(p, event.NeighbourAdvertised{
			From: p.src, Target: addrOf(m.TargetAddress),
			Router: m.Router(), Solicited: m.Solicited(), Override: m.Override(),
		})
	}
}

// addrOf is the address in 4 or 16 bytes, invalid for other lengths.
func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (d *Decoder) routerAdvertised(p *packet) event.RouterAdvertised {
	m := d.control.ra
	e := event.RouterAdvertised{
		From: p.src, HopLimit: p.hop, Managed: m.ManagedAddressConfig(), Other: m.OtherConfig(),
		Lifetime: time.Duration(m.RouterLifetime) * time.Second,
	}
	for _, o := range m.Options {
		readRouterOption(&e, uint8(o.Type), o.Data)
	}
	return e
}

// readRouterOption reads one option; b begins after type and length. An option
// of a wrong length is passed over (RFC 4861 section 9).
func readRouterOption(e *event.RouterAdvertised, kind uint8, b []byte) {
	switch kind {
	case optPrefix:
		readPrefix(e, b)
	case optMTU:
		if len(b) >= 6 {
			e.MTU = binary.BigEndian.Uint32(b[2:6])
		}
	case optRDNSS:
		for rest := tail(b, 6); len(rest) >= 16; rest = rest[16:] {
			e.RDNSS = append(e.RDNSS, addrOf(rest[:16]))
		}
	case optDNSSL:
		e.DNSSearch = append(e.DNSSearch, domainNames(tail(b, 6))...)
	case optPREF64:
		readPREF64(e, b)
	case optDNR:
		readDNR(e, b)
	default:
	}
}

// readDNR reads the authentication domain name of an encrypted resolver.
func readDNR(e *event.RouterAdvertised, b []byte) {
	if len(b) < 8 {
		return
	}
	size := int(binary.BigEndian.Uint16(b[6:8]))
	if name, _, ok := wire.DomainName(head(b[8:], size)); ok {
		e.DNR = append(e.DNR, name)
	}
}

func readPrefix(e *event.RouterAdvertised, b []byte) {
	if len(b) < 30 || b[0] > 128 {
		return
	}
	e.Prefixes = append(e.Prefixes, event.AdvertisedPrefix{
		Prefix:     netip.PrefixFrom(addrOf(b[14:30]), int(b[0])).Masked(),
		OnLink:     b[1]&0x80 != 0,
		Autonomous: b[1]&0x40 != 0,
		Valid:      seconds(b[2:6]),
		Preferred:  seconds(b[6:10]),
	})
}

// readPREF64 reads a NAT64 prefix: 13 bits of lifetime, 3 bits that stand for
// the prefix length, 96 bits of prefix.
func readPREF64(e *event.RouterAdvertised, b []byte) {
	lengths := [...]int{96, 64, 56, 48, 40, 32}
	if len(b) < 14 || int(b[1]&7) >= len(lengths) {
		return
	}
	var a [16]byte
	copy(a[:12], b[2:14])
	p := netip.PrefixFrom(netip.AddrFrom16(a), lengths[b[1]&7]).Masked()
	e.PREF64 = append(e.PREF64, p)
}

// seconds reads 32 bits of seconds.
func seconds(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Second
}

// domainNames reads names up to the padding.
func domainNames(b []byte) []string {
	var names []string
	for len(b) > 0 && b[0] != 0 {
		name, n, ok := wire.DomainName(b)
		if !ok {
			break
		}
		names, b = append(names, name), b[n:]
	}
	return names
}

func tail(b []byte, n int) []byte { return b[min(n, len(b)):] }

func head(b []byte, n int) []byte { return b[:min(n, len(b))] }
