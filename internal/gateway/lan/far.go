package lan

import (
	"context"
	"net/netip"
)

// Addresses of nobody: they are kept for documentation (RFC 5737 section 3, RFC 3849).
var (
	far4 = netip.MustParsePrefix("203.0.113.254/32")
	far6 = netip.MustParsePrefix("2001:db8:ffff:ffff::fe/128")
)

// Far gives the LAN port an address outside of the device's networks, for each version
// that is offered, or takes it away: to see what a device answers to a stranger. What
// it answers comes through the firewall as the answer to a question of the box alone.
func (l *LAN) Far(ctx context.Context, on bool) error {
	return l.change(ctx, func(w *wanted) {
		w.addresses.Far4, w.addresses.Far6 = netip.Prefix{}, netip.Prefix{}
		if on && w.network.IPv4() {
			w.addresses.Far4 = far4
		}
		if on && w.network.IPv6() {
			w.addresses.Far6 = far6
		}
	})
}
