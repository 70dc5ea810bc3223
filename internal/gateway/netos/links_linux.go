package netos

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Links lists the links by name.
func (k *Real) Links() ([]Link, error) {
	list, err := again(k.handle.LinkList)
	if err != nil {
		return nil, fmt.Errorf("cannot list the links: %w", err)
	}
	names := map[int]string{}
	for _, l := range list {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	out := make([]Link, 0, len(list))
	for _, l := range list {
		a := l.Attrs()
		one := Link{
			Name: a.Name, Index: a.Index, MTU: a.MTU, Kind: l.Type(), Master: names[a.MasterIndex],
			Up: a.Flags&net.FlagUp != 0, Carrier: a.RawFlags&unix.IFF_LOWER_UP != 0,
		}
		copy(one.MAC[:], a.HardwareAddr)
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Link) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func (k *Real) link(name string) (netlink.Link, error) {
	l, err := k.handle.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil, fmt.Errorf("link %s is %w: check the name with 'ip link'", name, ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find link %s: %w", name, err)
	}
	return l, nil
}

// SetLinkUp sets the administrative state.
func (k *Real) SetLinkUp(name string, up bool) error {
	l, err := k.link(name)
	if err != nil {
		return err
	}
	set, word := k.handle.LinkSetDown, "down"
	if up {
		set, word = k.handle.LinkSetUp, "up"
	}
	if err := set(l); err != nil {
		return fmt.Errorf("cannot set link %s %s: %w", name, word, err)
	}
	return nil
}

// Addresses lists the addresses of a link, of all links when name is "".
func (k *Real) Addresses(link string) ([]Address, error) {
	links, err := k.Links()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		if link == "" || l.Name == link {
			names[l.Index] = l.Name
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("link %s is %w: check the name with 'ip link'", link, ErrAbsent)
	}
	list, err := again(func() ([]netlink.Addr, error) { return k.handle.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("cannot list the addresses: %w", err)
	}
	var out []Address
	for _, a := range list {
		if name, ok := names[a.LinkIndex]; ok {
			out = append(out, addressOf(name, a))
		}
	}
	sortAddresses(out)
	return out, nil
}

func addressOf(link string, a netlink.Addr) Address {
	return Address{
		Link: link, Prefix: prefixOf(a.IPNet), NoDAD: a.Flags&unix.IFA_F_NODAD != 0,
		Tentative: a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0,
		Dynamic:   a.Flags&unix.IFA_F_PERMANENT == 0 && a.IP.To4() == nil,
		ValidFor:  lifetime(a.ValidLft), PreferredFor: lifetime(a.PreferedLft),
	}
}

// lifetime turns the kernel's "for ever", all ones, into 0.
func lifetime(seconds int) int {
	if uint32(seconds) == 0xffffffff {
		return 0
	}
	return seconds
}

func prefixOf(n *net.IPNet) netip.Prefix {
	a, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	if !ok {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a.Unmap(), bits)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// AddAddress adds an address; one that is there gets the new lifetimes.
func (k *Real) AddAddress(a Address) error {
	l, err := k.link(a.Link)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: ipNet(a.Prefix), ValidLft: a.ValidFor, PreferedLft: a.PreferredFor}
	if a.NoDAD && a.Prefix.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := k.handle.AddrReplace(l, addr); err != nil {
		return fmt.Errorf("cannot add address %s: %w", a, err)
	}
	return nil
}

// RemoveAddress removes an address; one that is not there is no error.
func (k *Real) RemoveAddress(a Address) error {
	l, err := k.link(a.Link)
	if err != nil {
		return err
	}
	err = k.handle.AddrDel(l, &netlink.Addr{IPNet: ipNet(a.Prefix)})
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("cannot remove address %s: %w", a, err)
	}
	return nil
}

// Routes lists the unicast routes of the main table.
func (k *Real) Routes() ([]Route, error) {
	links, err := k.Links()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Index] = l.Name
	}
	list, err := again(func() ([]netlink.Route, error) { return k.handle.RouteList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("cannot list the routes: %w", err)
	}
	var out []Route
	for _, r := range list {
		if r.Type == unix.RTN_UNICAST && r.Dst != nil {
			out = append(out, routesOf(r, names)...)
		}
	}
	sortRoutes(out)
	return out, nil
}

// routesOf gives one route for each next hop.
func routesOf(r netlink.Route, names map[int]string) []Route {
	one := Route{To: prefixOf(r.Dst), Metric: r.Priority, Protocol: int(r.Protocol), Link: names[r.LinkIndex]}
	one.Via, one.Source = addrOf(r.Gw), addrOf(r.Src)
	if len(r.MultiPath) == 0 {
		return []Route{one}
	}
	var out []Route
	for _, hop := range r.MultiPath {
		one.Link, one.Via = names[hop.LinkIndex], addrOf(hop.Gw)
		out = append(out, one)
	}
	return out
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// AddRoute adds a route; one that is there already is no error.
func (k *Real) AddRoute(r Route) error {
	route, err := k.route(r)
	if err != nil {
		return err
	}
	err = k.handle.RouteAdd(route)
	if errors.Is(err, unix.EEXIST) && hasRoute(k, r) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot add route %s: %w", r, err)
	}
	return nil
}

// RemoveRoute removes a route; one that is not there is no error.
func (k *Real) RemoveRoute(r Route) error {
	route, err := k.route(r)
	if err != nil {
		return err
	}
	if err := k.handle.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot remove route %s: %w", r, err)
	}
	return nil
}

func (k *Real) route(r Route) (*netlink.Route, error) {
	l, err := k.link(r.Link)
	if err != nil {
		return nil, err
	}
	out := &netlink.Route{
		LinkIndex: l.Attrs().Index, Dst: ipNet(r.To), Priority: r.Metric, Protocol: netlink.RouteProtocol(r.Protocol),
	}
	switch {
	case r.Via.IsValid():
		out.Gw = r.Via.AsSlice()
	case r.To.Addr().Is4():
		out.Scope = netlink.SCOPE_LINK
	}
	if r.Source.IsValid() {
		out.Src = r.Source.AsSlice()
	}
	return out, nil
}
