package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dhcpTraits are what a device tells of itself when it asks for an address; empty for
// nothing.
type dhcpTraits struct{ hostName, vendorClass string }

// Times of the DHCP client.
const (
	answerWithin = time.Second      // then it asks again; RFC 2131 section 4.1 wants longer and longer
	shortLease   = 10 * time.Second // no lease is renewed more often
)

// lease gets an IPv4 address and keeps it. Where nobody offers one it goes on asking.
func (h *home) lease(ctx context.Context, t dhcpTraits) error {
	for {
		wait := again
		if left, err := h.request(ctx, t); err == nil {
			wait = max(left/2, shortLease) // T1, RFC 2131 section 4.4.5
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// request asks for a lease once and puts it to use; it returns how long it lasts.
func (h *home) request(ctx context.Context, t dhcpTraits) (time.Duration, error) {
	c, err := nclient4.New(link, nclient4.WithTimeout(answerWithin), nclient4.WithRetry(1))
	if err != nil {
		return 0, fmt.Errorf("cannot speak DHCP: %w", err)
	}
	defer func() { _ = c.Close() }() // the lease is there, or it is not
	l, err := c.Request(ctx, t.modifiers()...)
	if err != nil {
		return 0, err
	}
	if err := use(l.ACK); err != nil {
		return 0, err
	}
	h.learn(func(k *known) {
		k.ipv4, k.dns4, k.timeServers = true, addrs(l.ACK.DNS()), addrs(l.ACK.NTPServers())
	})
	return l.ACK.IPAddressLeaseTime(time.Hour), nil
}

func (t dhcpTraits) modifiers() []dhcpv4.Modifier {
	out := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionNTPServers)}
	if t.hostName != "" {
		out = append(out, dhcpv4.WithOption(dhcpv4.OptHostName(t.hostName)))
	}
	if t.vendorClass != "" {
		out = append(out, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(t.vendorClass)))
	}
	return out
}

// use sets address and route.
func use(ack *dhcpv4.DHCPv4) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return err
	}
	routers := ack.Router()
	if len(routers) == 0 || len(ack.SubnetMask()) != net.IPv4len {
		return errors.New("the lease names no router or no network")
	}
	own := netlink.Addr{IPNet: &net.IPNet{IP: ack.YourIPAddr, Mask: ack.SubnetMask()}}
	if err := netlink.AddrReplace(l, &own); err != nil {
		return fmt.Errorf("cannot take the address %s: %w", own.IPNet, err)
	}
	if err := netlink.RouteReplace(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: routers[0], Protocol: unix.RTPROT_DHCP}); err != nil {
		return fmt.Errorf("cannot set the router %s: %w", routers[0], err)
	}
	return nil
}

func addrs(list []net.IP) (out []netip.Addr) {
	for _, ip := range list {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok && len(out) < serverLimit {
			out = append(out, a)
		}
	}
	return out
}
