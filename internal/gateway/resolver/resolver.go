package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/cache"
	"assay/internal/gateway/resolver/upstream"
	"assay/internal/gateway/resolver/validate"
	"assay/internal/gateway/resolver/wire"
)

// Resolver answers the questions of the LAN. New starts nothing: Serve does,
// and Ask and Lookup work without it. Close must be called when Serve is not.
type Resolver struct {
	cfg       Config
	began     time.Time
	cache     *cache.Cache
	pool      *upstream.Pool
	validator atomic.Pointer[validator]
	clients   *clients
	notes     notes
	counts    counters
	fault     atomic.Pointer[Fault]
	dns64     atomic.Pointer[dns64]
	marks     atomic.Uint32 // counts the dns64 that were set
	health    healthState

	life    context.Context // of everything that runs on behalf of a question
	end     context.CancelFunc
	mu      sync.Mutex
	closed  bool
	flights map[string]*flight
	running sync.WaitGroup

	udp []net.PacketConn
	tcp []net.Listener
}

// New builds a resolver. It fails when a trust anchor cannot be used or a size
// makes no sense.
func New(cfg Config) (*Resolver, error) {
	cfg = cfg.withDefaults()
	for _, a := range cfg.Addresses {
		if !a.IsValid() {
			return nil, errors.New("cannot listen on an address that is not set: give every entry of Addresses an address and a port")
		}
	}
	r := &Resolver{cfg: cfg, began: cfg.Now(), flights: map[string]*flight{}}
	r.cache = cache.New(cfg.Limits.CacheEntries, cfg.Limits.CacheBytes)
	r.clients = newClients(cfg.Limits)
	r.notes.init(cfg.Note, r.elapsed)
	r.health.init()
	r.pool = upstream.New(upstream.Config{
		Dial: cfg.Dial, Roots: cfg.Roots, Now: cfg.Now, MixCase: cfg.MixCase,
		Suspicious: func(s Server, reason string) { r.notes.refused("upstream: "+reason, s.Addr) },
	}, cfg.Upstreams)
	if err := r.renewValidator(); err != nil {
		return nil, fmt.Errorf("cannot validate: %w", err)
	}
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

// elapsed is the resolver's own clock. Where the clock of Config has a monotonic
// part, as time.Now has, jumps of the wall clock do not reach it.
func (r *Resolver) elapsed() time.Duration { return r.cfg.Now().Sub(r.began) }

// Close ends what is still running and waits for it. Questions after that fail.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.running.Wait()
	r.pool.Close()
}

// SetUpstreams replaces the upstreams, for example when the uplink changed.
// What is in the cache stays: it was validated, or it ends soon.
func (r *Resolver) SetUpstreams(list []Server) {
	r.pool.Set(list)
	r.health.wake()
}

// Flush forgets every answer and what was found out about zones and their keys.
func (r *Resolver) Flush() {
	r.cache.Clear()
	if err := r.renewValidator(); err != nil {
		return // the same options were good in New: the former one goes on
	}
}

// renewValidator puts in a validator that remembers nothing.
func (r *Resolver) renewValidator() error {
	v, err := validate.New(validate.Options{Anchors: r.cfg.Anchors, NegativeAnchors: r.cfg.NegativeAnchors, Now: r.cfg.Now, Source: source{r}})
	if err != nil {
		return err
	}
	var next validator = v
	r.validator.Store(&next)
	return nil
}

// Open opens the sockets. Serve does so too; a caller that wants to know of a
// failure before it goes on calls Open first.
func (r *Resolver) Open(ctx context.Context) error {
	if len(r.Addrs()) > 0 {
		return nil
	}
	for _, a := range r.cfg.Addresses {
		if err := r.open(ctx, a); err != nil {
			return errors.Join(err, r.shut())
		}
	}
	return nil
}

// open opens one address. TCP comes first: its socket is not shared, so that a
// second resolver on the same address is noticed. Where the port is 0 UDP takes
// the port that TCP was given.
func (r *Resolver) open(ctx context.Context, a netip.AddrPort) error {
	family := "6"
	if a.Addr().Unmap().Is4() {
		family = "4"
	}
	l, err := r.cfg.Listen(ctx, "tcp"+family, a.String())
	if err != nil {
		return fmt.Errorf("cannot listen on %s over TCP (is another DNS server running there?): %w", a, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tcp = append(r.tcp, l)
	if bound, ok := l.Addr().(*net.TCPAddr); ok && a.Port() == 0 {
		a = netip.AddrPortFrom(a.Addr(), uint16(bound.Port))
	}
	for i := range r.cfg.Sockets {
		c, err := r.cfg.ListenPacket(ctx, "udp"+family, a.String())
		if i > 0 && errors.Is(err, syscall.EADDRINUSE) {
			break // an opener that does not let sockets share: one serves as well
		}
		if err != nil {
			return fmt.Errorf("cannot listen on %s over UDP: %w", a, err)
		}
		r.udp = append(r.udp, c)
	}
	return nil
}

func (r *Resolver) shut() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, l := range r.tcp {
		errs = append(errs, l.Close())
	}
	for _, c := range r.udp {
		errs = append(errs, c.Close())
	}
	r.tcp, r.udp = nil, nil
	return errors.Join(errs...)
}

// Addrs are the addresses that Open has opened, in the order of the config.
func (r *Resolver) Addrs() []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []netip.AddrPort
	for _, l := range r.tcp {
		if a, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// Ask answers a question as it would be answered over TCP, the fault included.
// It gives nil when the message cannot be packed or gets no answer.
func (r *Resolver) Ask(ctx context.Context, m *dns.Msg) *dns.Msg {
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	reply := r.handle(ctx, b, netip.AddrPort{}, true)
	out := new(dns.Msg)
	if reply == nil || out.Unpack(reply) != nil {
		return nil
	}
	return out
}

// Answer is what is known of a name and type.
type Answer struct {
	Msg    *dns.Msg // the full answer, TTLs as of now; nil when Failed
	Status Status
	EDE    uint16 // extended error, where Why is set
	Why    string
}

// Lookup finds what is known of a name and type, validated, whatever fault is
// set. It is for the box's own use.
func (r *Resolver) Lookup(ctx context.Context, name string, qtype uint16) Answer {
	name = dns.CanonicalName(name)
	b := make([]byte, maxNameSize)
	n, err := dns.PackDomainName(name, b, 0, nil, false)
	if err != nil {
		return Answer{Status: Failed, EDE: dns.ExtendedErrorCodeInvalidData, Why: "not a domain name"}
	}
	key := wire.AppendKey(nil, b[:n], qtype, dns.ClassINET)
	e := r.resolve(ctx, key, name, qtype, false)
	a := Answer{Status: e.Status, EDE: e.EDE.Code, Why: e.EDE.Text}
	if e.Status != Failed {
		if m, err := r.message(e); err == nil {
			a.Msg = m
		}
	}
	return a
}

// maxNameSize is a name in wire form and the room its packing may want.
const maxNameSize = 256

// Counts is what the resolver has done since it was made.
func (r *Resolver) Counts() Counts {
	c := r.counts.read()
	c.Upstream = r.pool.Counts()
	c.CacheEntries, c.CacheBytes = r.cache.Size()
	c.Refused = r.notes.totals()
	return c
}
