//go:build linux

package lab

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// settled waits until the kernel has given the link, which is up, what it gives by
// itself a moment later: a carrier, a link-local address, and the routes of all its
// IPv6 addresses.
func (s *Site) settled(ctx context.Context, link string) error {
	for {
		ok, err := s.isSettled(link)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait for %s of %s: %w", link, s.Name, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func (s *Site) isSettled(link string) (bool, error) {
	l, err := s.link(link)
	if err != nil || l.Attrs().OperState != netlink.OperUp {
		return false, err
	}
	addrs, err := again(func() ([]netlink.Addr, error) { return s.routes.AddrList(l, netlink.FAMILY_V6) })
	if err != nil {
		return false, fmt.Errorf("cannot list the addresses of %s of %s: %w", link, s.Name, err)
	}
	linkLocal := false
	for _, a := range addrs {
		linkLocal = linkLocal || a.IP.IsLinkLocalUnicast()
		if a.Flags&unix.IFA_F_TENTATIVE != 0 || !s.isLocal(a.IP) {
			return false, nil
		}
	}
	return linkLocal, nil
}

// isLocal says whether packets for the address are delivered here.
func (s *Site) isLocal(ip net.IP) bool {
	want := &netlink.Route{Table: unix.RT_TABLE_LOCAL, Dst: &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)}}
	routes, err := again(func() ([]netlink.Route, error) {
		return s.routes.RouteListFiltered(netlink.FAMILY_V6, want, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST)
	})
	return err == nil && len(routes) > 0
}
