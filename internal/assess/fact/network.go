package fact

import (
	"net/netip"
	"slices"

	"assay/internal/assess/event"
)

// linkLimit is how many addresses and prefixes are known to be on the link.
const linkLimit = 256

// network is what the log says of the captured link.
type network struct {
	// neighbours are single addresses that were seen on the link; there are far more
	// of them than prefixes.
	neighbours map[netip.Addr]bool
	prefixes   []netip.Prefix
	// routers are hosts that advertised or were given as routers.
	routers map[event.HostID]bool
	// recent remembers what scope said last: the lenses ask for both ends of one
	// conversation many times in a row.
	recent [4]scoped
	next   int // of recent, the oldest
	// stage is which of the networks of an experiment is offered.
	stage stage
	// asked knows which conversations the box itself began.
	asked askedBook
}

// scoped is an address with its scope.
type scoped struct {
	addr  netip.Addr
	scope Scope
}

func newNetwork() *network {
	return &network{neighbours: map[netip.Addr]bool{}, routers: map[event.HostID]bool{}}
}

// addLink notes that a prefix, or a single address, is on the link.
func (n *network) addLink(p netip.Prefix) {
	p = p.Masked()
	if !p.IsValid() || p.Bits() == 0 || len(n.neighbours)+len(n.prefixes) >= linkLimit {
		return
	}
	switch {
	case p.IsSingleIP():
		n.neighbours[p.Addr()] = true
	case !slices.Contains(n.prefixes, p):
		n.prefixes = append(n.prefixes, p)
	}
	n.recent = [len(n.recent)]scoped{}
}

// Scope says how far away an address is.
type Scope uint8

// The scopes of addresses, from near to far.
const (
	ScopeNone      Scope = iota // unspecified or loopback
	ScopeGroup                  // multicast or broadcast
	ScopeLinkLocal              // 169.254/16, fe80::/10
	ScopeLocal                  // private, ULA, or on the captured link
	ScopeInternet               // everything else
)

// scope tells how far a is from the link. Addresses on the captured link are
// local whatever their kind; private addresses are local wherever they are.
func (n *network) scope(a netip.Addr) Scope {
	for i := range n.recent {
		if r := &n.recent[i]; r.addr == a {
			return r.scope // the zero address, which an empty place holds, has no scope
		}
	}
	s := n.scopeOf(a.Unmap())
	n.recent[n.next] = scoped{a, s}
	n.next = (n.next + 1) % len(n.recent)
	return s
}

func (n *network) scopeOf(a netip.Addr) Scope {
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsLoopback():
		return ScopeNone
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ScopeGroup
	case a.IsLinkLocalUnicast():
		return ScopeLinkLocal
	case a.IsPrivate() || n.isOnLink(a):
		return ScopeLocal
	default:
		return ScopeInternet
	}
}

func (n *network) isOnLink(a netip.Addr) bool {
	for _, p := range n.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return n.neighbours[a]
}
