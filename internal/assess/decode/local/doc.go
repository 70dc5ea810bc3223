// Package local reads the datagram protocols of the local network: service
// discovery (SSDP, WS-Discovery, NetBIOS names), requests to open a gateway's
// ports (NAT-PMP, PCP), CoAP, SNMP, SIP, RTP, and those that are only named
// (TFTP, syslog, STUN, BACnet/IP, Tuya broadcasts, WireGuard, IPsec, OpenVPN).
//
// Everything is recognised by content; a port only breaks ties. A false
// recognition is worse than none: a reader that is not sure says nothing. It
// must not know how frames and conversations are put together (package decode)
// nor what an observation is worth (packages fact and rule).
package local

import (
	"hash/fnv"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Datagrams lists the protocols of this package, those with the most telling
// beginning first. The recognisers do not overlap, so the order only saves time.
func Datagrams() []wire.DatagramKind {
	return []wire.DatagramKind{
		ssdp(), wsDiscovery(), sip(), snmp(), stun(), bacnet(), tuya(),
		natPMP(), pcp(), netbiosNames(), netbiosDatagrams(), tftp(), syslogUDP(),
		natTraversal(), openVPN(), wireGuard(), coap(), rtp(),
	}
}

// unsure is the name of a kind whose first datagram only suggests what it is. Its
// reader names the conversation when it is sure, and until then it has no name.
const unsure = ""

// stateless makes a reader from a function that needs no memory between
// datagrams.
type stateless func(c wire.Context, from event.Side, data []byte) bool

// Packet reads one datagram.
func (f stateless) Packet(c wire.Context, from event.Side, data []byte) bool {
	return f(c, from, data)
}

// yesIf turns a certainty into a match: a datagram comes whole, so there is
// nothing to wait for.
func yesIf(sure bool) wire.Match {
	if sure {
		return wire.Yes
	}
	return wire.No
}

// speak reports what a side says of itself. Without a context that can speak for
// the server, what the server says is not told: it would be put into the client's
// mouth.
func speak(c wire.Context, from event.Side, body event.Body) {
	if from == event.FromClient {
		c.Emit(0, body)
	} else if he, ok := c.(wire.HostEmitter); ok {
		he.EmitFor(c.Conn().Peer, 0, body)
	}
}

// usesPort says whether either end of the conversation is at one of the ports.
func usesPort(c wire.Conn, ports ...uint16) bool {
	for _, p := range ports {
		if c.ClientPort == p || c.ServerPort == p {
			return true
		}
	}
	return false
}

// heard tells what has been reported in one conversation, so that a device that
// repeats itself forever is told once. It forgets nothing and takes no more than
// heardLimit.
type heard[K comparable] struct{ seen map[K]bool }

// heardLimit is the most different things of one sort told of one conversation.
const heardLimit = 32

// sumOf is short for a text, so that a flood of long ones costs little to remember.
// Who makes two alike is told of once.
func sumOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// first reports whether k is new and there is still room to tell it.
func (h *heard[K]) first(k K) bool {
	if h.seen[k] || len(h.seen) >= heardLimit {
		return false
	}
	if h.seen == nil {
		h.seen = map[K]bool{}
	}
	h.seen[k] = true
	return true
}
