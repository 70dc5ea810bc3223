package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// Limits and times of router discovery.
const (
	advertisedLimit = 8 // resolvers that are remembered; RFC 8106 section 5.3.1 asks for three
	solicitEvery    = 4 * time.Second
	solicitMost     = 3 // RFC 4861 section 10
	ndpHops         = 255
)

// runAdvertised learns resolvers from router advertisements as long as there is a
// cable; addresses and routes are the kernel's business.
func (u *Uplink) runAdvertised(ctx context.Context) {
	for u.until(ctx, plugged) {
		u.whilePlugged(ctx, u.hearRouters)
		u.learn(func(f *found) { f.advertised = nil }) // another cable may be another network
		if !wait(ctx, firstPause) {
			return
		}
	}
}

// whilePlugged does something until the cable is pulled.
func (u *Uplink) whilePlugged(ctx context.Context, work func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		u.until(ctx, func(s State) bool { return !s.Carrier })
		cancel()
	})
	work(ctx)
	cancel()
	watch.Wait()
}

// hearRouters asks for advertisements and hears them, until ctx ends or the link can no
// longer be heard.
func (u *Uplink) hearRouters(ctx context.Context) {
	conn, index, err := u.openRouters()
	if err != nil {
		return // there is no link-local address yet
	}
	defer func() { _ = conn.Close() }() // it was only read
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	known := book{zone: strconv.Itoa(index)}
	for asked := 0; ctx.Err() == nil; {
		if asked < solicitMost && !known.heard {
			asked++
			_ = conn.WriteTo(&ndp.RouterSolicitation{}, nil, netip.IPv6LinkLocalAllRouters()) // they also advertise unasked
		}
		// A deadline that ctx set in between is found by the look at ctx afterwards.
		err := conn.SetReadDeadline(time.Now().Add(known.look(time.Now(), asked < solicitMost)))
		if err != nil || ctx.Err() != nil || !hearOne(conn, &known) {
			return
		}
		now := known.list(time.Now())
		u.learn(func(f *found) { f.advertised = now })
	}
}

// hearOne takes what comes before the deadline; false when nothing more will come. Only
// a router on the link sends with this hop limit (RFC 4861 section 6.1.2).
func hearOne(conn *ndp.Conn, known *book) bool {
	m, control, from, err := conn.ReadFrom()
	if err != nil {
		late := net.Error(nil)
		return errors.As(err, &late) && late.Timeout()
	}
	if a, ok := m.(*ndp.RouterAdvertisement); ok && control != nil && control.HopLimit == ndpHops && from.IsLinkLocalUnicast() {
		known.take(time.Now(), from.WithZone(""), a)
	}
	return true
}

func (u *Uplink) openRouters() (conn *ndp.Conn, index int, err error) {
	err = u.cfg.Kernel.Do(func() error {
		ifi, err := net.InterfaceByName(u.cfg.Link)
		if err != nil {
			return fmt.Errorf("cannot hear routers: %w", err)
		}
		index = ifi.Index
		conn, _, err = ndp.Listen(ifi, ndp.LinkLocal)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeRouterAdvertisement)
	if err := errors.Join(conn.SetICMPFilter(&filter), conn.SetControlMessage(ipv6.FlagHopLimit, true)); err != nil {
		return nil, 0, errors.Join(err, conn.Close())
	}
	return conn, index, nil
}

// book holds the resolvers that routers told of, with when they end (RFC 8106).
type book struct {
	zone    string // of link-local addresses: the link's number
	heard   bool
	entries []entry
}

type entry struct {
	router, resolver netip.Addr
	until            time.Time
}

// take learns from one advertisement.
func (b *book) take(now time.Time, router netip.Addr, m *ndp.RouterAdvertisement) {
	b.heard = true
	for _, o := range m.Options {
		r, ok := o.(*ndp.RecursiveDNSServer)
		if !ok {
			continue
		}
		for _, a := range r.Servers {
			if a.IsLinkLocalUnicast() {
				a = a.WithZone(b.zone)
			}
			if !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() {
				b.put(entry{router, a, now.Add(r.Lifetime)}, r.Lifetime > 0)
			}
		}
	}
}

// put changes one entry; one of lifetime 0 goes (RFC 8106 section 5.1).
func (b *book) put(e entry, lasting bool) {
	same := func(x entry) bool { return x.router == e.router && x.resolver == e.resolver }
	i := slices.IndexFunc(b.entries, same)
	switch {
	case i >= 0 && lasting:
		b.entries[i].until = e.until
	case i >= 0:
		b.entries = slices.Delete(b.entries, i, i+1)
	case lasting && len(b.entries) < advertisedLimit:
		b.entries = append(b.entries, e)
	}
}

// list gives the resolvers that are in force, each once, and forgets the others.
func (b *book) list(now time.Time) []netip.Addr {
	b.entries = slices.DeleteFunc(b.entries, func(e entry) bool { return !now.Before(e.until) })
	var out []netip.Addr
	for _, e := range b.entries {
		if !slices.Contains(out, e.resolver) {
			out = append(out, e.resolver)
		}
	}
	return out
}

// look is for how long nothing is to be done.
func (b *book) look(now time.Time, asking bool) time.Duration {
	if !b.heard && asking {
		return solicitEvery
	}
	out := time.Hour
	for _, e := range b.entries {
		out = min(out, e.until.Sub(now))
	}
	return max(out, 0)
}
