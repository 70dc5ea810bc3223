package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// link is the network interface of a device.
const link = "eth0"

// Run is the device of that name until ctx ends, and returns nil then. The link eth0 is
// expected to be down and bare, as lab.New and lab.PowerOff leave it; the device has
// the whole network namespace to itself. The error says what kept it from starting.
func Run(ctx context.Context, name string) error {
	d, err := Find(name)
	if err != nil {
		return err
	}
	t, err := traitsOf(d)
	if err != nil {
		return fmt.Errorf("cannot be the %s: %w", d.Name, err)
	}
	p, err := newProduct(t)
	if err != nil {
		return fmt.Errorf("cannot be the %s: %w", d.Name, err)
	}
	if err := p.run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the %s failed: %w", d.Name, err)
	}
	return nil
}

// traits are what tells one product from another.
type traits struct {
	dhcp  dhcpTraits
	ipv6  ipv6Trait
	names nameTraits
	clock clockTraits
	// errands are what it does in the internet, again and again, all at the same time.
	errands []errand
	// doors are what it offers on the local network.
	doors []door
}

// errand is something that a product does again and again.
type errand struct {
	every time.Duration // after it went well
	do    func(ctx context.Context, p *product) error
}

// product is a device that is switched on.
type product struct {
	traits
	home  *home
	names *names
}

func newProduct(t traits) (*product, error) {
	h := newHome()
	n, err := newNames(h, t.names)
	return &product{traits: t, home: h, names: n}, err
}

// run joins the network and does everything else when that is there.
func (p *product) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if err := errors.Join(p.ipv6.prepare(), answerAll()); err != nil {
		return err
	}
	if p.ipv6 != ipv6Off {
		g.Go(func() error { return p.home.hearRouters(ctx) }) // before the link is up: what a router says is not said twice
		g.Go(func() error { return p.home.watchAddresses(ctx) })
	}
	if err := linkUp(); err != nil {
		return err
	}
	g.Go(func() error { return p.home.lease(ctx, p.dhcp) })
	for _, d := range p.doors {
		g.Go(func() error { return d.serve(ctx, p.ipv6) })
	}
	g.Go(func() error { return p.work(ctx, g) })
	return g.Wait()
}

// answerAll lets the kernel refuse every question to a closed port, as the small network
// stacks of products do: it would send one refusal a second only.
func answerAll() error {
	for _, name := range []string{"ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"} {
		if err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("cannot set up the network of the device: %w", err)
		}
	}
	return nil
}

// work begins the errands when there is a network.
func (p *product) work(ctx context.Context, g *errgroup.Group) error {
	if err := p.home.settle(ctx, p.ipv6 != ipv6Off); err != nil {
		return err
	}
	for _, e := range append(p.errands, p.clock.errand()) {
		g.Go(func() error { return p.keep(ctx, e) })
	}
	return nil
}

const (
	// tryFor is how long one try of an errand may take.
	tryFor = 5 * time.Second
	// again is how soon an errand is tried again that failed.
	again = 150 * time.Millisecond
)

// keep does an errand until ctx ends. What goes wrong is tried again: a product has
// nobody to tell.
func (p *product) keep(ctx context.Context, e errand) error {
	for {
		wait := e.every
		once, cancel := context.WithTimeout(ctx, tryFor)
		if e.do(once, p) != nil {
			wait = again
		}
		cancel()
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
