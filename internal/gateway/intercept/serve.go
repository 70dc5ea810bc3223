package intercept

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/assess/event"
)

// Interceptor stands between devices and their servers.
type Interceptor struct {
	cfg     Config
	forger  *forger
	library library
	running sync.WaitGroup
	life    context.Context //nolint:containedctx // of the look-ups, which outlive the connection that began them
	stop    context.CancelFunc
	free    chan struct{} // a place for each connection at once
	counts  struct{ connections, spliced, flawed, refused atomic.Uint64 }
}

// New makes an Interceptor; making its keys takes a moment.
func New(cfg Config) (*Interceptor, error) {
	if cfg.Listener == nil || cfg.Dial == nil {
		return nil, errors.New("cannot intercept without a listener and a way to the servers")
	}
	if cfg.Original == nil {
		cfg.Original = OriginalDestination
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	cfg.Times = cfg.Times.withDefaults()
	f, err := newForger(cfg)
	if err != nil {
		return nil, err
	}
	i := &Interceptor{cfg: cfg, forger: f, library: library{known: map[place]*lookup{}}, free: make(chan struct{}, connLimit)}
	i.life, i.stop = context.WithCancel(context.Background())
	return i, nil
}

// Serve takes connections until ctx is done; then it ends those that are open.
func (i *Interceptor) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer i.running.Wait()
	defer i.stop()
	defer cancel()
	release := context.AfterFunc(ctx, func() { _ = i.cfg.Listener.Close() }) // Accept tells of it
	defer release()
	for {
		c, err := i.cfg.Listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close() // it came too late
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("cannot intercept any more: %w", err)
		case err != nil:
			continue // of this connection alone
		}
		i.admit(ctx, c)
	}
}

// admit handles a connection where there is room for it.
func (i *Interceptor) admit(ctx context.Context, c net.Conn) {
	i.counts.connections.Add(1)
	select {
	case i.free <- struct{}{}:
	default:
		i.counts.refused.Add(1)
		reset(c)
		return
	}
	i.running.Go(func() {
		defer func() { <-i.free }()
		defer func() { _ = c.Close() }() // the other side has seen its end
		ended := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		defer ended()
		i.handle(ctx, c)
	})
}

// Counts tells what was done so far.
func (i *Interceptor) Counts() Counts {
	c := &i.counts
	return Counts{c.connections.Load(), c.spliced.Load(), c.flawed.Load(), c.refused.Load()}
}

// handle does one connection.
func (i *Interceptor) handle(ctx context.Context, c net.Conn) {
	server, err := i.cfg.Original(c)
	if err != nil {
		reset(c)
		return
	}
	f, err := readFirst(c, i.cfg.Times.Hello)
	if err != nil {
		return
	}
	if f.hello == nil {
		i.counts.spliced.Add(1)
		i.splice(ctx, c, server, f.bytes, nil)
		return
	}
	h := Hello{Client: remote(c), Server: server, Name: nameOf(f.hello.ServerName), At: i.cfg.Now()}
	d := Decision{Case: event.CasePass}
	if i.cfg.Policy != nil {
		d = i.cfg.Policy.Decide(h)
	}
	n := event.InterceptNote{Case: d.Case, Client: h.Client, Server: h.Server, Name: h.Name, Attempt: d.Attempt, Began: h.At.UTC()}
	switch d.Case {
	case "", event.CasePass:
		n.Case = event.CasePass
		i.counts.spliced.Add(1)
		i.pass(ctx, c, f, h, &n)
	case event.CaseSwallowed:
		i.counts.flawed.Add(1)
		i.swallow(c, &n)
	default:
		i.counts.flawed.Add(1)
		i.flawed(ctx, c, f, h, &n)
	}
	n.Phase = event.Ended
	i.note(n)
	if i.cfg.Policy != nil {
		i.cfg.Policy.Ended(h, d, n.Outcome)
	}
}

func remote(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port())
	}
	return netip.AddrPort{}
}

func nameOf(sni string) string { return strings.ToLower(strings.TrimSuffix(sni, ".")) }

// swallow leaves a ClientHello without an answer.
func (i *Interceptor) swallow(c net.Conn, n *event.InterceptNote) {
	n.Phase = event.Begun
	i.note(*n)
	n.Outcome = event.InterceptSwallowed
	_ = c.SetReadDeadline(time.Now().Add(i.cfg.Times.Swallow)) // where that fails the connection is gone
	var sink [512]byte
	for range connLimit { // whatever it goes on to send
		if _, err := c.Read(sink[:]); err != nil {
			return
		}
	}
}

// reset ends a connection as a host without such a server does.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // else it is closed more gently
	}
	_ = c.Close() // there is nobody to tell
}
