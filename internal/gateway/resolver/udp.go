package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// batchSize is how many packets one system call takes or gives.
	batchSize = 64
	// questionSize is the longest question over UDP that is read whole; a longer
	// one is cut short and so malformed.
	questionSize = 1500
	controlSize  = 64
	// maxErrors is how many errors in a row a socket may give before the server
	// ends with the last of them.
	maxErrors = 1000
)

// batcher reads and writes several packets at a time.
type batcher interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// udpServer answers what arrives on one socket.
type udpServer struct {
	r     *Resolver
	conn  net.PacketConn
	batch batcher
	in    []ipv4.Message
	out   []ipv4.Message
	reqs  []request
	bufs  [][]byte // of out
	work  sync.WaitGroup
}

func newUDPServer(r *Resolver, conn net.PacketConn) (*udpServer, error) {
	s := &udpServer{r: r, conn: conn, in: make([]ipv4.Message, batchSize), out: make([]ipv4.Message, 0, batchSize), reqs: make([]request, batchSize)}
	anywhere, err := s.useBatches()
	if err != nil {
		return nil, fmt.Errorf("cannot serve on %s: %w", conn.LocalAddr(), err)
	}
	for i := range s.in {
		s.in[i].Buffers = [][]byte{make([]byte, questionSize)}
		if anywhere {
			s.in[i].OOB = make([]byte, controlSize)
		}
		s.bufs = append(s.bufs, make([]byte, 0, serverSize))
	}
	return s, nil
}

// useBatches wraps the socket. One that is bound to no address of its own is
// told with each packet where that was sent to: the answer must leave from
// there.
func (s *udpServer) useBatches() (anywhere bool, err error) {
	local, err := netip.ParseAddrPort(s.conn.LocalAddr().String())
	if err != nil {
		return false, err
	}
	anywhere = local.Addr().IsUnspecified()
	if local.Addr().Unmap().Is4() {
		c := ipv4.NewPacketConn(s.conn)
		s.batch = c
		if anywhere {
			err = c.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
		}
		return anywhere, err
	}
	c := ipv6.NewPacketConn(s.conn)
	s.batch = c
	if anywhere {
		err = c.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	}
	return anywhere, err
}

// serve answers until the socket is closed, and waits for the answers that are
// still being worked on.
func (s *udpServer) serve(ctx context.Context) error {
	defer s.work.Wait()
	failures := 0
	for {
		n, err := s.batch.ReadBatch(s.in, 0)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			if failures++; failures > maxErrors {
				return fmt.Errorf("cannot read questions on %s: %w", s.conn.LocalAddr(), err)
			}
			continue
		}
		failures = 0
		s.answer(ctx, s.in[:n])
		s.send(s.out)
	}
}

// answer fills out with the answers that are there at once and starts the work
// on the others.
func (s *udpServer) answer(ctx context.Context, packets []ipv4.Message) {
	s.out = s.out[:0]
	now := s.r.elapsed()
	hits := uint64(0)
	for i := range packets {
		p := &packets[i]
		req := &s.reqs[i]
		*req = request{}
		from, ok := p.Addr.(*net.UDPAddr)
		if !ok || from.Port == 0 {
			s.r.drop("no port to answer to", req.from)
			continue
		}
		req.from = unmapped(from.AddrPort())
		if !s.r.clients.ask(req.from.Addr(), now) {
			s.r.drop("too many questions of one client", req.from)
			continue
		}
		reply, did := s.r.quick(s.bufs[len(s.out)][:0], p.Buffers[0][:p.N], req, now)
		switch did {
		case replied:
			hits++
			s.out = append(s.out, ipv4.Message{Buffers: [][]byte{reply}, OOB: p.OOB[:p.NN], Addr: p.Addr})
		case waits:
			s.later(ctx, req, p)
		default: // silent
		}
	}
	s.r.counts.queries.Add(uint64(len(packets)))
	s.r.counts.hits.Add(hits)
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// later answers a question that has to wait, on its own.
func (s *udpServer) later(ctx context.Context, req *request, p *ipv4.Message) {
	if !s.r.admit(req.from, s.r.elapsed()) {
		return
	}
	own := *req
	own.query.Name = append([]byte(nil), req.query.Name...)
	own.to = s.arrivedAt(p)
	oob := append([]byte(nil), p.OOB[:p.NN]...)
	addr := p.Addr
	s.work.Go(func() {
		defer s.r.leave(own.from)
		if b := s.r.slow(ctx, nil, &own); b != nil {
			s.send([]ipv4.Message{{Buffers: [][]byte{b}, OOB: oob, Addr: addr}})
		}
	})
}

// arrivedAt is the address that a packet was sent to; zero when that is not told.
func (s *udpServer) arrivedAt(p *ipv4.Message) netip.AddrPort {
	local, err := netip.ParseAddrPort(s.conn.LocalAddr().String())
	if err != nil || !local.Addr().IsUnspecified() {
		return unmapped(local)
	}
	var dst net.IP
	var four ipv4.ControlMessage
	var six ipv6.ControlMessage
	if oob := p.OOB[:p.NN]; local.Addr().Is4() && four.Parse(oob) == nil {
		dst = four.Dst
	} else if local.Addr().Is6() && six.Parse(oob) == nil {
		dst = six.Dst
	}
	a, ok := netip.AddrFromSlice(dst)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), local.Port())
}

// send writes answers. One that cannot be sent, to an address that is no more,
// does not hold up the others.
func (s *udpServer) send(ms []ipv4.Message) {
	for len(ms) > 0 {
		n, err := s.batch.WriteBatch(ms, 0)
		if err != nil {
			s.r.counts.dropped.Add(1)
			n++
		}
		ms = ms[min(max(n, 1), len(ms)):]
	}
}
