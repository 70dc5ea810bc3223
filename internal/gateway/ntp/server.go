package ntp

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"assay/internal/gateway/guard"
)

// Bounds of what one client is answered: a burst of sixteen, then one answer in
// two seconds. The quickest well-behaved client (chrony and ntpd with iburst) asks
// eight times at two seconds, and RFC 8633 section 3.1 asks for no less.
const (
	clientRate, clientBurst = 0.5, 16
	// kissRate bounds the answers "RATE" to a client that asks on (RFC 5905
	// section 7.4): one in a quarter of a minute.
	kissRate, kissBurst = 1.0 / 15, 1
	sources             = 1024
	// totalRate bounds the answers to all clients together, in a second.
	totalRate = 2000
)

// Server is the NTP service of one port. Its methods are safe for use by several
// goroutines.
type Server struct {
	cfg    Config
	ledger *guard.Ledger
	begun  time.Time

	clients guard.Sources[netip.Addr] // used by Serve alone
	kisses  guard.Sources[netip.Addr]
	total   guard.Bucket
}

// New prepares a server.
func New(c Config) (*Server, error) {
	if c.Open == nil {
		return nil, errors.New("cannot serve NTP without a port: set Config.Open")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Clock == nil {
		c.Clock = func() Clock { return Clock{} }
	}
	return &Server{
		cfg: c, ledger: guard.NewLedger("ntp", c.Note, c.Now), begun: c.Now(),
		clients: guard.Sources[netip.Addr]{Rate: clientRate, Burst: clientBurst, Limit: sources},
		kisses:  guard.Sources[netip.Addr]{Rate: kissRate, Burst: kissBurst, Limit: sources},
		total:   guard.Bucket{Rate: totalRate, Burst: totalRate},
	}, nil
}

// Counts is what was received, answered and refused since New: "received",
// "answered", "answered unsynchronised", "told to slow down", and "refused: reason".
func (s *Server) Counts() map[string]uint64 { return s.ledger.Counts() }

// Serve answers until ctx ends, and then returns nil. A lost link does not end
// it: the port is opened again. An error says that the port could not be opened
// at first.
func (s *Server) Serve(ctx context.Context) error {
	return guard.Keep(ctx, s.ledger, s.cfg.Open, s.serve)
}

const (
	maxRequest = 1500 // bytes; a question is 48, more with extension fields
	maxControl = 128  // bytes of control messages: one pktinfo
)

func (s *Server) serve(_ context.Context, conn Conn) error {
	buf, oob := make([]byte, maxRequest), make([]byte, maxControl)
	for {
		n, oobn, _, from, err := conn.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			return err
		}
		answer, ok := s.handle(s.cfg.Now(), buf[:n], from.Addr().Unmap())
		if !ok {
			continue
		}
		// The control message names the address that was asked; handed back, it is
		// the address that answers.
		if _, _, err := conn.WriteMsgUDPAddrPort(answer[:], oob[:oobn], from); err != nil {
			s.ledger.Refuse("the answer could not be sent", from.Addr().String())
		}
	}
}

// handle works out the answer to a packet.
func (s *Server) handle(at time.Time, p []byte, from netip.Addr) ([packetLen]byte, bool) {
	s.ledger.Count("received")
	q, reason := parse(p)
	if reason == "" && (from.IsUnspecified() || from.IsMulticast() || from.IsLoopback()) {
		reason = "from an address that cannot be answered"
	}
	if reason != "" {
		s.ledger.Refuse(reason, from.String())
		return [packetLen]byte{}, false
	}
	if !s.total.Take(at) {
		s.ledger.Refuse("too many questions of all clients", from.String())
		return [packetLen]byte{}, false
	}
	if !s.clients.Allow(at, from) {
		return s.slowDown(at, q, from)
	}
	return s.answer(at, q), true
}

func (s *Server) answer(at time.Time, q question) [packetLen]byte {
	c := s.cfg.Clock()
	if !c.usable() {
		s.ledger.Count("answered unsynchronised")
		return kiss(q, "INIT")
	}
	s.ledger.Count("answered")
	return timeAnswer(q, c, at.Add(c.Offset), s.cfg.Now().Add(c.Offset))
}

// slowDown tells a client once in a while that it asks too often, and is silent
// otherwise.
func (s *Server) slowDown(at time.Time, q question, from netip.Addr) ([packetLen]byte, bool) {
	s.ledger.Refuse("too many questions", from.String())
	if !s.kisses.Allow(at, from) {
		return [packetLen]byte{}, false
	}
	s.ledger.Count("told to slow down")
	return kiss(q, "RATE"), true
}
