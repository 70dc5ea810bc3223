package decode

import (
	"net/netip"

	"assay/internal/assess/event"
)

const (
	// addressLimit bounds the pairs of host and source address that are
	// remembered: one line of a /16 full of hosts.
	addressLimit = 65536
	// complaintLimit is how many Malformed events one host and layer gets.
	complaintLimit = 8
	// complainerLimit bounds the pairs of host and layer that are remembered.
	complainerLimit = 4096
)

// hosts remembers what was already said about hosts.
type hosts struct {
	used       map[usedAddress]struct{}
	complaints map[complaint]uint8
	// cooked tells the sender last seen at an address in frames that name senders
	// only; it has at most as many entries as used.
	cooked map[netip.Addr]event.HostID
}

type usedAddress struct {
	host event.HostID
	addr netip.Addr
}

type complaint struct {
	host  event.HostID
	layer string
}

func newHosts() hosts {
	return hosts{used: map[usedAddress]struct{}{}, complaints: map[complaint]uint8{}, cooked: map[netip.Addr]event.HostID{}}
}

// mayComplain counts a complaint and reports whether it is still worth an event.
func (h *hosts) mayComplain(host event.HostID, layer string) bool {
	k := complaint{host, layer}
	n, known := h.complaints[k]
	if n >= complaintLimit || !known && len(h.complaints) >= complainerLimit {
		return false
	}
	h.complaints[k] = n + 1
	return true
}

// noteAddress reports the first packet that a host sends from an address.
func (d *Decoder) noteAddress(p *packet) {
	if p.src.IsUnspecified() || p.src.IsMulticast() || p.from.IsGroup() {
		return
	}
	k := usedAddress{p.from, p.src}
	if _, known := d.hosts.used[k]; known {
		return
	}
	if len(d.hosts.used) >= addressLimit {
		d.counts.Crowded++
		return
	}
	d.hosts.used[k] = struct{}{}
	if p.cooked {
		d.hosts.cooked[p.src] = p.from
	}
	d.tell(p, event.AddressUsed{Addr: p.src})
}
