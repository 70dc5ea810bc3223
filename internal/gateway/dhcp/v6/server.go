package v6

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"assay/internal/gateway/guard"
)

// Bounds of the work one client can cause: messages of a client that has a lease,
// per second, and clients whose rates are remembered.
const (
	knownRate, knownBurst = 10, 40
	sources               = 1024
)

// Server is the DHCPv6 service of one port. Its methods are safe for use by
// several goroutines.
type Server struct {
	cfg    Config
	ledger *guard.Ledger
	begun  time.Time
	duid   dhcpv6.DUID

	mu    sync.Mutex
	net   Network
	table *table
	known guard.Sources[netip.Addr]
	fresh guard.Bucket
}

// New prepares a server. It reads, or makes, the identity that Config.Folder
// keeps.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if c.Open == nil {
		return nil, errors.New("cannot serve DHCPv6 without a port: set Config.Open")
	}
	id, err := identify(c.Folder)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: c, ledger: guard.NewLedger("dhcp6", c.Note, c.Now), begun: c.Now(), duid: id.duid(),
		table: newTable([32]byte(id.Key)),
		known: guard.Sources[netip.Addr]{Rate: knownRate, Burst: knownBurst, Limit: sources},
		fresh: guard.Bucket{Rate: float64(c.PerSecond), Burst: float64(c.PerSecond)},
	}
	return s, s.Offer(c.Network)
}

// Offer changes what clients are offered, from the next message on. Clients with
// addresses of another prefix are told at their next RENEW or REBIND that these
// are over, and what their new ones are.
func (s *Server) Offer(n Network) error {
	n = n.withDefaults()
	if err := n.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.net = n
	return nil
}

// Counts is what was received, answered and refused since New: "received",
// "answered", one name for each kind of message, and "refused: reason".
func (s *Server) Counts() map[string]uint64 { return s.ledger.Counts() }

// Serve answers until ctx ends, and then returns nil. A lost link does not end
// it: the port is opened again. An error says that the port could not be opened
// at first.
func (s *Server) Serve(ctx context.Context) error {
	return guard.Keep(ctx, s.ledger, s.cfg.Open, s.serve)
}

const (
	maxMessage = 1500
	clientPort = 546
)

func (s *Server) serve(_ context.Context, conn net.PacketConn) error {
	buf := make([]byte, maxMessage)
	for {
		n, peer, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		from, ok := peer.(*net.UDPAddr)
		if !ok {
			continue
		}
		answer := s.handle(buf[:n], from.AddrPort().Addr())
		if answer == nil {
			continue
		}
		// Clients listen on port 546 whatever port they sent from (RFC 8415 section
		// 7.2); a link-local address cannot be far away.
		if _, err := conn.WriteTo(answer, &net.UDPAddr{IP: from.IP, Port: clientPort, Zone: from.Zone}); err != nil {
			s.ledger.Refuse("the answer could not be sent", from.IP.String())
		}
	}
}

// Lease is one address that a client holds.
type Lease struct {
	DUID    []byte
	IAID    [4]byte
	Address netip.Addr
	From    netip.Addr // the client's link-local address
	Host    string     // option 39, the client's own words
	Left    time.Duration
}

// Leases lists the leases that were confirmed since the server began, the next to
// expire first.
func (s *Server) Leases() (out []Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	s.table.expire(now)
	for e := s.table.renewed.Front(); e != nil; e = e.Next() {
		b := e.Value.(*binding)
		out = append(out, Lease{DUID: []byte(b.duid), IAID: b.iaid, Address: b.addr, From: b.from, Host: b.host, Left: b.until - now})
	}
	return out
}

// elapsed is the table's clock.
func (s *Server) elapsed() time.Duration { return s.cfg.Now().Sub(s.begun) }
