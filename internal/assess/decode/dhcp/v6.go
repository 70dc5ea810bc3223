package dhcp

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Ports (RFC 8415 section 7.2) and message types (section 7.3).
const (
	clientPort6  = 546
	serverPort6  = 547
	advertise    = 2
	reply        = 7
	reconfigure  = 10
	relayForward = 12
	relayReply   = 13
	lastType     = 36 // of the IANA registry
)

// Options (IANA "DHCPv6 Option Codes").
const (
	optClientID = 1
	optIANA     = 3
	optIATA     = 4
	optIAAddr   = 5
	optRequest  = 6
	optRelayed  = 9
	optVendor   = 16
	optDNS      = 23
	optIAPD     = 25
	optSNTP     = 31 // RFC 4075
	optFQDN     = 39 // RFC 4704
	optNTP      = 56 // RFC 5908
	optMUD      = 112
	optDNR      = 144
)

// relayLimit bounds relays within relays (RFC 8415 section 7.6, HOP_COUNT_LIMIT).
const relayLimit = 8

// recognise6 needs a port of the protocol: its messages have no mark of their
// own. The options must fill the datagram exactly.
func recognise6(c wire.Conn, _ event.Side, b []byte) wire.Match {
	if len(b) < 4 || b[0] == 0 || b[0] > lastType || !between(c, clientPort6, serverPort6) {
		return wire.No
	}
	rest, ok := optionsOf(b)
	for ok && len(rest) > 0 {
		_, _, rest, ok = cutOption(rest)
	}
	if !ok {
		return wire.No
	}
	return wire.Yes
}

// optionsOf is what follows a message's header.
func optionsOf(b []byte) ([]byte, bool) {
	size := 4
	if len(b) > 0 && (b[0] == relayForward || b[0] == relayReply) {
		size = 34
	}
	if len(b) < size {
		return nil, false
	}
	return b[size:], true
}

// cutOption takes the first option off b (RFC 8415 section 21.1).
func cutOption(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	size := 4 + int(binary.BigEndian.Uint16(b[2:4]))
	if size > len(b) {
		return 0, nil, nil, false
	}
	return binary.BigEndian.Uint16(b), b[4:size:size], b[size:], true
}

// reader6 reads each datagram by itself.
type reader6 struct{}

// Packet reads one message.
func (reader6) Packet(c wire.Context, from event.Side, b []byte) bool {
	if recognise6(c.Conn(), from, b) != wire.Yes {
		return false
	}
	relayed := false
	for range relayLimit {
		inner := relayedMessage(b)
		if inner == nil {
			break
		}
		b, relayed = inner, true
	}
	if _, ok := optionsOf(b); !ok {
		return true
	}
	m := message6(b)
	if relayed {
		emitFor(c, hardware(m), netip.Addr{}, m)
		return true
	}
	emitFor(c, receiver(c.Conn(), m), netip.Addr{}, m)
	return true
}

// relayedMessage is the message inside a relay's, nil when b is none.
func relayedMessage(b []byte) []byte {
	if b[0] != relayForward && b[0] != relayReply {
		return nil
	}
	rest, ok := optionsOf(b)
	for ok && len(rest) > 0 {
		var code uint16
		var v []byte
		if code, v, rest, ok = cutOption(rest); ok && code == optRelayed && len(v) > 0 {
			return v
		}
	}
	return nil
}

// hardware is the EUI-48 in a DUID of type LLT or LL (RFC 8415 section 11). It
// names the client's host where a relay's own address stands on the link.
func hardware(m event.DHCP6) *[6]byte {
	var mac [6]byte
	switch {
	case m.DUIDType == 1 && len(m.DUID) == 14:
		copy(mac[:], m.DUID[8:])
	case m.DUIDType == 3 && len(m.DUID) == 10:
		copy(mac[:], m.DUID[4:])
	default:
		return nil
	}
	return &mac
}

// receiver is the client's host for a server's message that was the first of its
// conversation: the end at the client's port.
func receiver(c wire.Conn, m event.DHCP6) *[6]byte {
	if !m.FromServer || c.ClientPort != serverPort6 || c.ServerPort != clientPort6 {
		return nil
	}
	mac, ok := c.Peer.MAC()
	if !ok || c.Group {
		return nil
	}
	return &mac
}

