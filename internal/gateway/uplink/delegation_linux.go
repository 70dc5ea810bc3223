package uplink

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// wantedBits is the size of prefix that is asked for; what is given is taken.
const wantedBits = 56

// settingsLast is for how long settings without a prefix are believed before they are
// asked for again; RFC 8415 section 21.23 lets a server say, and this is its least.
const settingsLast = 10 * time.Minute

// delegation is a prefix that is ours for a time (RFC 8415 section 6.3), and the
// resolvers that came with it.
type delegation struct {
	prefix             netip.Prefix
	server             dhcpv6.DUID
	resolvers          []netip.Addr
	at                 time.Time // when it was asked for
	renew, rebind, end time.Duration
}

// runDelegation keeps a prefix as long as there is a cable. Where there is none to be
// had it asks for the resolvers alone.
func (u *Uplink) runDelegation(ctx context.Context) {
	pause := firstPause
	var told time.Time // when there were resolvers without a prefix
	for u.until(ctx, plugged) {
		d, err := u.talk6(ctx, soliciting, delegation{})
		if err == nil {
			pause, told = firstPause, time.Time{}
			u.holdDelegation(ctx, d)
			continue
		}
		u.forgetDelegation(false)
		if told.IsZero() || time.Since(told) >= settingsLast {
			if d, err := u.talk6(ctx, informing, delegation{}); err == nil {
				told = time.Now()
				u.learn(func(f *found) { f.resolvers6 = d.resolvers })
			}
		}
		if !wait(ctx, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// holdDelegation renews a prefix until it ends, is refused, or the cable was out.
func (u *Uplink) holdDelegation(ctx context.Context, d delegation) {
	for {
		u.learn(func(f *found) {
			f.delegated, f.until, f.resolvers6, f.delegation = d.prefix, d.at.Add(d.end), d.resolvers, &d
		})
		if !u.waitPlugged(ctx, time.Until(d.at.Add(d.renew))) {
			return
		}
		next, err := prolong(ctx, u,
			stage[delegation]{d.at.Add(d.rebind), func(ctx context.Context) (delegation, error) { return u.talk6(ctx, renewing6, d) }},
			stage[delegation]{d.at.Add(d.end), func(ctx context.Context) (delegation, error) { return u.talk6(ctx, rebinding6, d) }})
		if errors.Is(err, errRefused) || errors.Is(err, errExpired) {
			u.forgetDelegation(true)
		}
		if err != nil {
			return
		}
		d = next
	}
}

// forgetDelegation drops the prefix when its time is over, or at once.
func (u *Uplink) forgetDelegation(now bool) {
	u.learn(func(f *found) {
		if f.delegated.IsValid() && (now || !time.Now().Before(f.until)) {
			f.delegated, f.until, f.resolvers6, f.delegation = netip.Prefix{}, time.Time{}, nil, nil
		}
	})
}

// parseDelegation finds the first prefix that is of use: at least a /64, global
// or unique local, valid for a time.
func parseDelegation(m *dhcpv6.Message) (delegation, error) {
	for _, pd := range m.Options.IAPD() {
		for _, o := range pd.Options.Prefixes() {
			if d, ok := delegated(pd, o); ok {
				d.server, d.resolvers = m.Options.ServerID(), addrs(m.Options.DNS())
				return d, nil
			}
		}
	}
	return delegation{}, errors.New("cannot get a prefix: the server offers none of use")
}

func delegated(pd *dhcpv6.OptIAPD, o *dhcpv6.OptIAPrefix) (delegation, bool) {
	p, ok := usable(o.Prefix)
	if !ok || o.ValidLifetime <= 0 {
		return delegation{}, false
	}
	d := delegation{prefix: p, end: min(max(o.ValidLifetime, shortestLease), longestLease), renew: pd.T1, rebind: pd.T2}
	if d.renew <= 0 || d.renew > d.rebind || d.rebind > d.end {
		d.renew, d.rebind = d.end/2, d.end*4/5
	}
	return d, true
}

// usable says whether devices can live in a prefix: RFC 4291 section 2.5.4 wants a /64.
func usable(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	if !ok || !ip.Is6() || ip.Is4In6() || !ip.IsGlobalUnicast() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip, bits).Masked(), bits > 0 && bits <= 64
}
