package fact

import "assay/internal/assess/event"

// leastMTU is what every IPv6 link carries (RFC 8200 section 5).
const leastMTU = 1280

// tooBig watches whether a device keeps to the size of packets that a router told it
// (RFC 8201 section 4), by its replies to large echo requests: of them everybody knows
// how long they must be.
type tooBig struct {
	whole, messages, pieces, still, grown Because
}

// told takes a Packet Too Big message about a packet of the device, if a reply that was
// too big was seen before.
func (t *tooBig) told(w *world, ev *sighting, b event.ICMPError) {
	const packetTooBig = 2 // RFC 4443 section 3.2
	if _, own := w.addrs[b.From]; !own || !b.V6 || b.Type != packetTooBig || b.MTU != leastMTU || t.whole.Seen() == 0 {
		return
	}
	t.messages.See(ev)
}

func (t *tooBig) answered(ev *sighting, b event.Ponged) {
	if b.Bytes <= leastMTU {
		return
	}
	big, told := b.Largest > leastMTU, t.messages.Seen() > 0
	switch {
	case !told && big:
		t.whole.See(ev)
	case told && big:
		t.still.See(ev)
		if t.pieces.Seen() > 0 {
			t.grown.See(ev)
		}
	case told:
		t.pieces.See(ev)
	}
}

func (t *tooBig) state(out *Sheet) {
	out.Int("manners.echo_whole", t.whole.Seen(), t.whole)
	out.Int("manners.echo_told", t.messages.Seen(), t.messages)
	out.Int("manners.echo_pieces", t.pieces.Seen(), t.pieces)
	out.Int("manners.echo_still_whole", t.still.Seen(), t.still)
	out.Int("manners.echo_grown", t.grown.Seen(), t.grown)
}