// message6 reads a message that is no relay's.
func message6(b []byte) event.DHCP6 {
	m := event.DHCP6{
		Type:       b[0],
		XID:        binary.BigEndian.Uint32(b[:4]) & 0xffffff,
		FromServer: b[0] == advertise || b[0] == reply || b[0] == reconfigure,
	}
	rest, ok := optionsOf(b)
	for ok && len(rest) > 0 {
		var code uint16
		var v []byte
		if code, v, rest, ok = cutOption(rest); ok {
			readOption6(&m, code, v)
		}
	}
	return m
}

func readOption6(m *event.DHCP6, code uint16, v []byte) {
	switch code {
	case optClientID:
		readDUID(m, v)
	case optIANA, optIATA:
		m.AsksAddress = true
		readAddresses(m, code, v)
	case optIAPD:
		m.AsksPrefix = true
	case optRequest:
		m.Requested = append(m.Requested, codes(v)...)
	case optVendor:
		if len(v) >= 6 {
			m.VendorClass = vendorClass(v[4:])
		}
	case optFQDN: // flags, then a name (RFC 4704 section 4)
		m.FQDN, _, _ = wire.DomainName(v[min(1, len(v)):])
	case optMUD:
		m.MUDURL = string(v)
	default:
		readService6(m, code, v)
	}
}

func readDUID(m *event.DHCP6, v []byte) {
	if len(v) >= 2 {
		m.DUIDType, m.DUID = binary.BigEndian.Uint16(v), slices.Clone(v)
	}
}

func codes(v []byte) []uint16 {
	var out []uint16
	for ; len(v) >= 2 && len(out) < listLimit; v = v[2:] {
		out = append(out, binary.BigEndian.Uint16(v))
	}
	return out
}

// readService6 reads the options that name servers.
func readService6(m *event.DHCP6, code uint16, v []byte) {
	switch code {
	case optDNS:
		m.DNS = append(m.DNS, addresses6(v)...)
	case optSNTP:
		for _, a := range addresses6(v) {
			m.NTP = append(m.NTP, a.String())
		}
	case optNTP:
		readNTP(m, v)
	case optDNR: // priority, length of the name, name (RFC 9463 section 4.1)
		if len(v) >= 4 {
			size := int(binary.BigEndian.Uint16(v[2:4]))
			name, _, ok := wire.DomainName(v[4:min(4+size, len(v))])
			if ok && len(m.DNR) < listLimit {
				m.DNR = append(m.DNR, name)
			}
		}
	default:
	}
}

func addresses6(v []byte) []netip.Addr {
	var out []netip.Addr
	for ; len(v) >= 16 && len(out) < listLimit; v = v[16:] {
		out = append(out, netip.AddrFrom16([16]byte(v)))
	}
	return out
}

// readAddresses reads the addresses inside an IA (RFC 8415 sections 21.4 to 21.6).
func readAddresses(m *event.DHCP6, code uint16, v []byte) {
	size := 12
	if code == optIATA {
		size = 4
	}
	rest, ok := v[min(size, len(v)):], true
	for ok && len(rest) > 0 {
		var kind uint16
		var a []byte
		kind, a, rest, ok = cutOption(rest)
		if ok && kind == optIAAddr && len(a) >= 16 && len(m.Addresses) < listLimit {
			m.Addresses = append(m.Addresses, netip.AddrFrom16([16]byte(a)))
		}
	}
}

// vendorClass is the first data field of option 16 (RFC 8415 section 21.16).
func vendorClass(v []byte) string {
	size := int(binary.BigEndian.Uint16(v))
	return string(v[2:min(2+size, len(v))])
}

// readNTP reads the suboptions of option 56 (RFC 5908 section 4): a server or
// multicast address, or a name.
func readNTP(m *event.DHCP6, v []byte) {
	const address, group, name = 1, 2, 3
	rest, ok := v, true
	for ok && len(rest) > 0 && len(m.NTP) < listLimit {
		var kind uint16
		var a []byte
		kind, a, rest, ok = cutOption(rest)
		switch {
		case !ok:
		case (kind == address || kind == group) && len(a) == 16:
			m.NTP = append(m.NTP, netip.AddrFrom16([16]byte(a)).String())
		case kind == name:
			if text, _, good := wire.DomainName(a); good {
				m.NTP = append(m.NTP, text)
			}
		}
	}
}
