package fleet

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// home is what a device knows of the network it is in.
type home struct {
	mu      sync.Mutex
	known   known
	changed chan struct{} // closed with each change
}

// known is that at one moment.
type known struct {
	ipv4, ipv6  bool // an address that reaches the internet
	dns4, dns6  []netip.Addr
	timeServers []netip.Addr
}

func newHome() *home { return &home{changed: make(chan struct{})} }

func (h *home) now() (known, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known, h.changed
}

// learn changes what is known.
func (h *home) learn(change func(*known)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.known)
	close(h.changed)
	h.changed = make(chan struct{})
}

// resolvers are those that the network offers and the device can reach: the router's
// own word first.
func (k known) resolvers() (out []netip.Addr) {
	if k.ipv6 {
		out = slices.Clone(k.dns6)
	}
	if k.ipv4 {
		out = append(out, k.dns4...)
	}
	return out
}

// ready says that names can be looked up over one of the families.
func (k known) ready() bool { return k.ipv4 || k.ipv6 && len(k.dns6) > 0 }

// complete says that both families are there.
func (k known) complete(ipv6 bool) bool {
	return k.ipv4 && (!ipv6 || k.ipv6 && len(k.dns6) > 0)
}

// patience is how long the second family is waited for when the first is there:
// longer than a router takes to answer a solicitation (RFC 4861 section 6.2.6).
const patience = 1200 * time.Millisecond

// settle waits for a network: for one family, and then a little for the other.
func (h *home) settle(ctx context.Context, ipv6 bool) error {
	if err := h.until(ctx, known.ready); err != nil {
		return err
	}
	little, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = h.until(little, func(k known) bool { return k.complete(ipv6) }) // one family is enough
	return ctx.Err()
}

func (h *home) until(ctx context.Context, enough func(known) bool) error {
	for {
		k, changed := h.now()
		if enough(k) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
