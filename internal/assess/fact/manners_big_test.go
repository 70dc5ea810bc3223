package fact

import (
	"net/netip"
	"testing"

	"assay/internal/assess/event"
)

// pong lets the device answer an echo request with 1400 bytes in pieces of so many.
func (s *netScene) pong(largest int) *netScene {
	return s.tell(cam, event.Ponged{To: mustAddr("2001:db8:1::1"), Bytes: 1400, Largest: largest})
}

// tooBig lets the router tell somebody that a packet of 1400 bytes was too big.
func (s *netScene) tooBig(from string, mtu uint32) *netScene {
	s.ref++
	about := netip.AddrPortFrom(mustAddr("2001:db8:1::1"), 0)
	s.watch.Add(event.Event{At: s.at, Ref: s.ref, First: s.ref, Device: routerMAC, Peer: cam,
		Body: event.ICMPError{V6: true, Type: 2, MTU: mtu, From: mustAddr(from), About: about}})
	return s
}

func TestKeepsToASmallMTU(t *testing.T) {
	begun := func() *netScene {
		return newNetScene().joins().advertises(255).forms(opaqueGUA).tell(cam, event.AddressUsed{Addr: mustAddr(opaqueGUA)})
	}
	for name, c := range map[string]struct {
		s                                 *netScene
		whole, told, pieces, still, grown int
	}{
		"it shrinks":                    {begun().pong(1400).tooBig(opaqueGUA, 1280).pong(1280).pong(1280), 1, 1, 2, 0, 0},
		"it shrinks at the second word": {begun().pong(1400).tooBig(opaqueGUA, 1280).pong(1400).tooBig(opaqueGUA, 1280).pong(1280), 1, 2, 1, 1, 0},
		"it never shrinks":              {begun().pong(1400).tooBig(opaqueGUA, 1280).pong(1400), 1, 1, 0, 1, 0},
		"it grows again":                {begun().pong(1400).tooBig(opaqueGUA, 1280).pong(1280).pong(1400), 1, 1, 1, 1, 1},
		"always in pieces":              {begun().pong(1280).tooBig(opaqueGUA, 1280).pong(1280), 0, 0, 0, 0, 0},
		"told of another's packet":      {begun().pong(1400).tooBig("2001:db8:1::77", 1280).pong(1400), 2, 0, 0, 0, 0},
		"told of a larger MTU":          {begun().pong(1400).tooBig(opaqueGUA, 1400).pong(1400), 2, 0, 0, 0, 0},
		"told, and silent from then on": {begun().pong(1400).tooBig(opaqueGUA, 1280), 1, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, c.s.sheet(), map[string]any{
				"manners.echo_whole": int64(c.whole), "manners.echo_told": int64(c.told), "manners.echo_pieces": int64(c.pieces),
				"manners.echo_still_whole": int64(c.still), "manners.echo_grown": int64(c.grown),
			})
		})
	}
}
