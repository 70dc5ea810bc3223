package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mdlayher/ndp"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// ipv6Trait is how a device makes its IPv6 addresses.
type ipv6Trait uint8

const (
	ipv6Private ipv6Trait = iota // opaque identifiers (RFC 7217)
	ipv6FromMAC                  // the hardware address in each of them (RFC 4291 appendix A)
	ipv6Off                      // none
)

// prepare tells the kernel, before the link comes up.
func (t ipv6Trait) prepare() error {
	if t == ipv6Off {
		return set("conf", "disable_ipv6", "1")
	}
	how := "0" // IN6_ADDR_GEN_MODE_EUI64
	if t == ipv6Private {
		how = "3" // IN6_ADDR_GEN_MODE_RANDOM: opaque, from a secret that the kernel draws
	}
	return errors.Join(
		set("conf", "disable_ipv6", "0"), set("conf", "addr_gen_mode", how),
		set("conf", "router_solicitation_delay", "0"),
		set("neigh", "retrans_time_ms", "200")) // whether an address is taken shows soon on a cable (RFC 4862 section 5.1)
}

// set writes a setting of the link.
func set(group, name, value string) error {
	err := os.WriteFile(filepath.Join("/proc/sys/net/ipv6", group, link, name), []byte(value), 0o644)
	if err != nil {
		return fmt.Errorf("cannot set up IPv6: %w", err)
	}
	return nil
}

// linkUp brings the link up.
func linkUp() error {
	l, err := netlink.LinkByName(link)
	if err == nil {
		err = netlink.LinkSetUp(l)
	}
	if err != nil {
		return fmt.Errorf("cannot bring up %s: %w; a device has a link of that name", link, err)
	}
	return nil
}

// hearRouters learns the DNS servers that routers advertise (RFC 8106). Addresses and
// routes are the kernel's work.
func (h *home) hearRouters(ctx context.Context) error {
	c, err := routerSocket()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // ends the reading
	for {
		m, _, _, err := c.ReadFrom()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if ra, ok := m.(*ndp.RouterAdvertisement); ok && err == nil {
			h.hear(ra)
		}
	}
}

// routerSocket hears router advertisements alone.
func routerSocket() (*ndp.Conn, error) {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("cannot find %s: %w; a device has a link of that name", link, err)
	}
	c, _, err := ndp.Listen(i, ndp.Unspecified)
	if err != nil {
		return nil, fmt.Errorf("cannot hear routers: %w", err)
	}
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeRouterAdvertisement)
	if err := c.SetICMPFilter(&only); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot hear routers alone: %w", err), c.Close())
	}
	return c, nil
}

// serverLimit bounds the DNS servers that are taken from one advertisement.
const serverLimit = 8

// hear takes the servers of an advertisement in place of the former ones.
func (h *home) hear(ra *ndp.RouterAdvertisement) {
	var servers []netip.Addr
	for _, o := range ra.Options {
		r, ok := o.(*ndp.RecursiveDNSServer)
		if !ok || r.Lifetime == 0 {
			continue
		}
		for _, a := range r.Servers {
			if a.IsLinkLocalUnicast() {
				a = a.WithZone(link)
			}
			if len(servers) < serverLimit {
				servers = append(servers, a)
			}
		}
	}
	h.learn(func(k *known) { k.dns6 = servers })
}

// watchAddresses learns whether the device has an IPv6 address that reaches the
// internet.
func (h *home) watchAddresses(ctx context.Context) error {
	const every = 50 * time.Millisecond
	for had := false; ; {
		has, err := hasGlobal()
		if err != nil {
			return err
		}
		if has != had {
			had = has
			h.learn(func(k *known) { k.ipv6 = has })
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}

// hasGlobal says that the link has a global IPv6 address that may be used, and a way
// out.
func hasGlobal() (bool, error) {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return false, fmt.Errorf("cannot find %s: %w", link, err)
	}
	addrs, err := netlink.AddrList(l, netlink.FAMILY_V6)
	if err != nil {
		return false, fmt.Errorf("cannot list the addresses of %s: %w", link, err)
	}
	usable := slices.ContainsFunc(addrs, func(a netlink.Addr) bool {
		return a.Scope == int(netlink.SCOPE_UNIVERSE) && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED|unix.IFA_F_DEPRECATED) == 0
	})
	if !usable {
		return false, nil
	}
	routes, err := netlink.RouteList(l, netlink.FAMILY_V6)
	return slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Gw != nil }), err
}
