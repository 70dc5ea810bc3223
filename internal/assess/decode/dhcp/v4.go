package dhcp

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	headerSize  = 236 // of BOOTP, RFC 951 section 3
	magicCookie = "\x63\x82\x53\x63"
	serverPort4 = 67
	clientPort4 = 68
	fromServer  = 2 // op: BOOTREPLY
)

func recognise4(c wire.Conn, _ event.Side, b []byte) wire.Match {
	if len(b) < headerSize || b[0] < 1 || b[0] > fromServer || b[2] > 16 {
		return wire.No
	}
	if len(b) >= headerSize+4 && string(b[headerSize:headerSize+4]) == magicCookie {
		return wire.Yes
	}
	if between(c, serverPort4, clientPort4) && b[1] == 1 && b[2] == 6 {
		return wire.Yes
	}
	return wire.No
}

// reader4 reads each datagram by itself.
type reader4 struct{}

// Packet reads one message.
func (reader4) Packet(c wire.Context, from event.Side, b []byte) bool {
	if recognise4(c.Conn(), from, b) != wire.Yes {
		return false
	}
	m := message4(b)
	var client *[6]byte
	if b[1] == 1 && b[2] == 6 && m.ClientMAC != [6]byte{} {
		client = &m.ClientMAC
	}
	emitFor(c, client, clientAddr(m), m)
	return true
}

// clientAddr is the address that a message says the client has, will have or
// wants, invalid when it says none.
func clientAddr(m event.DHCP4) netip.Addr {
	for _, a := range [...]netip.Addr{m.YourAddr, m.ClientAt, m.Requested} {
		if a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}

// message4 reads a message that was recognised.
func message4(b []byte) event.DHCP4 {
	m := event.DHCP4{
		FromServer: b[0] == fromServer,
		XID:        binary.BigEndian.Uint32(b[4:8]),
		ClientMAC:  [6]byte(b[28:34]),
		ClientAt:   set(b[12:16]),
		YourAddr:   set(b[16:20]),
	}
	if len(b) < headerSize+4 || string(b[headerSize:headerSize+4]) != magicCookie {
		return m
	}
	o := options4{}
	o.read(b[headerSize+4:])
	// Option 52: the fields for names hold more options (RFC 2132 section 9.3).
	if v := o.value[52]; len(v) == 1 {
		if v[0]&1 != 0 {
			o.read(b[108:236])
		}
		if v[0]&2 != 0 {
			o.read(b[44:108])
		}
	}
	o.fill(&m)
	return m
}

// set is an address that is not 0.0.0.0, else the zero value.
func set(b []byte) netip.Addr {
	a := netip.AddrFrom4([4]byte(b))
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// options4 holds option values by code; parts of one option are joined (RFC 3396).
type options4 struct {
	value  [256][]byte
	joined [256]bool // the value is a copy, and may grow in place
}

func (o *options4) read(b []byte) {
	const pad, end = 0, 255
	for len(b) > 0 && b[0] != end {
		code := b[0]
		if code == pad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return
		}
		size := 2 + int(b[1])
		o.add(code, b[2:size:size])
		b = b[size:]
	}
}

func (o *options4) add(code byte, v []byte) {
	switch {
	case o.value[code] == nil:
		o.value[code] = v
	case o.joined[code]:
		o.value[code] = append(o.value[code], v...)
	default:
		o.value[code], o.joined[code] = slices.Concat(o.value[code], v), true
	}
}

func (o *options4) fill(m *event.DHCP4) {
	v := &o.value
	if len(v[53]) == 1 {
		m.Type = v[53][0]
	}
	m.HostName, m.VendorClass = string(v[12]), string(v[60])
	m.MUDURL, m.Domain = string(v[161]), string(v[15])
	m.ClientID, m.Parameters = slices.Clone(v[61]), slices.Clone(v[55])
	m.FQDN = fqdn4(v[81])
	m.Requested, m.ServerID = o.address(50), o.address(54)
	m.Routers, m.DNS, m.NTP = o.addresses(3), o.addresses(6), o.addresses(42)
	m.Lease = o.seconds(51)
	if len(v[1]) == 4 {
		m.Netmask = maskLength(v[1])
	}
	if m.FromServer && len(v[108]) == 4 { // RFC 8925 section 3.4
		m.HasV6Only, m.V6OnlyWait = true, o.seconds(108)
	}
	m.DNR = resolvers4(v[162])
}

func (o *options4) address(code int) netip.Addr {
	if len(o.value[code]) != 4 {
		return netip.Addr{}
	}
	return set(o.value[code])
}

func (o *options4) addresses(code int) []netip.Addr {
	var out []netip.Addr
	for b := o.value[code]; len(b) >= 4 && len(out) < listLimit; b = b[4:] {
		out = append(out, netip.AddrFrom4([4]byte(b)))
	}
	return out
}

func (o *options4) seconds(code int) time.Duration {
	if len(o.value[code]) != 4 {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(o.value[code])) * time.Second
}

// maskLength is the prefix length of a mask, 0 when its ones have holes.
func maskLength(b []byte) int {
	mask := binary.BigEndian.Uint32(b)
	n := bits.LeadingZeros32(^mask)
	if n < 32 && mask<<n != 0 {
		return 0
	}
	return n
}

// fqdn4 reads option 81 (RFC 4702 section 2): flags, two dead bytes, and a name
// in wire format when flag E is set, else in ASCII.
func fqdn4(b []byte) string {
	if len(b) < 3 {
		return ""
	}
	if b[0]&4 == 0 {
		return string(b[3:])
	}
	name, _, _ := wire.DomainName(b[3:])
	return name
}

// resolvers4 reads option 162 (RFC 9463 section 5.1).
func resolvers4(b []byte) []string {
	var out []string
	for len(b) >= 5 && len(out) < listLimit {
		size := 2 + int(binary.BigEndian.Uint16(b))
		end := 5 + int(b[4])
		if size > len(b) || end > size {
			break
		}
		if name, _, ok := wire.DomainName(b[5:end]); ok {
			out = append(out, name)
		}
		b = b[size:]
	}
	return out
}
