package uplink

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"assay/internal/gateway/netos"
)

// Waiting times of the clients. Servers that answer late or not at all are asked
// again with growing pauses (RFC 2131 section 4.1), for ever.
const (
	exchangeTime  = 10 * time.Second
	firstAnswer   = time.Second // a switch may lose what comes right after the cable; doubled at each try
	firstPause    = time.Second
	longestPause  = time.Minute
	shortestLease = 30 * time.Second // shorter ones are taken for this
)

// lease4 is a DHCPv4 lease in the words of this package.
type lease4 struct {
	raw       *nclient4.Lease
	address   netip.Prefix
	routers   []netip.Addr
	resolvers []netip.Addr
	// After these durations it is to be renewed, asked of anybody, given up
	// (T1, T2 and the lease time of RFC 2131 section 4.4.5).
	renew, rebind, end time.Duration
}

// runDHCP4 keeps a lease as long as there is a cable.
func (u *Uplink) runDHCP4(ctx context.Context) {
	var former *lease4
	pause := firstPause
	for u.until(ctx, func(s State) bool { return s.Carrier }) {
		l, err := u.ask4(ctx, former, false)
		if err != nil {
			if !wait(ctx, pause) {
				return
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = firstPause
		if u.apply4(former, l) == nil {
			u.hold4(ctx, &l)
		}
		former = &l
	}
}

// hold4 renews a lease until it ends, is refused, or the cable was out: then the
// network may be another one and the server is asked again.
func (u *Uplink) hold4(ctx context.Context, l *lease4) {
	for u.waitPlugged(ctx, l.renew) {
		next, err := u.ask4(ctx, l, true)
		if refused := new(nclient4.ErrNak); errors.As(err, &refused) {
			u.drop4(*l)
			return
		}
		if err != nil {
			if !u.waitPlugged(ctx, l.rebind-l.renew) {
				return
			}
			next, err = u.ask4(ctx, l, false)
		}
		if err == nil {
			err = u.apply4(l, next)
		}
		if err != nil {
			if u.waitPlugged(ctx, l.end-l.rebind) {
				u.drop4(*l)
			}
			return
		}
		*l = next
	}
}

// waitPlugged waits; false when ctx ended or the cable was pulled meanwhile.
func (u *Uplink) waitPlugged(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	pulled := u.until(ctx, func(s State) bool { return !s.Carrier })
	return !pulled && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// ask4 gets a lease, or renews one. The socket lives for one exchange: the
// library's reader ends for good when the link goes down.
func (u *Uplink) ask4(ctx context.Context, former *lease4, renew bool) (lease4, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	var client *nclient4.Client
	err := u.cfg.Kernel.Do(func() (err error) {
		client, err = nclient4.New(u.cfg.Link, nclient4.WithTimeout(firstAnswer))
		return err
	})
	if err != nil {
		return lease4{}, err
	}
	raw, err := exchange4(ctx, client, former, renew)
	if err := errors.Join(err, client.Close()); err != nil {
		return lease4{}, err
	}
	return parse4(raw)
}

func exchange4(ctx context.Context, client *nclient4.Client, former *lease4, renew bool) (*nclient4.Lease, error) {
	if renew {
		return client.Renew(ctx, former.raw)
	}
	ask := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionSubnetMask)}
	if former != nil {
		ask = append(ask, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(former.address.Addr().AsSlice())))
	}
	return client.Request(ctx, ask...)
}

func parse4(raw *nclient4.Lease) (lease4, error) {
	ack := raw.ACK
	own, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	bits, size := ack.SubnetMask().Size()
	if !ok || own.IsUnspecified() || own.IsMulticast() || own.IsLoopback() {
		return lease4{}, errors.New("cannot use a lease without an address")
	}
	if size != 32 || bits == 0 {
		bits = 32
	}
	l := lease4{raw: raw, address: netip.PrefixFrom(own, bits), routers: addrs(ack.Router()), resolvers: addrs(ack.DNS())}
	l.end = max(ack.IPAddressLeaseTime(time.Hour), shortestLease)
	l.renew, l.rebind = ack.IPAddressRenewalTime(l.end/2), ack.IPAddressRebindingTime(l.end*7/8)
	if l.renew <= 0 || l.renew > l.rebind || l.rebind > l.end {
		l.renew, l.rebind = l.end/2, l.end*7/8
	}
	return l, nil
}

func addrs(ips []net.IP) []netip.Addr {
	var out []netip.Addr
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip); ok && !a.IsUnspecified() {
			out = append(out, a.Unmap())
		}
	}
	return out
}

// apply4 puts a lease on the link; the kernel takes the address away by itself
// when nobody renews it.
func (u *Uplink) apply4(former *lease4, l lease4) error {
	if former != nil && (former.address != l.address || len(former.routers) > 0 && len(l.routers) > 0 && former.routers[0] != l.routers[0]) {
		u.drop4(*former)
	}
	seconds := int(l.end / time.Second)
	err := u.journal.AddAddress(netos.Address{Link: u.cfg.Link, Prefix: l.address, ValidFor: seconds, PreferredFor: seconds})
	if err == nil && len(l.routers) > 0 {
		err = u.addDefault(l.routers[0], []netip.Prefix{l.address}, protoDHCP)
	}
	u.learn(func(f *found) { f.resolvers4 = l.resolvers })
	return err
}

func (u *Uplink) drop4(l lease4) {
	if len(l.routers) > 0 {
		// What cannot be removed is gone with the link; Stop tries again.
		_ = u.journal.RemoveRoute(u.defaultBy(l.routers[0], protoDHCP))
	}
	_ = u.journal.RemoveAddress(netos.Address{Link: u.cfg.Link, Prefix: l.address})
	u.learn(func(f *found) { f.resolvers4 = nil })
}
