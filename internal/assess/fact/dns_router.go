package fact

import "net/netip"

// isRouter says whether an address that nobody had offered is the network's own
// router all the same: one that advertised itself, at another of its addresses,
// such as its link-local one or the one that a person types in. Behind a router
// every far address has the router's link-layer address, so a must be on the link.
func (p *pathPart) isRouter(w *world, a netip.Addr) bool {
	s := p.servers[a]
	onLink := a.IsLinkLocalUnicast() || w.isOnLink(a)
	return s != nil && onLink && !offered(w, a) && !s.several && w.routers[s.owner]
}

// viaRouter says whether the network's router resolved the name.
func (p *pathPart) viaRouter(w *world, n *pathName) bool {
	for a := range n.by {
		if p.isRouter(w, a) {
			return true
		}
	}
	return false
}
