//go:build linux

package box

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"

	"assay/internal/assess/evidence"
	v4 "assay/internal/gateway/dhcp/v4"
	v6 "assay/internal/gateway/dhcp/v6"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/ntp"
	"assay/internal/gateway/ra"
	"assay/internal/run/config"
)

// services are the servers of the LAN beside the resolver.
type services struct {
	settings config.LAN
	shape    shape // guarded by the box's lock
	v4       *v4.Server
	v6       *v6.Server
	ra       *ra.Server
	ntp      *ntp.Server
}

// startServices starts what devices are given: addresses, routers, the time.
func (b *Box) startServices(ctx context.Context) error {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stopServices = stop
	s, err := b.makeServices()
	if err != nil {
		return err
	}
	if err := b.serve(s); err != nil {
		return err
	}
	b.run("the resolver", func() error { return b.resolver.Serve(own) })
	b.run("DHCPv4", func() error { return s.v4.Serve(own) })
	b.run("NTP", func() error { return s.ntp.Serve(own) })
	if b.lan.Offered() == lan.N1 {
		return nil
	}
	b.run("DHCPv6", func() error { return s.v6.Serve(own) })
	b.run("router advertisements", func() error { return s.ra.Serve(own) })
	return nil
}

// serve makes the services tell the present addresses and follow the uplink.
func (b *Box) serve(s *services) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.shape = s.usual()
	b.services = s
	return s.follow(b.lan.Addresses())
}

func (b *Box) makeServices() (s *services, err error) {
	s = &services{settings: b.cfg.Settings.LAN}
	folder := b.cfg.Settings.Store.State
	if s.v4, err = v4.New(v4.Config{Folder: folder, Note: b.note, Open: onPort(b, "dhcp4", v4.OpenLink)}); err != nil {
		return nil, err
	}
	if s.v6, err = v6.New(v6.Config{Folder: folder, Note: b.note, Open: onPort(b, "dhcp6", v6.OpenPort)}); err != nil {
		return nil, err
	}
	if s.ra, err = ra.New(ra.Config{MAC: b.port.Address(), Note: b.note, Open: onPort(b, "ra", ra.OpenPort)}); err != nil {
		return nil, err
	}
	s.ntp, err = ntp.New(ntp.Config{Clock: b.clock, Note: b.note, Open: onPort(b, "ntp", ntp.OpenPort)})
	return s, err
}

// follow makes the services tell the box's present addresses.
func (s *services) follow(a lan.Addresses) error {
	if s == nil {
		return nil // not yet: they begin with the addresses of that moment
	}
	return errors.Join(s.tell4(a.IPv4), s.tell6(a.IPv6))
}

// mark keeps the address of a device under test for it, or no longer.
func (s *services) mark(mac [6]byte, under bool) error {
	if !under {
		s.v4.Unmark(mac)
		return nil
	}
	return s.v4.Mark(mac)
}

var modes = map[string]v6.Mode{"off": v6.Off, "stateless": v6.Stateless, "stateful": v6.Stateful}

// poolFrom is the first host number that is lent; those below are left for devices
// with an address of their own.
const poolFrom = 20

// ipv4Network is the LAN as DHCPv4 offers it.
func ipv4Network(own netip.Prefix, set config.LAN) v4.Network {
	box := []netip.Addr{own.Addr()}
	first, last := pool(own.Masked())
	return v4.Network{
		Prefix: own.Masked(), Server: own.Addr(), Router: own.Addr(), DNS: box, NTP: box,
		First: first, Last: last, Lease: set.Lease,
	}
}

// pool is what a network lends: all but its first addresses and its broadcast
// address, at most the last 8 bits of it.
func pool(n netip.Prefix) (first, last netip.Addr) {
	base := n.Addr().As4()
	size := 1 << min(32-n.Bits(), 8)
	from := min(poolFrom, size/4)
	return add4(base, from), add4(base, size-2)
}

func add4(a [4]byte, n int) netip.Addr {
	a[3] += byte(n) //nolint:gosec // the network's last 8 bits are zero and n is below 256
	return netip.AddrFrom4(a)
}

// trouble notes what went wrong while the box runs on.
func (b *Box) trouble(kind string, err error) {
	body, jsonErr := json.Marshal(map[string]string{"trouble": err.Error()})
	if jsonErr == nil {
		b.note(evidence.Note{Kind: kind, Body: body})
	}
}
