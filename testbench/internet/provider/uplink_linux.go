package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/mdlayher/ndp"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"assay/testbench/internet/serve"
)

// Offer serves the uplink until the group is closed.
func (u Uplink) Offer(ctx context.Context, g *serve.Group) error {
	var link *net.Interface
	err := u.inside(func() (err error) {
		link, err = net.InterfaceByName(u.Link)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot find the uplink %s: %w", u.Link, err)
	}
	if err := u.offer4(ctx, g); err != nil {
		return err
	}
	if u.NoIPv6 {
		return nil
	}
	if err := u.offer6(ctx, g, link); err != nil {
		return err
	}
	return u.advertise(g, link)
}

// listen opens a UDP socket that hears this link alone.
func (u Uplink) listen(ctx context.Context, network, address string) (c net.PacketConn, err error) {
	control := func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) {
			set = errors.Join(
				unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, u.Link),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1))
		})
		return errors.Join(err, set)
	}
	err = u.inside(func() (err error) {
		c, err = (&net.ListenConfig{Control: control}).ListenPacket(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot serve DHCP on %s: %w", u.Link, err)
	}
	return c, nil
}

// each hands datagrams to f until the socket is closed. f's answer, if any, is
// sent to where it says; what is malformed or cannot be sent is lost.
func each(c net.PacketConn, f func(raw []byte, from net.Addr) (out []byte, to net.Addr)) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if out, to := f(buf[:n], from); out != nil {
			_, _ = c.WriteTo(out, to) // the client will ask again
		}
	}
}

func (u Uplink) offer4(ctx context.Context, g *serve.Group) error {
	c, err := u.listen(ctx, "udp4", "0.0.0.0:67")
	if err != nil {
		return err
	}
	d := &dhcp4{link: u}
	g.Go(c.Close, func() {
		each(c, func(raw []byte, _ net.Addr) ([]byte, net.Addr) {
			q, err := dhcpv4.FromBytes(raw)
			if err != nil {
				return nil, nil
			}
			m, err := d.answer(q)
			if err != nil || m == nil {
				return nil, nil
			}
			return m.ToBytes(), receiver(q)
		})
	})
	return nil
}

// receiver is where a reply goes: to the client's address if it has one, else
// to all, which every client hears (RFC 2131, section 4.1).
func receiver(q *dhcpv4.DHCPv4) net.Addr {
	if ip := q.ClientIPAddr; ip != nil && !ip.IsUnspecified() {
		return &net.UDPAddr{IP: ip, Port: dhcpv4.ClientPort}
	}
	return &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort}
}

func (u Uplink) offer6(ctx context.Context, g *serve.Group, link *net.Interface) error {
	c, err := u.listen(ctx, "udp6", "[::]:547")
	if err != nil {
		return err
	}
	all := &net.UDPAddr{IP: dhcpv6.AllDHCPRelayAgentsAndServers}
	if err := u.inside(func() error { return ipv6.NewPacketConn(c).JoinGroup(link, all) }); err != nil {
		return errors.Join(fmt.Errorf("cannot hear DHCPv6 on %s: %w", u.Link, err), c.Close())
	}
	d := &dhcp6{link: u, id: &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: link.HardwareAddr}}
	g.Go(c.Close, func() {
		each(c, func(raw []byte, from net.Addr) ([]byte, net.Addr) {
			q, err := dhcpv6.MessageFromBytes(raw)
			if err != nil {
				return nil, nil
			}
			d.route = func(p netip.Prefix) error { return u.route(p, from, link.Index) }
			m, err := d.answer(q)
			if err != nil || m == nil {
				return nil, nil
			}
			return m.ToBytes(), from
		})
	})
	return nil
}

// route sends a delegated prefix to the client it was given to.
func (u Uplink) route(p netip.Prefix, via net.Addr, link int) error {
	client, ok := via.(*net.UDPAddr)
	if !ok {
		return fmt.Errorf("cannot route %s to %s: that is no address", p, via)
	}
	return u.inside(func() error {
		return netlink.RouteReplace(&netlink.Route{LinkIndex: link, Gw: client.IP,
			Dst: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}})
	})
}

// advertise sends router advertisements: at times, and to those who ask.
func (u Uplink) advertise(g *serve.Group, link *net.Interface) error {
	var c *ndp.Conn
	err := u.inside(func() (err error) {
		if c, _, err = ndp.Listen(link, ndp.LinkLocal); err != nil {
			return err
		}
		return errors.Join(onlySolicitations(c), c.JoinGroup(netip.IPv6LinkLocalAllRouters()))
	})
	if err != nil {
		return fmt.Errorf("cannot advertise on %s: %w", u.Link, err)
	}
	m := u.advertisement(link.HardwareAddr)
	g.Go(c.Close, func() {
		for {
			_ = u.inside(func() error { return c.WriteTo(m, nil, netip.IPv6LinkLocalAllNodes()) }) // again soon
			if !asksAgain(c) {
				return
			}
		}
	})
	return nil
}

func onlySolicitations(c *ndp.Conn) error {
	var f ipv6.ICMPFilter
	f.SetAll(true)
	f.Accept(ipv6.ICMPTypeRouterSolicitation)
	return c.SetICMPFilter(&f)
}

// asksAgain waits until an advertisement is due or asked for; false: closed.
func asksAgain(c *ndp.Conn) bool {
	if err := c.SetReadDeadline(time.Now().Add(advertiseTime)); err != nil {
		return false
	}
	for {
		m, _, _, err := c.ReadFrom()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return true
		case errors.Is(err, net.ErrClosed):
			return false
		case err == nil && m.Type() == ipv6.ICMPTypeRouterSolicitation:
			return true
		}
	}
}

func (u Uplink) advertisement(mac net.HardwareAddr) ndp.Message {
	return &ndp.RouterAdvertisement{
		CurrentHopLimit: 64, OtherConfiguration: true, RouterLifetime: leaseTime / 2,
		Options: []ndp.Option{
			&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: mac},
			ndp.NewMTU(1500),
			&ndp.PrefixInformation{PrefixLength: uint8(u.RouterV6.Bits()), Prefix: u.RouterV6.Masked().Addr(),
				OnLink: true, AutonomousAddressConfiguration: true, ValidLifetime: leaseTime, PreferredLifetime: leaseTime / 2},
			&ndp.RecursiveDNSServer{Lifetime: leaseTime / 2, Servers: u.resolvers(false)},
		},
	}
}
