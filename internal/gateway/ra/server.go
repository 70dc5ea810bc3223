package ra

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/gateway/guard"
)

// Server advertises the box as the router of one port. Its methods are safe for
// use by several goroutines.
type Server struct {
	cfg    Config
	ledger *guard.Ledger
	begun  time.Time
	kick   chan struct{} // tells speak that there is something to say

	mu     sync.Mutex
	net    Network
	past   past
	plan   schedule
	askers guard.Sources[netip.Addr]
}

// New prepares a server; what Config.Network says is advertised when it serves.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: c, ledger: guard.NewLedger("ra", c.Note, c.Now), begun: c.Now(), kick: make(chan struct{}, 1),
		plan:   schedule{next: never},
		askers: guard.Sources[netip.Addr]{Rate: askRate, Burst: askBurst, Limit: maxAskers},
	}
	return s, s.Advertise(c.Network)
}

// Advertise changes what is advertised. Devices are told at once what is no
// longer true: old prefixes are deprecated, old resolvers and NAT64 prefixes
// withdrawn, and before silence the router takes itself back.
func (s *Server) Advertise(n Network) error {
	n = n.withDefaults()
	if !n.silent() {
		if err := n.check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	s.past.replace(s.net, n, now)
	if !n.silent() || !s.net.silent() {
		s.plan.begin(now)
	}
	s.net = n
	s.wake()
	return nil
}

// Counts is what was received, sent and refused since New: "received", "sent to
// all", "sent to one", and "refused: reason".
func (s *Server) Counts() map[string]uint64 { return s.ledger.Counts() }

// Serve advertises until ctx ends; then it takes the router back (RFC 4861
// section 6.2.5) and returns nil. A lost link does not end it: the port is opened
// again. An error says that the port could not be opened at first.
func (s *Server) Serve(ctx context.Context) error {
	open := func() (*leaving, error) {
		conn, err := s.cfg.Open()
		return &leaving{Conn: conn, last: s.takeBack}, err
	}
	return guard.Keep(ctx, s.ledger, open, s.serve)
}

// leaving is a socket with last words.
type leaving struct {
	Conn
	last func(Conn)
	once sync.Once
	err  error
}

func (l *leaving) Close() error {
	l.once.Do(func() {
		l.last(l.Conn)
		l.err = l.Conn.Close()
	})
	return l.err
}

func (s *Server) serve(ctx context.Context, conn *leaving) error {
	s.mu.Lock()
	if !s.net.silent() {
		s.plan.begin(s.elapsed())
	}
	s.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	g.Go(func() error { return s.listen(conn) })
	g.Go(func() error { return s.speak(ctx, conn) })
	return g.Wait()
}

// maxPacket bounds a solicitation; longer ones are cut and then malformed.
const maxPacket = 1500

func (s *Server) listen(conn Conn) error {
	buf := make([]byte, maxPacket)
	for {
		n, cm, from, err := conn.ReadRaw(buf)
		if err != nil {
			return err
		}
		hops := 0
		if cm != nil {
			hops = cm.HopLimit
		}
		s.handle(buf[:n], hops, from)
	}
}

// handle plans the answer to a solicitation.
func (s *Server) handle(b []byte, hops int, from netip.Addr) {
	s.ledger.Count("received")
	if reason := heardSolicit(b, hops, from); reason != "" {
		s.ledger.Refuse(reason, from.String())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.net.silent() {
		s.ledger.Count("unanswered: nothing is advertised")
		return
	}
	if !s.askers.Allow(s.cfg.Now(), from) {
		s.ledger.Refuse("too many solicitations", from.String())
		return
	}
	delay := time.Duration(s.cfg.Random() * float64(maxDelay))
	if !s.plan.answer(s.elapsed(), delay, from) {
		s.ledger.Refuse("too many solicitations of all hosts", from.String())
		return
	}
	s.wake()
}

func (s *Server) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// elapsed is the time since New, which no change of the clock moves.
func (s *Server) elapsed() time.Duration { return s.cfg.Now().Sub(s.begun) }
