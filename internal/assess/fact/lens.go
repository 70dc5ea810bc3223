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
	// Asked is the device in a conversation that the box itself began with it, to find
	// something out. Such an event is shown in no other role: what the box does says
	// nothing about what the device does on its own.
	Asked
	roles
)

// wanted names the bodies that a lens looks at, by the role in which its host saw
// them, by their zero values.
type wanted [roles][]event.Body

// lens looks at the events that touch one host and states facts about it. It
// keeps a bounded state.
type lens interface {
	// wants says which events are shown to it; it is the same for all of its kind.
	wants() wanted
	// see takes one event. What outlives the call is kept by ev.keep, never by ev.
	see(w *world, ev *sighting, role Role)
	// state writes what is known by now.
	state(w *world, out *Sheet)
}

// world is what all lenses of one host may ask: the host itself and the network
// it lives in. It is kept by the Observer.
type world struct {
	host event.HostID
	// network is what is known of the captured link; all hosts share it.
	*network
	// addrs are the host's own addresses, by first use.
	addrs map[netip.Addr]event.Ref
	// resolvers, timeServers were offered to this host by DHCP or RA.
	resolvers   map[netip.Addr]*event.Event
	timeServers map[netip.Addr]*event.Event
	firstSeen   time.Time // of this host
	lastSeen    time.Time // of this host
	now         time.Time // last entry of the log, set before state is called
	closing     Closing   // set before state is called
}
