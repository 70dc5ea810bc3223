//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	v4 "assay/internal/gateway/dhcp/v4"
	v6 "assay/internal/gateway/dhcp/v6"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/nat64"
	"assay/internal/gateway/ra"
)

// The NAT64: its link, the network on it, which no provider uses (RFC 7335), and the
// address in it from which devices' packets leave.
const translatorLink = "nat64"

var (
	translatorPool = netip.MustParsePrefix("192.0.0.1/29")
	translatorFrom = netip.MustParseAddr("192.0.0.2")
)

// v6OnlyWait is how long a device that can do without IPv4 is asked to (RFC 8925
// section 3.4: not less than 300 seconds).
const v6OnlyWait = 300 * time.Second

// translator is the NAT64 while a network has one.
type translator struct {
	*nat64.NAT64
	ended chan struct{} // closed when it no longer serves
}

// shape is what devices are told of a network.
type shape struct {
	ipv4, ipv6 bool
	slaac      bool
	dhcp6      v6.Mode
	nat64      netip.Prefix
	wait       time.Duration
	mtu        int // told, 0 for none
}

// usual is the shape of the settings, before a plan chooses networks.
func (s *services) usual() shape {
	return shape{ipv4: true, ipv6: s.settings.IPv6 != "off", slaac: true, dhcp6: modes[s.settings.DHCPv6]}
}

// shapeOf is what a network of a plan tells.
func shapeOf(n lan.Network, prefix netip.Prefix) shape {
	s := shape{ipv4: n.IPv4(), ipv6: n.IPv6(), slaac: true, nat64: prefix, dhcp6: v6.Off}
	switch n {
	case lan.N2, lan.N4, lan.N6, lan.N7:
		s.dhcp6 = v6.Stateless
	case lan.N5:
		s.dhcp6, s.slaac = v6.Stateful, false
	default:
	}
	if n == lan.N6 {
		s.wait = v6OnlyWait
	}
	return s
}

// Offer changes the network that devices find, "N1" to "N8", while the box runs:
// addresses, firewall, router advertisements, DHCP, DNS64 and NAT64. Leases of the
// former network end and what it told is taken back; devices should be made to start
// afresh. The error of a network that cannot be offered here says why, and the former
// one stays.
func (b *Box) Offer(ctx context.Context, network string) error {
	n, err := lan.ParseNetwork(network)
	if err != nil {
		return err
	}
	if n.IPv6() && b.cfg.Settings.LAN.IPv6 == "off" {
		return fmt.Errorf("cannot offer %s: IPv6 is switched off in the settings (lan.ipv6)", n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lan == nil || b.services == nil || b.resolver == nil {
		return fmt.Errorf("cannot offer %s: the box is not up yet", n)
	}
	if b.offered == n {
		return nil
	}
	if err := b.offerLAN(ctx, n); err != nil {
		return fmt.Errorf("cannot offer %s: %w", n, err)
	}
	b.offered = n
	if err := b.tellNetwork(n); err != nil {
		return fmt.Errorf("cannot tell devices of %s: %w", n, err)
	}
	return nil
}

// offerLAN changes the router. A NAT64 comes before the network that needs it, and
// goes after it.
func (b *Box) offerLAN(ctx context.Context, n lan.Network) error {
	if !n.NAT64() {
		err := b.lan.Offer(ctx, n)
		if err == nil {
			err = b.stopTranslator()
		}
		return err
	}
	had := b.translator.NAT64 != nil
	if err := b.startTranslator(ctx); err != nil {
		return err
	}
	t := lan.Translation{Link: translatorLink, Prefix: b.translator.Prefix(), Pool: translatorPool}
	err := b.lan.OfferThrough(ctx, n, t)
	if err != nil && !had {
		err = errors.Join(err, b.stopTranslator())
	}
	return err
}

// startTranslator makes the NAT64 unless there is one; it is the same for all
// networks.
func (b *Box) startTranslator(ctx context.Context) error {
	if b.translator.NAT64 != nil {
		return nil
	}
	n, err := nat64.Open(nat64.Config{
		Link: translatorLink, Pool: translatorFrom, Allow: b.cfg.Allow, Do: b.cfg.Kernel.Do,
		Own: func() netip.Addr { return b.lan.Addresses().IPv6.Addr() },
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	b.translator = translator{n, ended}
	own := context.WithoutCancel(ctx)
	b.run("the NAT64", func() error {
		defer close(ended) // before the box's lock is asked for
		return n.Serve(own)
	})
	return nil
}

// stopTranslator ends the NAT64 and waits for its end, so that its link is free.
func (b *Box) stopTranslator() error {
	t := b.translator
	if t.NAT64 == nil {
		return nil
	}
	err := t.Close()
	<-t.ended
	b.translator = translator{}
	return err
}

// tellNetwork makes the services speak of the network that is offered.
func (b *Box) tellNetwork(n lan.Network) error {
	var prefix netip.Prefix
	if n.NAT64() {
		prefix = b.translator.Prefix()
	}
	if err := b.resolver.SetDNS64(prefix); err != nil {
		return err
	}
	b.services.v4.Forget()
	b.services.v6.Forget()
	b.services.shape = shapeOf(n, prefix)
	return b.services.follow(b.lan.Addresses())
}

// tell4 is what DHCPv4 offers.
func (s *services) tell4(own netip.Prefix) error {
	if !s.shape.ipv4 {
		return s.v4.Offer(v4.Network{})
	}
	n := ipv4Network(own, s.settings)
	n.V6OnlyWait, n.MTU = s.shape.wait, uint16(s.shape.mtu) //nolint:gosec // of Ethernet
	return s.v4.Offer(n)
}

// tell6 is what DHCPv6 and the router advertisements offer.
func (s *services) tell6(own netip.Prefix) error {
	if s.settings.IPv6 == "off" {
		return nil
	}
	if !s.shape.ipv6 || !own.IsValid() {
		return errors.Join(s.v6.Offer(v6.Network{Mode: v6.Off}), s.ra.Advertise(ra.Network{}))
	}
	box, mode := []netip.Addr{own.Addr()}, s.shape.dhcp6
	if err := s.v6.Offer(v6.Network{
		Mode: mode, Prefix: own.Masked(), DNS: box, NTP: box, RapidCommit: true, Preference: 255,
	}); err != nil {
		return err
	}
	return s.ra.Advertise(ra.Network{
		Prefixes: []ra.Prefix{{Prefix: own.Masked(), OnLink: true, Autonomous: s.shape.slaac}},
		RDNSS:    box, Managed: mode == v6.Stateful, Other: mode != v6.Off, PREF64: s.shape.nat64,
		MTU: uint32(s.shape.mtu), //nolint:gosec // of Ethernet
	})
}
