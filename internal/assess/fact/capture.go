package fact

import (
	"strings"

	"assay/internal/assess/event"
)

func captureSchema() []Decl {
	return []Decl{
		{"capture.gapless", Bool, "the log says of no frame that it was lost or cut short, does not break off in the middle of one, and no payload byte of the device's conversations is missing"},
		{"capture.lost_frames", Int, "frames that the capture itself reported lost"},
		{"capture.missing_bytes", Int, "payload bytes of the device's TCP conversations that the log does not hold"},
		{"capture.minutes", Double, "minutes from the device's first to its last frame in the log"},
		{"capture.boot_seen", Bool, "the log holds the device joining the network: a DHCP DISCOVER or REQUEST, a SOLICIT, or address detection"},
		{"flows.total", Int, "TCP and UDP conversations the device opened, local ones and DNS included"},
		{"flows.internet", Int, "conversations the device opened to internet addresses, DNS and NTP included"},
		{"flows.midway", Int, "conversations of the device that were joined after their beginning"},
		{"statement.setup_captured", Bool, "the operator states that the log holds the device's first set-up"},
		{"malformed.messages", Int, "messages of the device that broke their protocol and are told as events"},
	}
}

// captureLens tells how good the evidence about a host is.
type captureLens struct {
	missing   int
	gaps      Because
	lost      Because
	boot      Because
	flows     Because
	internet  Because
	midway    Because
	malformed Because
}

func (*captureLens) wants() wanted {
	return wanted{
		Actor: {
			event.FramesLost{}, event.FlowStarted{}, event.FlowEnded{}, event.Malformed{},
			event.DHCP4{}, event.DHCP6{}, event.NeighbourSolicited{},
		},
		Other:     {event.FramesLost{}, event.FlowStarted{}, event.FlowEnded{}},
		Bystander: {event.FramesLost{}},
	}
}

func (l *captureLens) see(w *world, ev *sighting, role Role) {
	switch b := ev.Body.(type) {
	case event.FramesLost:
		l.lost.See(ev)
	case event.FlowStarted:
		l.seeFlow(w, ev, b, role)
	case event.FlowEnded:
		if n := b.Client.Missing + b.Server.Missing; n > 0 {
			l.missing += int(n)
			l.gaps.See(ev)
		}
	case event.Malformed:
		if role == Actor {
			l.malformed.See(ev)
		}
	default:
		if role == Actor && joins(ev.Body) {
			l.boot.See(ev)
		}
	}
}

// joins says whether an event is a host joining a network: a DHCP DISCOVER or
// REQUEST, a DHCPv6 SOLICIT, or duplicate address detection.
func joins(body event.Body) bool {
	switch b := body.(type) {
	case event.DHCP4:
		return !b.FromServer && (b.Type == 1 || b.Type == 3)
	case event.DHCP6:
		return !b.FromServer && b.Type == 1
	case event.NeighbourSolicited:
		return b.IsDAD()
	default:
		return false
	}
}

func (l *captureLens) seeFlow(w *world, ev *sighting, b event.FlowStarted, role Role) {
	if b.Midway {
		l.midway.See(ev)
	}
	mine, theirs := ends(ev, role)
	if b.Guessed && role == Other && w.isOwnEnd(mine) && w.scope(theirs) == ScopeInternet {
		l.internet.See(ev) // it may be the client: nothing may rest on its having none
	}
	if role != Actor {
		return
	}
	l.flows.See(ev)
	if w.scope(ev.Server.Addr()) == ScopeInternet {
		l.internet.See(ev)
	}
}

func (l *captureLens) state(w *world, out *Sheet) {
	c := w.closing
	gapless := c.Lost == 0 && c.Cut == 0 && !c.Truncated && l.missing == 0 && l.lost.Seen() == 0
	gaps := l.gaps
	gaps.Join(l.lost)
	out.Bool("capture.gapless", gapless, gaps)
	out.Int("capture.lost_frames", int(c.Lost), l.lost)
	out.Int("capture.missing_bytes", l.missing, l.gaps)
	out.Double("capture.minutes", w.lastSeen.Sub(w.firstSeen).Minutes(), Because{})
	out.Bool("capture.boot_seen", l.boot.Seen() > 0, l.boot)
	out.Int("flows.total", l.flows.Seen(), l.flows)
	out.Int("flows.internet", l.internet.Seen(), l.internet)
	out.Int("flows.midway", l.midway.Seen(), l.midway)
	out.Int("malformed.messages", l.malformed.Seen(), l.malformed)
	if v, said := c.Statements["setup-captured"]; said {
		out.Bool("statement.setup_captured", strings.EqualFold(v, "yes"), Because{})
	}
}
