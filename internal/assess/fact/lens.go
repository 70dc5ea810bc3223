package fact

import (
	"net/netip"
	"time"

	"assay/internal/assess/event"
)

// Role is the part a host plays in an event.
type Role uint8

// The roles of a host in an event.
const (
	// Actor is the event's Device: the client, the speaker, the asker.
	Actor Role = iota
	// Other is the event's Peer: the server, the one asked.
	Other
	// Bystander saw it because it was said to everybody on the link.
	Bystander
)

// lens looks at the events that touch one host and states facts about it. It
// keeps a bounded state.
type lens interface {
	// see takes one event. The pointer is only valid during the call.
	see(w *world, ev *event.Event, role Role)
	// state writes what is known by now.
	state(w *world, out *Sheet)
}

// world is what all lenses of one host may ask: the host itself and the network
// it lives in. It is kept by the Observer.
type world struct {
	host event.HostID
	// addrs are the host's own addresses, by first use.
	addrs map[netip.Addr]event.Ref
	// onLink are the prefixes known to be on the captured link.
	onLink []netip.Prefix
	// routers are hosts that advertised or were given as routers.
	routers map[event.HostID]bool
	// resolvers, timeServers were offered to this host by DHCP or RA.
	resolvers   map[netip.Addr]event.Event
	timeServers map[netip.Addr]event.Event
	started     time.Time // first entry of the log
	now         time.Time // last entry of the log
	firstSeen   time.Time // of this host
	lastSeen    time.Time // of this host
	closing     Closing   // set before state is called
}

// Scope says how far away an address is.
type Scope uint8

// The scopes of addresses, from near to far.
const (
	ScopeNone      Scope = iota // unspecified or loopback
	ScopeGroup                  // multicast or broadcast
	ScopeLinkLocal              // 169.254/16, fe80::/10
	ScopeLocal                  // private, ULA, or on the captured link
	ScopeInternet               // everything else
)

// scope tells how far a is from the host. Addresses on the captured link are
// local whatever their kind; private addresses are local wherever they are.
func (w *world) scope(a netip.Addr) Scope {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsLoopback():
		return ScopeNone
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ScopeGroup
	case a.IsLinkLocalUnicast():
		return ScopeLinkLocal
	case a.IsPrivate() || w.isOnLink(a):
		return ScopeLocal
	default:
		return ScopeInternet
	}
}

func (w *world) isOnLink(a netip.Addr) bool {
	for _, p := range w.onLink {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
