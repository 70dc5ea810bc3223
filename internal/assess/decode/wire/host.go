package wire

import "assay/internal/assess/event"

// HostEmitter is a Context that can report for a host other than the client of
// the conversation, as for the broadcast answer of a DHCP server: the client it
// is meant for stands in the message. The decoder's Context is one.
type HostEmitter interface {
	// EmitFor is Emit for another Device; the sender becomes the Peer.
	EmitFor(device event.HostID, off int, body event.Body)
}
