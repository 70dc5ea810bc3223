package lan

import (
	"errors"
	"net/netip"
	"slices"

	"assay/internal/gateway/netos"
)

// setSysctl sets a key; one the kernel has not is left out when optional.
func (l *LAN) setSysctl(key, value string, optional bool) error {
	err := l.journal.SetSysctl(key, value)
	if optional && errors.Is(err, netos.ErrAbsent) {
		return nil
	}
	return err
}

// bridgeFilterOff keeps frames that only cross a bridge out of the rules for
// routed packets (the kernel's br_netfilter).
func (l *LAN) bridgeFilterOff() error {
	var errs []error
	for _, key := range []string{"bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"} {
		errs = append(errs, l.setSysctl("net/bridge/"+key, "0", true))
	}
	return errors.Join(errs...)
}

// quietLAN keeps the device from steering the box: no router advertisements, no
// redirects, no answers for addresses of other links. Duplicate address
// detection is off: the box owns the network, and an address must serve at once.
func (l *LAN) quietLAN() error {
	v4, v6 := "net/ipv4/conf/"+l.cfg.LAN+"/", "net/ipv6/conf/"+l.cfg.LAN+"/"
	for _, s := range []struct{ key, value string }{
		{v6 + "accept_ra", "0"}, {v6 + "autoconf", "0"}, {v6 + "accept_redirects", "0"}, {v6 + "accept_dad", "0"},
		{v6 + "disable_ipv6", "0"},
		{v4 + "accept_redirects", "0"}, {v4 + "send_redirects", "0"}, {v4 + "rp_filter", "1"},
		{v4 + "arp_ignore", "1"}, {v4 + "arp_announce", "2"}, {v4 + "accept_source_route", "0"},
	} {
		if err := l.setSysctl(s.key, s.value, false); err != nil {
			return err
		}
	}
	return nil
}

// linkLocal makes sure of a link-local address: the kernel gives one only once
// the cable is in, and none where another program makes them.
func (l *LAN) linkLocal() error {
	have, err := l.kernel.Addresses(l.cfg.LAN)
	if err != nil {
		return err
	}
	for _, a := range have {
		if a.Prefix.Addr().Is6() && a.Prefix.Addr().IsLinkLocalUnicast() {
			l.wanted.addresses.LinkLocal = a.Prefix.Addr()
			return nil
		}
	}
	link, err := netos.LinkByName(l.kernel, l.cfg.LAN)
	if err != nil {
		return err
	}
	own := eui64(link.MAC)
	l.wanted.addresses.LinkLocal = own
	return l.journal.AddAddress(netos.Address{Link: l.cfg.LAN, Prefix: netip.PrefixFrom(own, 64), NoDAD: true})
}

// eui64 is the link-local address of a MAC (RFC 4291 appendix A).
func eui64(m [6]byte) netip.Addr {
	b := [16]byte{0xfe, 0x80, 8: m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}
	return netip.AddrFrom16(b)
}

// offered lists the box's addresses of the versions that a network has.
func (a Addresses) offered(n Network) []netip.Prefix {
	var out []netip.Prefix
	if n.IPv4() {
		out = append(out, a.IPv4)
	}
	if n.IPv6() {
		out = append(out, a.IPv6)
	}
	for _, p := range []netip.Prefix{a.Far4, a.Far6} {
		if p.IsValid() {
			out = append(out, p)
		}
	}
	return out
}

// setAddresses gives the port the addresses of a network and takes away those of
// the network before.
func (l *LAN) setAddresses(a Addresses, n Network) error {
	keep := a.offered(n)
	for _, former := range l.wanted.addresses.offered(N2) {
		if !slices.Contains(keep, former) {
			if err := l.journal.RemoveAddress(netos.Address{Link: l.cfg.LAN, Prefix: former}); err != nil {
				return err
			}
		}
	}
	for _, p := range keep {
		if err := l.journal.AddAddress(netos.Address{Link: l.cfg.LAN, Prefix: p, NoDAD: true}); err != nil {
			return err
		}
	}
	return nil
}

// keepUplinks lets links that take router advertisements go on doing so: a
// kernel that forwards listens to them only with accept_ra=2, and forgets their
// default routes at the moment it begins to forward.
func (l *LAN) keepUplinks() error {
	links, err := l.kernel.Links()
	if err != nil {
		return err
	}
	for _, link := range links {
		key := "net/ipv6/conf/" + link.Name + "/accept_ra"
		now, err := l.kernel.Sysctl(key)
		if errors.Is(err, netos.ErrAbsent) || err == nil && now != "1" {
			continue
		}
		if err == nil {
			err = l.setSysctl(key, "2", false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forwardingOn lets packets pass between the two ports. IPv4 is switched for the
// two ports alone; IPv6 only forwards when all links do (before Linux 6.17).
func (l *LAN) forwardingOn() error {
	for _, key := range []string{
		"net/ipv4/conf/" + l.cfg.LAN + "/forwarding", "net/ipv4/conf/" + l.cfg.WAN + "/forwarding",
		"net/ipv6/conf/all/forwarding", "net/ipv6/conf/" + l.cfg.LAN + "/forwarding", "net/ipv6/conf/" + l.cfg.WAN + "/forwarding",
	} {
		if err := l.setSysctl(key, "1", false); err != nil {
			return err
		}
	}
	return nil
}
