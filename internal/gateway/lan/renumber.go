package lan

import (
	"context"
	"fmt"
	"net/netip"
)

// AddressPlan is which addresses the LAN has.
type AddressPlan struct {
	IPv4   netip.Prefix // with the box's own address in it
	Subnet uint16       // of the box's unique local network (RFC 4193 section 3.1); the usual one is 1
}

// plans4 are tried for each of the private ranges of RFC 1918, in this order.
var plans4 = [][]netip.Prefix{
	prefixes("10.83.17.1/24", "10.201.4.1/24"),
	prefixes("172.22.9.1/24", "172.27.140.1/24"),
	prefixes("192.168.77.1/24", "192.168.211.1/24"),
}

// Plans gives an address plan in each private range, none of which is the usual one or
// known to the box's other links.
func (l *LAN) Plans() ([]AddressPlan, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken, err := refused(l.kernel, l.cfg)
	if err != nil {
		return nil, err
	}
	taken = append(taken, l.home)
	var out []AddressPlan
	for _, candidates := range plans4 {
		for _, p := range candidates {
			if _, used := overlaps(p, taken); !used {
				out = append(out, AddressPlan{IPv4: p, Subnet: uint16(0x50 + len(out))}) //nolint:gosec // there are three
				break
			}
		}
	}
	return out, nil
}

// Renumber gives the LAN other addresses; the zero plan gives it the usual ones again.
// IPv6 addresses are of the box's unique local network, whatever the uplink delegated.
func (l *LAN) Renumber(ctx context.Context, p AddressPlan) error {
	l.mu.Lock()
	cfg, home := l.cfg, l.home
	cfg.Delegated = l.wanted.delegated
	l.mu.Unlock()
	if p == (AddressPlan{}) {
		network, nat66, err := network6(cfg)
		if err != nil {
			return err
		}
		return l.change(ctx, func(w *wanted) { w.addresses.IPv4, w.addresses.IPv6, w.addresses.NAT66 = home, network, nat66 })
	}
	if err := l.checkPlan(p); err != nil {
		return err
	}
	network, err := ula(cfg)
	if err != nil {
		return err
	}
	b := network.Addr().As16()
	b[6], b[7], b[15] = byte(p.Subnet>>8), byte(p.Subnet), 1
	return l.change(ctx, func(w *wanted) {
		w.addresses.IPv4, w.addresses.IPv6, w.addresses.NAT66 = p.IPv4, netip.PrefixFrom(netip.AddrFrom16(b), 64), true
	})
}

// checkPlan refuses addresses that somebody else has.
func (l *LAN) checkPlan(p AddressPlan) error {
	if err := checkNetwork4(p.IPv4); err != nil || !p.IPv4.IsValid() {
		return fmt.Errorf("cannot renumber the LAN to %s: %w", p.IPv4, err)
	}
	taken, err := networks(l.kernel, l.cfg.LAN)
	if err != nil {
		return err
	}
	if t, used := overlaps(p.IPv4, taken); used {
		return fmt.Errorf("cannot renumber the LAN to %s: another link is in %s", p.IPv4, t)
	}
	return nil
}
