// Package serve owns the life of the small internet's servers: it opens their
// sockets where a Host says, gives each a goroutine and ends them together. It
// must not know what is served.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Host is where servers live: a network namespace of the lab, or the loopback.
// Addresses are literals with a port. Assign makes an address the host's own; it
// must be usable at once.
type Host interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Assign(p netip.Prefix) error
}

// Group is servers that end together.
type Group struct {
	host Host
	wg   sync.WaitGroup

	mu       sync.Mutex
	assigned map[netip.Addr]bool
	closers  []func() error
}

// NewGroup makes a group without servers.
func NewGroup(h Host) *Group { return &Group{host: h, assigned: map[netip.Addr]bool{}} }

// Listen opens a TCP socket at an address, which becomes the host's. The caller
// hands it to a server and that to Go; Close closes the socket in any case.
func (g *Group) Listen(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	if err := g.assign(at.Addr()); err != nil {
		return nil, err
	}
	l, err := g.host.Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("cannot serve TCP at %s: %w", at, err)
	}
	g.own(l.Close)
	return l, nil
}

// ListenPacket is Listen for UDP.
func (g *Group) ListenPacket(ctx context.Context, at netip.AddrPort) (net.PacketConn, error) {
	if err := g.assign(at.Addr()); err != nil {
		return nil, err
	}
	c, err := g.host.ListenPacket(ctx, "udp", at.String())
	if err != nil {
		return nil, fmt.Errorf("cannot serve UDP at %s: %w", at, err)
	}
	g.own(c.Close)
	return c, nil
}

// Go runs a server in a goroutine of the group. Close calls stop, which must
// make run return, and waits for it.
func (g *Group) Go(stop func() error, run func()) {
	g.own(stop)
	g.wg.Go(run)
}

func (g *Group) own(stop func() error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closers = append(g.closers, stop)
}

// assign gives the host an address, once.
func (g *Group) assign(a netip.Addr) error {
	g.mu.Lock()
	known := g.assigned[a]
	g.assigned[a] = true
	g.mu.Unlock()
	if known || a.IsLoopback() || a.IsUnspecified() {
		return nil
	}
	if err := g.host.Assign(netip.PrefixFrom(a, a.BitLen())); err != nil {
		return fmt.Errorf("cannot give the host the address %s: %w", a, err)
	}
	return nil
}

// Close ends all servers, the last first, and waits until they have ended. It may be called again.
func (g *Group) Close() error {
	g.mu.Lock()
	closers := g.closers
	g.closers = nil
	g.mu.Unlock()
	var errs []error
	for _, stop := range slices.Backward(closers) {
		if err := stop(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	g.wg.Wait()
	return errors.Join(errs...)
}
