package lookup

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// notInternet are networks that no server on the internet has (RFC 6890 and the
// IANA special-purpose registries), besides those that netip knows by name. The
// documentation networks are not among them: nothing answers there by accident.
var notInternet = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// mayTouch says whether an address may be connected to: it is of the internet and of
// none of the networks that are forbidden.
func (l *Looker) mayTouch(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, list := range [][]netip.Prefix{notInternet, l.cfg.Forbidden} {
		for _, p := range list {
			if p.Contains(a) {
				return false
			}
		}
	}
	return true
}

// connect opens one TCP connection, no sooner than the pause after the one before.
func (l *Looker) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if !l.mayTouch(to.Addr()) {
		return nil, fmt.Errorf("%s is no address of the internet: it is left alone", to.Addr())
	}
	if err := l.pause(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	return l.cfg.Dial(ctx, "tcp", to.String())
}

func (l *Looker) pause(ctx context.Context) error {
	wait := time.NewTimer(l.cfg.Pause - time.Since(l.last))
	defer wait.Stop()
	select {
	case <-wait.C:
		l.last = time.Now()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
