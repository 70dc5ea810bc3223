package fact

import (
	"encoding/json"
	"net/netip"

	"assay/internal/assess/event"
)

// Limits of what is remembered of the questions that the box asks devices itself.
const (
	askedEndLimit  = 32768 // announced ends, the oldest given up first
	askedFlowLimit = 65536 // conversations of the box that go on
	askedBoxLimit  = 32    // addresses of the box
	// askedLeastPort is the lowest port from which the box asks: those below are its
	// own services, which the devices ask.
	askedLeastPort = 1024
)

// askedBook knows which conversations are the box's own doing. A lens sees those only
// in the role Asked, so that nothing the box does is held against a device. Only notes
// that came before the conversation count, and only for conversations of the box with
// a host of the link: a note cannot hide what a device does with others.
type askedBook struct {
	mac    event.HostID        // of the box on the link
	addrs  map[netip.Addr]bool // of the box
	ends   map[askedEnds]bool
	queue  []askedEnds
	oldest int
	flows  map[event.FlowID]netip.AddrPort // with the end of the box
	// note is the probe note of the present event, valid is whether it is one.
	note  event.ProbeNote
	valid bool
	// consent is the first consent to attempts to log in. It may be given before the
	// device is seen at all.
	consent *event.Event
}

// askedEnds is an announced question. A device may answer UDP from another port than
// the one that was asked (RFC 1350 section 4), so that the port does not count.
type askedEnds struct {
	box    netip.AddrPort
	device netip.Addr
	udp    bool
}

// seeNote takes what a note says of the box, or of a question that follows.
func (b *askedBook) seeNote(ev *sighting, n event.NoteSeen) {
	b.valid = false
	switch n.Kind {
	case event.NoteConsent:
		var c event.ConsentNote
		if b.consent == nil && json.Unmarshal(n.JSON, &c) == nil && c.Tester != "" && c.Owner != "" {
			b.consent = ev.keep()
		}
	case noteNetwork:
		b.seeNetwork(n)
	case event.NoteProbe:
		b.note = event.ProbeNote{}
		if json.Unmarshal(n.JSON, &b.note) != nil {
			return
		}
		b.valid = true
		b.note.Client, b.note.Server = plainEnd(b.note.Client), plainEnd(b.note.Server)
		if b.note.Kind == event.ProbeOpen {
			b.announce(askedEnds{b.note.Client, b.note.Server.Addr(), b.note.UDP})
		}
	}
}

// plainEnd is an end as events have it: without zone, IPv4 as such.
func plainEnd(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func (b *askedBook) seeNetwork(n event.NoteSeen) {
	var at struct {
		MAC       string       `json:"mac"`
		IPv4      netip.Prefix `json:"ipv4"`
		IPv6      netip.Prefix `json:"ipv6"`
		LinkLocal netip.Addr   `json:"link_local"`
	}
	if json.Unmarshal(n.JSON, &at) != nil {
		return
	}
	if mac, ok := parseMAC(at.MAC); ok {
		b.mac = event.HostByMAC(mac)
	}
	for _, a := range []netip.Addr{at.IPv4.Addr(), at.IPv6.Addr(), at.LinkLocal} {
		if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsUnspecified() {
			keep(&b.addrs, a, true, askedBoxLimit)
		}
	}
}

// parseMAC reads the colon form of an EUI-48.
func parseMAC(s string) (mac [6]byte, ok bool) {
	if len(s) != 17 {
		return mac, false
	}
	for i := range mac {
		high, low := hexDigit(s[3*i]), hexDigit(s[3*i+1])
		if high < 0 || low < 0 || i < 5 && s[3*i+2] != ':' {
			return mac, false
		}
		mac[i] = byte(high<<4 | low)
	}
	return mac, true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	default:
		return -1
	}
}

func (b *askedBook) announce(e askedEnds) {
	if !e.box.IsValid() || !e.device.IsValid() || e.box.Port() < askedLeastPort || b.ends[e] {
		return
	}
	if b.ends == nil {
		b.ends = map[askedEnds]bool{}
	}
	if len(b.queue) < askedEndLimit {
		b.queue = append(b.queue, e)
	} else {
		delete(b.ends, b.queue[b.oldest])
		b.queue[b.oldest] = e
		b.oldest = (b.oldest + 1) % askedEndLimit
	}
	b.ends[e] = true
}

// end tells the end of the box in an event that belongs to one of its questions, and
// whether it does.
func (b *askedBook) end(ev *sighting) (netip.AddrPort, bool) {
	if len(b.ends) == 0 {
		return netip.AddrPort{}, false
	}
	start, starts := ev.Body.(event.FlowStarted)
	if ev.Flow != 0 && !starts {
		end, known := b.flows[ev.Flow]
		if _, over := ev.Body.(event.FlowEnded); over {
			delete(b.flows, ev.Flow)
		}
		return end, known
	}
	end, known := b.find(ev, start, starts)
	if known && starts {
		keep(&b.flows, ev.Flow, end, askedFlowLimit)
		_, known = b.flows[ev.Flow]
	}
	return end, known
}

// find looks for the ends of an event among the announced ones: the box as the client,
// or, where that is a guess or a datagram from another port, as the server.
func (b *askedBook) find(ev *sighting, start event.FlowStarted, starts bool) (netip.AddrPort, bool) {
	client, server := plainEnd(ev.Client), plainEnd(ev.Server)
	udp := !starts || start.Transport == event.UDP
	unsure := start.Midway || start.Guessed
	if b.ends[askedEnds{client, server.Addr(), udp}] {
		elsewhere := starts && !unsure && ev.Device == b.mac // an address of the box on another network
		return client, b.addrs[client.Addr()] || elsewhere
	}
	known := b.ends[askedEnds{server, client.Addr(), udp}] && b.addrs[server.Addr()]
	return server, known && (udp || unsure)
}
