package fact

import (
	"strconv"

	"assay/internal/assess/event"
)

func portMapSchema() []Decl {
	return []Decl{
		{"portmap.maps", Int, "different requests of the device to a gateway to open a port, by conversation"},
		{"portmap.discovers", Int, "different searches of the device for a gateway that opens ports, by conversation"},
		{"portmap.protocols", List, "the protocols it used: upnp, nat-pmp, pcp"},
		{"portmap.ports", List, "the ports it asked to open, as PROTOCOL external:internal"},
	}
}

// portMapLens watches whether a host asks the gateway to open ports.
type portMapLens struct {
	maps, discovers  Because
	protocols, ports said
}

func (*portMapLens) wants() wanted {
	return wanted{
		Actor: {event.PortMapAsked{}},
	}
}

func (l *portMapLens) see(_ *world, ev *sighting, role Role) {
	b, ok := ev.Body.(event.PortMapAsked)
	if !ok || role != Actor {
		return
	}
	l.protocols.add(ev, b.Protocol)
	if !b.Maps {
		l.discovers.See(ev)
		return
	}
	l.maps.See(ev)
	l.ports.add(ev, b.Protocol+" "+strconv.Itoa(int(b.ExternalPort))+":"+strconv.Itoa(int(b.InternalPort)))
}

func (l *portMapLens) state(_ *world, out *Sheet) {
	all := func(string) bool { return true }
	used := l.maps
	used.Join(l.discovers)
	out.Int("portmap.maps", l.maps.Seen(), l.maps)
	out.Int("portmap.discovers", l.discovers.Seen(), l.discovers)
	out.List("portmap.protocols", l.protocols.list(all), used)
	out.List("portmap.ports", l.ports.list(all), l.maps)
}
