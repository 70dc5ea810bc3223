package fact

import (
	"net/netip"
	"slices"

	"assay/internal/assess/event"
)

// mostly follows what a host does when it is told that it can do without IPv4
// (RFC 8925).
type mostly struct {
	active               bool // it asked, and was told so in this network
	asked                bool
	offered, after, data Because
	nat64                Because
}

func (m *mostly) seeDHCP4(ev *sighting, b event.DHCP4) {
	const optV6Only = 108
	switch {
	case !b.FromServer:
		m.asked = slices.Contains(b.Parameters, optV6Only)
	case b.HasV6Only && m.asked:
		m.active = true
		m.offered.See(ev)
	}
}

func (m *mostly) seeStarted(ev *sighting, to netip.AddrPort) {
	if m.active && to.Addr().Is4() {
		m.after.See(ev)
	}
}

func (m *mostly) seeData(ev *sighting, l *stayLens, to netip.Addr) {
	if !m.active {
		return
	}
	m.data.See(ev)
	if _, translated := l.embedded(to); translated {
		m.nat64.See(ev)
	}
}
