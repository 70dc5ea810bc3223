package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Pool is built from; everything has a default.
type Config struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Roots   *x509.CertPool   // the system's when nil
	Now     func() time.Time // for certificates; time.Now when nil
	MixCase bool
	// Suspicious, when set, is told of each answer that was not believed.
	Suspicious func(server Server, reason string)
}

// Counts is what a pool has done since it was made.
type Counts struct {
	Sent       uint64 // questions, repeats included
	Answered   uint64 // usable answers
	TimedOut   uint64
	Mismatched uint64 // wrong id or question: late or forged
	Malformed  uint64
	Refused    uint64 // SERVFAIL, REFUSED and the like
	Truncated  uint64 // asked again over TCP
	Dropped    uint64 // records of an answer that did not belong to it
}

// Pool asks a changing set of upstreams.
type Pool struct {
	cfg    Config
	counts struct {
		sent, answered, timedOut, mismatched, malformed, refused, truncated, dropped atomic.Uint64
	}
	mu      sync.Mutex
	servers []*server
	streams map[*stream]bool
	closed  bool
	readers sync.WaitGroup
}

// New makes a pool. Close ends what it has started.
func New(cfg Config, servers []Server) *Pool {
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Suspicious == nil {
		cfg.Suspicious = func(Server, string) {}
	}
	p := &Pool{cfg: cfg, streams: map[*stream]bool{}}
	p.Set(servers)
	return p
}

// Set replaces the upstreams. What is known of those that stay is kept.
func (p *Pool) Set(list []Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var next []*server
	for _, s := range list {
		i := slices.IndexFunc(p.servers, func(old *server) bool { return old.Server == s })
		if i >= 0 {
			next = append(next, p.servers[i])
			continue
		}
		next = append(next, newServer(s))
	}
	p.servers = next
}

// Servers is the state of each upstream, in the order they were set.
func (p *Pool) Servers() []State {
	var out []State
	for _, s := range p.snapshot() {
		out = append(out, s.state())
	}
	return out
}

// Counts is what the pool has done so far.
func (p *Pool) Counts() Counts {
	c := &p.counts
	return Counts{
		Sent: c.sent.Load(), Answered: c.answered.Load(), TimedOut: c.timedOut.Load(), Mismatched: c.mismatched.Load(),
		Malformed: c.malformed.Load(), Refused: c.refused.Load(), Truncated: c.truncated.Load(), Dropped: c.dropped.Load(),
	}
}

// Close ends every connection and waits for their readers.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for s := range p.streams {
		_ = s.conn.Close()
	}
	p.mu.Unlock()
	p.readers.Wait()
}

func (p *Pool) snapshot() []*server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.servers)
}

// order is the upstreams from the most to the least promising.
func (p *Pool) order() []*server {
	type ranked struct {
		s    *server
		rank time.Duration
	}
	var list []ranked
	for _, s := range p.snapshot() {
		list = append(list, ranked{s, s.rank()})
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return int(a.rank - b.rank) })
	out := make([]*server, len(list))
	for i, r := range list {
		out[i] = r.s
		if i > 0 {
			r.s.forgive()
		}
	}
	return out
}

// own starts the reader of a new connection and watches over it until Close.
func (p *Pool) own(s *stream) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = s.conn.Close()
		close(s.gone)
		return errors.New("cannot ask: the resolver has ended")
	}
	p.streams[s] = true
	p.readers.Go(func() {
		s.read()
		p.mu.Lock()
		delete(p.streams, s)
		p.mu.Unlock()
	})
	return nil
}

func (p *Pool) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.cfg.Dial(ctx, network, address)
}

func (p *Pool) tls(name string) *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: p.cfg.Roots, Time: p.cfg.Now, MinVersion: tls.VersionTLS12, NextProtos: []string{"dot"}}
}

func randomID() uint16 { return uint16(rand.Uint32()) } // ChaCha8, seeded by the kernel
