package v4

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/gateway/guard"
)

// Bounds of the work one client can cause.
const (
	knownRate, knownBurst     = 10, 40       // messages of a client that has a lease, per second
	declineRate, declineBurst = 1.0 / 600, 3 // addresses a client can have quarantined, per second
	sources                   = 1024         // clients whose rates are remembered
)

// Server is the DHCPv4 service of one port. Its methods are safe for use by
// several goroutines.
type Server struct {
	cfg    Config
	ledger *guard.Ledger
	begun  time.Time
	kick   chan struct{} // tells tick that a deadline was set

	mu       sync.Mutex
	net      Network // what is offered now
	shape    Network // what the table was made for
	table    *table
	pending  []*pending // offers that wait for ARP, in order of their deadline
	link     Link       // nil while none is open
	known    guard.Sources[MAC]
	fresh    guard.Bucket
	declines guard.Sources[MAC]
	store    store
	frame    []byte // of the last reply, used again
}

// New prepares a server and takes up the leases that Config.Folder keeps.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if c.Open == nil {
		return nil, errors.New("cannot serve DHCPv4 without a port: set Config.Open")
	}
	s := &Server{
		cfg: c, ledger: guard.NewLedger("dhcp4", c.Note, c.Now), begun: c.Now(),
		kick:     make(chan struct{}, 1),
		known:    guard.Sources[MAC]{Rate: knownRate, Burst: knownBurst, Limit: sources},
		declines: guard.Sources[MAC]{Rate: declineRate, Burst: declineBurst, Limit: sources},
		fresh:    guard.Bucket{Rate: float64(c.NewPerSecond), Burst: float64(c.NewPerSecond)},
		store:    newStore(c.Folder), table: emptyTable(),
	}
	if err := s.Offer(c.Network); err != nil {
		return nil, err
	}
	return s, nil
}

// Offer changes what clients are offered, from the next message on. A changed
// prefix, pool or lease time ends all leases: their clients get a NAK when they
// renew, or keep the address when it still fits. Silence ends none. Marks stay.
func (s *Server) Offer(n Network) error {
	n = n.withDefaults()
	if !n.Silent() {
		if err := n.check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.net, s.pending = n, nil
	if !n.Silent() && !n.sameAddresses(s.shape) {
		s.begin()
	}
	return nil
}

// begin starts the table for what is offered now, with the leases that the file
// has of that network.
func (s *Server) begin() {
	marked := s.table.marked
	s.shape, s.table = s.net, newTable(s.net)
	s.table.marked = marked
	if err := s.restore(); err != nil {
		s.ledger.NoteAlways("lease", leaseNote{Service: "dhcp4", Event: "leases lost", Reason: err.Error()})
	}
	s.store.dirty = true
}

// Mark makes a client a device under test: the address it has or gets is never
// given to another, and there is one for it when the pool is otherwise full. At
// most 64 devices can be marked.
func (s *Server) Mark(mac MAC) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.table.mark(mac) {
		return fmt.Errorf("cannot mark more than %d devices under test: unmark those that left", maxMarked)
	}
	return nil
}

// Unmark makes a client an ordinary one again.
func (s *Server) Unmark(mac MAC) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.unmark(mac)
}

// Counts is what was received, answered and refused since New: "received", one
// name for each kind of message, and "refused: reason".
func (s *Server) Counts() map[string]uint64 { return s.ledger.Counts() }

// Serve answers until ctx ends, and then returns nil. A lost link does not end
// it: the port is opened again. An error says that the port could not be opened
// at first.
func (s *Server) Serve(ctx context.Context) error {
	err := guard.Keep(ctx, s.ledger, s.cfg.Open, s.serve)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.save())
}

// serve works on one opened port until it fails or is closed.
func (s *Server) serve(ctx context.Context, link Link) error {
	s.attach(link)
	defer s.attach(nil)
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	g.Go(func() error { return pump(link.Receive, s.handle) })
	g.Go(func() error { return pump(link.Hear, s.heard) })
	g.Go(func() error { return s.tick(ctx) })
	return g.Wait()
}

func (s *Server) attach(link Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link, s.pending = link, nil
}

// maxMessage bounds a message: a full Ethernet frame, which no client exceeds.
const maxMessage = 1500

// pump hands on what read gives until read fails.
func pump(read func([]byte) (int, error), use func([]byte)) error {
	buf := make([]byte, maxMessage)
	for {
		n, err := read(buf)
		if err != nil {
			return err
		}
		use(buf[:n])
	}
}

// tick does what is due at a time rather than upon a message.
func (s *Server) tick(ctx context.Context) error {
	timer := time.NewTimer(saveEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.kick:
		case <-timer.C:
		}
		timer.Reset(s.due())
	}
}

// due does what is due, and says how long nothing else will be.
func (s *Server) due() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	s.ripen(now)
	s.expire(now)
	s.saveIfDue(now)
	if len(s.pending) > 0 {
		return min(s.pending[0].until-now, saveEvery)
	}
	return saveEvery
}

func (s *Server) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// elapsed is the table's clock.
func (s *Server) elapsed() time.Duration { return s.cfg.Now().Sub(s.begun) }
