// Package dhcp reads DHCPv4 (RFC 2131, RFC 2132) with BOOTP, and DHCPv6 (RFC
// 8415), from both sides.
//
// It owns what the messages say and whose they are: the client's host, also when
// a server broadcasts. It must not know about leases over time or what a device
// ought to ask for. It parses on its own: bytes are looked at once, option by
// option, so that a broken option costs that option and not the message.
package dhcp

import (
	"net/netip"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Datagrams lists the two protocols for the decoder.
func Datagrams() []wire.DatagramKind {
	return []wire.DatagramKind{
		{Name: "dhcp", Recognise: recognise4, New: func() wire.Datagram { return reader4{} }},
		{Name: "dhcpv6", Recognise: recognise6, New: func() wire.Datagram { return reader6{} }},
	}
}

// listLimit bounds the entries of one list of an option.
const listLimit = 64

// emitFor reports body for the client: named by its hardware address where the
// link names hosts so, by its IP address where the link does not and the message
// tells it, else as the conversation does.
func emitFor(c wire.Context, client *[6]byte, at netip.Addr, body event.Body) {
	he, ok := c.(wire.HostEmitter)
	_, byMAC := c.Conn().Device.MAC()
	switch {
	case ok && byMAC && client != nil:
		he.EmitFor(event.HostByMAC(*client), 0, body)
	case ok && !byMAC && at.IsValid():
		he.EmitFor(event.HostByAddr(at), 0, body)
	default:
		c.Emit(0, body)
	}
}

// between reports whether the conversation has one of its ends at port a or b.
func between(c wire.Conn, a, b uint16) bool {
	return c.ClientPort == a || c.ClientPort == b || c.ServerPort == a || c.ServerPort == b
}
