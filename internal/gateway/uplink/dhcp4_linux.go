package uplink

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"assay/internal/gateway/netos"
)

// lease4 is a DHCPv4 lease in the words of this package.
type lease4 struct {
	raw       *nclient4.Lease
	address   netip.Prefix
	routers   []netip.Addr
	resolvers []netip.Addr
	// at is when it was asked for. After these durations it is to be renewed, asked of
	// anybody, given up (T1, T2 and the lease time of RFC 2131 section 4.4.5).
	at                 time.Time
	renew, rebind, end time.Duration
}

// runDHCP4 keeps a lease as long as there is a cable.
func (u *Uplink) runDHCP4(ctx context.Context) {
	var former *lease4
	pause := firstPause
	for u.until(ctx, plugged) {
		if former != nil && time.Since(former.at) >= former.end {
			u.drop4(*former)
			former = nil
		}
		l, err := u.talk4(ctx, discovering, former)
		if err == nil {
			err = u.apply4(former, l)
			former = &l
		}
		if err != nil {
			if !wait(ctx, pause) {
				return
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = firstPause
		former = u.hold4(ctx, l)
	}
}

// hold4 renews a lease until it ends or is refused: then there is none. When the cable
// was out the network may be another one and the server is asked again; what there was
// is asked for.
func (u *Uplink) hold4(ctx context.Context, l lease4) *lease4 {
	for u.waitPlugged(ctx, time.Until(l.at.Add(l.renew))) {
		next, err := prolong(ctx, u,
			stage[lease4]{l.at.Add(l.rebind), func(ctx context.Context) (lease4, error) { return u.talk4(ctx, renewing, &l) }},
			stage[lease4]{l.at.Add(l.end), func(ctx context.Context) (lease4, error) { return u.talk4(ctx, rebinding, &l) }})
		if errors.Is(err, errRefused) || errors.Is(err, errExpired) {
			u.drop4(l)
			return nil
		}
		if err == nil {
			err = u.apply4(&l, next)
			l = next
		}
		if err != nil {
			break
		}
	}
	return &l
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
	l.end = min(max(ack.IPAddressLeaseTime(time.Hour), shortestLease), longestLease)
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
	u.learn(func(f *found) { f.resolvers4, f.lease4 = l.resolvers, &l })
	return err
}

func (u *Uplink) drop4(l lease4) {
	if len(l.routers) > 0 {
		// What cannot be removed is gone with the link; Stop tries again.
		_ = u.journal.RemoveRoute(u.defaultBy(l.routers[0], protoDHCP))
	}
	_ = u.journal.RemoveAddress(netos.Address{Link: u.cfg.Link, Prefix: l.address})
	u.learn(func(f *found) { f.resolvers4, f.lease4 = nil, nil })
}
