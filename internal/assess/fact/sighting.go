package fact

import (
	"net/netip"

	"assay/internal/assess/event"
)

// sighting is an event as it is shown to the lenses. The Observer uses its room
// again for the next event unless somebody kept it: most events only count.
type sighting struct {
	event.Event
	kept bool
	box  netip.AddrPort // end of the box, of an event in the role Asked
}

// keep is the event for good. All who keep it share it, and it stays as it is.
func (s *sighting) keep() *event.Event {
	s.kept = true
	return &s.Event
}
