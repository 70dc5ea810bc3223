//go:build linux

package box

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"assay/internal/gateway/lan"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/uplink"
)

// startUplink brings the way out up and waits a little for it: a box without an
// uplink still gives its devices a network.
func (b *Box) startUplink(ctx context.Context) (err error) {
	s := b.cfg.Settings
	mode, err := b.uplinkMode()
	if err != nil {
		return err
	}
	turned := make(chan struct{}, 1)
	b.uplink, err = uplink.Start(context.WithoutCancel(ctx), uplink.Config{
		Kernel: b.cfg.Kernel, Link: s.Ports.WAN, Mode: mode, Addresses: s.Uplink.Addresses, Gateways: s.Uplink.Gateways,
		StateDir: s.Store.State, Note: b.note,
		Changed: func(st uplink.State) {
			select {
			case turned <- struct{}{}:
			default:
			}
			b.uplinkChanged(ctx, st)
		},
	})
	if err != nil {
		return err
	}
	b.await(ctx, turned, uplinkPatience, func(st uplink.State) bool { return st.Up && (mode != uplink.DHCP || ipv4(st)) })
	if mode == uplink.DHCP && s.LAN.IPv6 != "off" && b.uplink.State().Up {
		b.await(ctx, turned, prefixPatience, func(st uplink.State) bool { return st.Delegated.IsValid() })
	}
	return ctx.Err()
}

// ipv4 says whether there is a way out over IPv4. A provider's advertisement of IPv6
// is often there first; a device that came then would see its connections refused.
func ipv4(st uplink.State) bool { return slices.ContainsFunc(st.Gateways, netip.Addr.Is4) }

// ipv6 says whether there is a way out over IPv6.
func ipv6(st uplink.State) bool { return slices.ContainsFunc(st.Gateways, netip.Addr.Is6) }

// await waits until the uplink is as wanted, but not for long.
func (b *Box) await(ctx context.Context, turned <-chan struct{}, patience time.Duration, wanted func(uplink.State) bool) {
	enough := time.After(patience)
	for !wanted(b.uplink.State()) {
		select {
		case <-turned:
		case <-enough:
			return
		case <-ctx.Done():
			return
		}
	}
}

// uplinkPatience is how long the LAN waits for the uplink at the start, so that
// devices find a whole network at once.
const uplinkPatience = 5 * time.Second

// prefixPatience is how long it then waits for a delegated prefix: a device that is
// given one IPv6 network and then another keeps both for a while, and its evidence
// shows it.
const prefixPatience = 2 * time.Second

// uplinkMode decides what "auto" means: a port that has a default route is
// somebody else's.
func (b *Box) uplinkMode() (uplink.Mode, error) {
	set := b.cfg.Settings
	if set.Uplink.Mode != "auto" {
		return uplink.Mode(set.Uplink.Mode), nil
	}
	routes, err := b.cfg.Kernel.Routes()
	if err != nil {
		return "", err
	}
	for _, r := range routes {
		if r.Default() && r.Link == set.Ports.WAN {
			return uplink.Existing, nil
		}
	}
	return uplink.DHCP, nil
}

// startLAN makes the router.
func (b *Box) startLAN(ctx context.Context) (err error) {
	s := b.cfg.Settings
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lan, err = lan.Up(ctx, b.cfg.Kernel, lan.Config{
		LAN: s.Ports.LAN, WAN: s.Ports.WAN, Network4: s.LAN.IPv4, Delegated: b.delegated(), StateDir: s.Store.State,
		Allow: b.cfg.Allow, Note: b.note,
	})
	if err != nil || s.LAN.IPv6 != "off" {
		return err
	}
	return b.lan.Offer(ctx, lan.N1)
}

// delegated is a /64 of what the uplink delegated, not valid when it did nothing
// of the kind.
func (b *Box) delegated() netip.Prefix {
	p := b.uplink.State().Delegated
	if !p.IsValid() || p.Bits() > 64 {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(p.Addr(), 64).Masked()
}

// uplinkChanged follows the uplink: its resolvers, its prefix, its networks.
func (b *Box) uplinkChanged(ctx context.Context, st uplink.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lan == nil || ctx.Err() != nil {
		return
	}
	failed := b.followUplink(ctx)
	if b.resolver != nil && len(b.cfg.Settings.DNS.Upstreams) == 0 {
		b.resolver.SetUpstreams(servers(st.Resolvers))
	}
	if failed != nil {
		b.trouble("uplink", failed)
	}
}

// followUplink gives the LAN the prefix of the uplink and keeps devices out of its
// networks.
func (b *Box) followUplink(ctx context.Context) error {
	failed := b.lan.RefuseUplink(ctx)
	if b.cfg.Settings.LAN.IPv6 == "off" {
		return failed
	}
	return errors.Join(failed, b.lan.SetDelegated(ctx, b.delegated()), b.services.follow(b.lan.Addresses()))
}

func servers(addrs []netip.Addr) []resolver.Server {
	var out []resolver.Server
	for _, a := range addrs {
		out = append(out, resolver.Server{Addr: netip.AddrPortFrom(a, portDNS)})
	}
	return out
}

const portDNS = 53

// upstreams are those of the settings, else the uplink's.
func (b *Box) upstreams() []resolver.Server {
	var out []resolver.Server
	for _, u := range b.cfg.Settings.DNS.Upstreams {
		out = append(out, resolver.Server{Addr: u.Addr, Name: u.Name})
	}
	if len(out) == 0 {
		out = servers(b.uplink.State().Resolvers)
	}
	return out
}

// startResolver opens the device's DNS on the box's addresses of the LAN.
func (b *Box) startResolver(ctx context.Context) error {
	s := b.cfg.Settings
	cfg := resolver.Config{
		Device: s.Ports.LAN, Upstreams: b.upstreams(), Roots: b.cfg.Roots, Note: b.note,
		Dial: b.dial,
	}
	opener := net.ListenConfig{Control: resolver.Control(s.Ports.LAN)}
	cfg.Listen = func(ctx context.Context, network, address string) (l net.Listener, err error) {
		err = b.cfg.Kernel.Do(func() (err error) { l, err = opener.Listen(ctx, network, address); return err })
		b.listening(l)
		return l, err
	}
	cfg.ListenPacket = func(ctx context.Context, network, address string) (p net.PacketConn, err error) {
		err = b.cfg.Kernel.Do(func() (err error) { p, err = opener.ListenPacket(ctx, network, address); return err })
		b.listening(p)
		return p, err
	}
	for _, a := range b.ownAddresses() {
		cfg.Addresses = append(cfg.Addresses, netip.AddrPortFrom(a, portDNS))
	}
	if s.DNS.Anchors != "" {
		f, err := os.Open(s.DNS.Anchors)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it was only read
		if cfg.Anchors, err = resolver.ReadAnchors(f, s.DNS.Anchors); err != nil {
			return err
		}
	}
	var err error
	if b.resolver, err = resolver.New(cfg); err != nil {
		return err
	}
	return b.resolver.Open(ctx)
}

func (b *Box) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = b.cfg.Kernel.Do(func() (err error) {
		c, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// ownAddresses are where the resolver listens: every address of the LAN port. An
// IPv6 prefix may change with the uplink, so that IPv6 is heard on any address.
func (b *Box) ownAddresses() []netip.Addr {
	if b.lan.Offered() == lan.N1 {
		return []netip.Addr{netip.IPv4Unspecified()}
	}
	return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
}
