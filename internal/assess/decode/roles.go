package decode

import (
	"net/netip"

	"assay/internal/assess/event"
)

// lowPorts is the end of the system ports (RFC 6335 section 6).
const lowPorts = 1024

// ephemeralPorts is the lowest port that clients are given on their own: Linux
// begins at 32768, the dynamic ports of RFC 6335 section 6 at 49152.
const ephemeralPorts = 32768

// registered reports a port above the system ports on which servers of the
// protocols that devices speak are usual.
func registered(port uint16) bool {
	switch port {
	case 1883, 8883, // MQTT
		5683, 5684, // CoAP
		1080,       // SOCKS
		1900, 3702, // SSDP, WS-Discovery
		3478, 3479, 5349, // STUN and TURN
		5222, 5223, 5228, // XMPP and push services
		5060, 5061, // SIP
		5351, 5353, 5355, // NAT-PMP and PCP, mDNS, LLMNR
		1935,                         // RTMP
		3128, 8000, 8008, 8009, 8080, // HTTP
		8081, 8086, 8443, 8554, 8888,
		4840, 47808, // OPC UA, BACnet
		51820: // WireGuard
		return true
	default:
		return false
	}
}

// serving ranks how surely a port belongs to a server.
func serving(port uint16) int {
	switch {
	case port == 67 || port == 547: // DHCP: the client's port is well known too
		return 4
	case port < lowPorts && port != 0:
		return 3
	case registered(port):
		return 2
	case port < ephemeralPorts:
		return 1
	default:
		return 0
	}
}

// servedFrom guesses whether the sender of a first datagram is the server: a system
// or registered port against one that is neither. Two ports of a like kind say
// nothing, and then the sender is taken for the client.
func servedFrom(from, to uint16) bool {
	a, b := serving(from), serving(to)
	return a >= 2 && a > b
}

// endLimit bounds the ends of conversations that are remembered for guessing.
const endLimit = 8192

// noteListener remembers an end that took a conversation. Ends of conversations
// whose roles are a guess are remembered too, as false.
func (d *Decoder) noteListener(end netip.AddrPort) { d.noteEnd(end, true) }

func (d *Decoder) noteEnd(end netip.AddrPort, listens bool) {
	if known, ok := d.ends[end]; ok && known || !ok && len(d.ends) >= endLimit {
		return
	}
	d.ends[end] = listens
}

// midwayServer says whether the sender of a segment in the middle of a TCP
// conversation is the server, and whether that is a guess. An end that took
// another conversation is the server. Else, from the better sign to the worse: a
// port that servers have, an end that has several conversations, a port that
// clients are not given, an address far away. Without any the sender is the client.
func (d *Decoder) midwayServer(from, to netip.AddrPort) (server, guessed bool) {
	fromListens, fromUsed := d.ends[from]
	toListens, toUsed := d.ends[to]
	if fromListens != toListens {
		return fromListens, false
	}
	d.noteEnd(from, false)
	d.noteEnd(to, false)
	a, b := serving(from.Port()), serving(to.Port())
	switch {
	case a != b && max(a, b) >= 2:
		return a > b, true
	case fromUsed != toUsed:
		return fromUsed, true
	case a != b:
		return a > b, true
	default:
		return !isNear(from.Addr()) && isNear(to.Addr()), true
	}
}

// isNear says that an address is one of a local network.
func isNear(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() }

// reconsider looks who is the client in the first data of a conversation where
// that is a guess: what only one side can say settles it.
func (d *Decoder) reconsider(c *conversation, side event.Side, data []byte) {
	r := &c.reading
	if r.done || r.stream != nil && !r.unknown || c.half[side].tries >= latecomers {
		return
	}
	kind, _ := d.kindOf(c, side, data)
	c.swap()
	turned, _ := d.kindOf(c, 1-side, data)
	if (kind == nil) == (turned == nil) {
		c.swap()
		return
	}
	c.conn.Guessed = false
	if turned == nil {
		c.swap()
		return
	}
	c.half[0], c.half[1] = c.half[1], c.half[0]
}
