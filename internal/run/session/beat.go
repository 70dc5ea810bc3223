package session

import (
	"net"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// Beat is what happened between two Ticks, for people who watch. It decides nothing.
type Beat struct {
	Run string // id
	At  time.Time
	// Sent and Received are the bytes of the device's frames, as on the wire.
	Sent, Received uint64
	// Events are the first of those that were decoded; more than beatEvents are not told.
	Events []event.Event
}

// beatEvents bounds the events of one beat: nobody reads more in half a second.
const beatEvents = 256

// pulse gathers a beat.
type pulse struct {
	mac            [6]byte
	sent, received uint64
	events         []event.Event
}

// hardware is a MAC address in its text form; the zero address where it is none.
func hardware(text string) (mac [6]byte) {
	if m, err := net.ParseMAC(text); err == nil && len(m) == len(mac) {
		mac = [6]byte(m)
	}
	return mac
}

func (p *pulse) seen(e event.Event) {
	if len(p.events) < beatEvents {
		p.events = append(p.events, e)
	}
}

// crossed counts a frame.
func (p *pulse) crossed(e evidence.Entry) {
	const ethernet = 14 // bytes of the header
	if e.Kind != evidence.KindPacket || len(e.Packet.Data) < ethernet {
		return
	}
	if [6]byte(e.Packet.Data[6:12]) == p.mac {
		p.sent += uint64(e.Packet.Length)
	} else {
		p.received += uint64(e.Packet.Length)
	}
}

// tellBeat hands the beat on and begins the next.
func (r *Run) tellBeat(now time.Time) {
	p := &r.pulse
	if r.opts.Beat == nil || p.sent+p.received == 0 && len(p.events) == 0 {
		return
	}
	r.opts.Beat(Beat{Run: r.opts.Record.ID, At: now, Sent: p.sent, Received: p.received, Events: p.events})
	p.sent, p.received, p.events = 0, 0, nil
}
