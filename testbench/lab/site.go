//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Site is one network namespace and, for the programs started in it, one mount
// namespace. Its methods may be used from any goroutine.
type Site struct {
	Name string // "device0", "gateway", "internet"; the host name of its programs

	net    *os.File        // holds the network namespace
	routes *netlink.Handle // speaks to it
	dir    string          // its private files

	mu             sync.Mutex
	mnt            *os.File // holds the mount namespace; nil until a program needs it
	trust, rootKey []byte
}

// newSite furnishes a namespace with nothing in it but a loopback. IPv4 settings do
// not come from the host.
func newSite(name, dir string, o Options, open func() (*os.File, error)) (*Site, error) {
	ns, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot make a network namespace: %w", err)
	}
	s := &Site{Name: name, net: ns, dir: filepath.Join(dir, name), trust: o.CA, rootKey: o.RootKey}
	if s.routes, err = netlink.NewHandleAt(netns.NsHandle(ns.Fd())); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot reach a new network namespace: %w", err), ns.Close())
	}
	err = errors.Join(s.Up("lo"), os.Mkdir(s.dir, 0o755), s.sysctls(
		"net/ipv4/ip_forward=0", "net/ipv6/conf/all/forwarding=0",
		"net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0"))
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// Do runs f on a thread inside the site's network namespace. Files and sockets that
// f opens stay there and may be used from anywhere; goroutines that f starts are not
// inside.
func (s *Site) Do(f func() error) error { return inNet(s.net, f) }

// Listen is net.ListenConfig.Listen inside the site. The address is a literal.
func (s *Site) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = s.Do(func() (err error) {
		l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// ListenPacket is net.ListenConfig.ListenPacket inside the site. The address is a
// literal.
func (s *Site) ListenPacket(ctx context.Context, network, address string) (c net.PacketConn, err error) {
	err = s.Do(func() (err error) {
		c, err = (&net.ListenConfig{}).ListenPacket(ctx, network, address)
		return err
	})
	return c, err
}

// Dial is net.Dialer.DialContext inside the site. The address is a literal: a name
// would be looked up outside.
func (s *Site) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("cannot dial %s from %s: give an IP address and a port", address, s.Name)
	}
	err = s.Do(func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Assign brings the link up and gives it an address, usable at once: no duplicate
// address detection for IPv6. "lo" takes addresses too.
func (s *Site) Assign(link string, p netip.Prefix) error {
	if err := s.Up(link); err != nil {
		return err
	}
	l, err := s.link(link)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := s.routes.AddrReplace(l, addr); err != nil {
		return fmt.Errorf("cannot give %s of %s the address %s: %w", link, s.Name, p, err)
	}
	return nil
}

// Route sends packets for a prefix by way of a neighbour.
func (s *Site) Route(to netip.Prefix, via netip.Addr) error {
	r := &netlink.Route{Dst: ipNet(to), Gw: via.AsSlice()}
	if err := s.routes.RouteReplace(r); err != nil {
		return fmt.Errorf("cannot route %s by %s in %s: %w", to, via, s.Name, err)
	}
	return nil
}

// Up brings a link up.
func (s *Site) Up(link string) error { return s.set(link, true) }

// Down takes a link down.
func (s *Site) Down(link string) error { return s.set(link, false) }

func (s *Site) set(link string, up bool) error {
	l, err := s.link(link)
	if err != nil {
		return err
	}
	word, change := "down", s.routes.LinkSetDown
	if up {
		word, change = "up", s.routes.LinkSetUp
	}
	if err := change(l); err != nil {
		return fmt.Errorf("cannot set the link %s of %s %s: %w", link, s.Name, word, err)
	}
	return nil
}

func (s *Site) link(name string) (netlink.Link, error) {
	l, err := s.routes.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find the link %s of %s: %w", name, s.Name, err)
	}
	return l, nil
}

// sysctls writes settings "net/ipv4/ip_forward=1" of the site's network.
func (s *Site) sysctls(settings ...string) error {
	return s.Do(func() error {
		for _, setting := range settings {
			name, value, _ := strings.Cut(setting, "=")
			if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
				return fmt.Errorf("cannot set %s of %s: %w", name, s.Name, err)
			}
		}
		return nil
	})
}

// maybeSysctls writes those settings that this kernel has.
func (s *Site) maybeSysctls(settings ...string) error {
	for _, setting := range settings {
		if err := s.sysctls(setting); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// close takes down the links, so that they are gone although a socket may still
// hold the namespace, and lets go of the namespaces.
func (s *Site) close() error {
	var errs []error
	if s.routes != nil {
		errs = append(errs, s.dropLinks())
		s.routes.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mnt != nil {
		errs = append(errs, s.mnt.Close())
	}
	return errors.Join(append(errs, s.net.Close())...)
}

func (s *Site) dropLinks() error {
	links, err := again(s.routes.LinkList)
	if err != nil {
		return fmt.Errorf("cannot list the links of %s: %w", s.Name, err)
	}
	for _, l := range links {
		if l.Attrs().Name == "lo" {
			continue
		}
		// The other end of a cable takes this one with it.
		if err := s.routes.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("cannot remove the link %s of %s: %w", l.Attrs().Name, s.Name, err)
		}
	}
	return nil
}

// again repeats a listing that a change of the list interrupted.
func again[T any](list func() (T, error)) (T, error) {
	const tries = 30
	for range tries - 1 {
		if out, err := list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
	return list()
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Host is a site as a place where servers live: its link takes the addresses they
// want.
type Host struct {
	site *Site
	link string
}

// Host gives servers a place in the site; their addresses go to the link.
func (s *Site) Host(link string) Host { return Host{s, link} }

// Listen opens a server's stream socket.
func (h Host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return h.site.Listen(ctx, network, address)
}

// ListenPacket opens a server's datagram socket.
func (h Host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return h.site.ListenPacket(ctx, network, address)
}

// Assign makes an address the host's own.
func (h Host) Assign(p netip.Prefix) error { return h.site.Assign(h.link, p) }
