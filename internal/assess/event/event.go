// Package event is the vocabulary between the wire and the facts: what was seen
// or done, when, by which host, at which evidence number.
//
// Its types are plain values with no behaviour beyond describing themselves. It
// must not know how bytes are parsed (package decode) nor what an observation is
// worth (packages fact, rule and grade).
package event

import (
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// Ref is the evidence number an event rests on.
type Ref = evidence.Ref

// Event is one observation. Device is the host that acted: the client of a
// conversation, the sender of an announcement, the asker of a question. Peer is
// the other end where there is exactly one.
type Event struct {
	At    time.Time
	Ref   Ref // the frame that completed the observation
	First Ref // the first frame it rests on; equal to Ref when one frame tells it all
	// Device and Peer are hosts on the captured link. A remote server behind a
	// router has the router as its host; Server tells its address.
	Device HostID
	Peer   HostID
	// Client and Server are the ends of the conversation, when there is one.
	// For an event without a conversation Client is the sender's address.
	Client netip.AddrPort
	Server netip.AddrPort
	// Flow numbers the conversation in order of its first packet, from 1. Zero
	// means that the event belongs to none.
	Flow FlowID
	Body Body
}

// FlowID names one conversation (transport, two addresses, two ports, one use
// of them) within one evidence log.
type FlowID uint64

// HostID names a host on the captured link: by its link-layer address where the
// link has one, else by its IP address. It is comparable and usable as a map key.
type HostID struct {
	mac  [6]byte
	addr netip.Addr
	kind hostKind
}

type hostKind uint8

const (
	hostNone hostKind = iota
	hostMAC
	hostAddr
)

// HostByMAC names a host by its EUI-48 address.
func HostByMAC(mac [6]byte) HostID { return HostID{mac: mac, kind: hostMAC} }

// HostByAddr names a host on a link that has no link-layer addresses.
func HostByAddr(a netip.Addr) HostID { return HostID{addr: a, kind: hostAddr} }

// MAC returns the link-layer address and whether the host is named by one.
func (h HostID) MAC() ([6]byte, bool) { return h.mac, h.kind == hostMAC }

// Addr returns the IP address and whether the host is named by one.
func (h HostID) Addr() (netip.Addr, bool) { return h.addr, h.kind == hostAddr }

// IsZero reports whether h names nobody.
func (h HostID) IsZero() bool { return h.kind == hostNone }

// IsGroup reports whether h is a broadcast or multicast address.
func (h HostID) IsGroup() bool {
	switch h.kind {
	case hostMAC:
		return h.mac[0]&1 == 1
	case hostAddr:
		return h.addr.IsMulticast() || h.addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	default:
		return false
	}
}

// String is the colon form of a link-layer address, or the IP address, or "-".
func (h HostID) String() string {
	switch h.kind {
	case hostMAC:
		return FormatMAC(h.mac)
	case hostAddr:
		return h.addr.String()
	default:
		return "-"
	}
}

// FormatMAC writes an EUI-48 in lower-case colon form.
func FormatMAC(mac [6]byte) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 17)
	for i, b := range mac {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, hex[b>>4], hex[b&15])
	}
	return string(out)
}

// Body is the part of an event that differs by kind. The set is closed: every
// body type is declared in this package.
type Body interface {
	// Describe is one plain-English line for a report. It never contains a
	// secret; strings that came off the wire are passed through Clean.
	Describe() string
	body()
}

// Transport is what carries a conversation.
type Transport uint8

// The transports.
const (
	TransportNone Transport = iota
	TCP
	UDP
	QUIC
	DTLS
)

// String is the transport's usual name.
func (t Transport) String() string {
	return [...]string{"none", "TCP", "UDP", "QUIC", "DTLS"}[min(int(t), 4)]
}

// Side is one end of a conversation.
type Side uint8

// The two sides of a conversation.
const (
	FromClient Side = iota
	FromServer
)

// String is "client" or "server".
func (s Side) String() string {
	if s == FromServer {
		return "server"
	}
	return "client"
}
