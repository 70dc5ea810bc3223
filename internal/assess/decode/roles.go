package decode

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

// servedFrom guesses whether the sender of a first packet is the server, for
// conversations whose beginning was not seen: a system or registered port against
// one that is neither. Two ports of a like kind say nothing, and then the sender
// is taken for the client.
func servedFrom(from, to uint16) bool {
	a, b := serving(from), serving(to)
	return a >= 2 && a > b
}
