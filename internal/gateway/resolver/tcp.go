package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// tcpIdle is how long a connection may be silent (RFC 7766 section 6.2.3),
	// and how long one message may take to arrive or leave.
	tcpIdle = 10 * time.Second
	// maxQuestion bounds a question over TCP. Nothing that is asked of a resolver
	// comes near.
	maxQuestion = 4096
)

// tcpServer answers on the connections of one listener.
type tcpServer struct {
	r     *Resolver
	l     net.Listener
	conns sync.WaitGroup
}

// serve takes connections until the listener is closed, and waits for them.
func (s *tcpServer) serve(ctx context.Context) error {
	defer s.conns.Wait()
	failures := 0
	for {
		c, err := s.l.Accept()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			if err == nil {
				_ = c.Close()
			}
			return nil
		case err != nil:
			if failures++; failures > maxErrors {
				return fmt.Errorf("cannot accept connections on %s: %w", s.l.Addr(), err)
			}
			continue
		}
		failures = 0
		s.take(ctx, c)
	}
}

// take starts serving a connection, if its client may have one more.
func (s *tcpServer) take(ctx context.Context, c net.Conn) {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	from = unmapped(from)
	counts := &s.r.counts
	if n := counts.connections.Add(1); err != nil || n > int64(s.r.cfg.Limits.Connections) || !s.r.clients.connect(from.Addr(), s.r.elapsed()) {
		counts.connections.Add(-1)
		s.r.drop("too many connections", from)
		_ = c.Close()
		return
	}
	s.conns.Go(func() {
		defer counts.connections.Add(-1)
		defer s.r.clients.disconnect(from.Addr())
		conn := &tcpConn{r: s.r, conn: c, from: from}
		conn.serve(ctx)
	})
}

// tcpConn is one connection of a client. Answers leave in the order in which
// they are ready (RFC 7766 section 6.2.1.1).
type tcpConn struct {
	r       *Resolver
	conn    net.Conn
	from    netip.AddrPort
	writing sync.Mutex
	work    sync.WaitGroup
}

func (c *tcpConn) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	defer func() { _ = c.conn.Close() }()
	defer c.work.Wait()
	buf := make([]byte, maxQuestion)
	for {
		packet, err := c.read(buf)
		if err != nil || !c.answer(ctx, packet) {
			return
		}
	}
}

// read takes one message with its length in front (RFC 1035 section 4.2.2).
func (c *tcpConn) read(buf []byte) ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(tcpIdle)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c.conn, buf[:2]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(buf))
	if n > len(buf) {
		c.r.drop("too long", c.from)
		return nil, errors.New("question too long")
	}
	_, err := io.ReadFull(c.conn, buf[:n])
	return buf[:n], err
}

// answer answers one message, later if it must; false ends the connection.
func (c *tcpConn) answer(ctx context.Context, packet []byte) bool {
	now := c.r.elapsed()
	c.r.counts.queries.Add(1)
	if !c.r.clients.ask(c.from.Addr(), now) {
		c.r.drop("too many questions of one client", c.from)
		return false
	}
	req := &request{from: c.from, tcp: true}
	reply, did := c.r.quick(nil, packet, req, now)
	switch did {
	case silent:
		return false
	case replied:
		c.r.counts.hits.Add(1)
		return c.write(reply)
	default:
		return c.later(ctx, req, now)
	}
}

// later answers a question that has to wait, on its own.
func (c *tcpConn) later(ctx context.Context, req *request, now time.Duration) bool {
	if !c.r.admit(c.from, now) {
		return false
	}
	req.query.Name = append([]byte(nil), req.query.Name...)
	if at, err := netip.ParseAddrPort(c.conn.LocalAddr().String()); err == nil {
		req.to = unmapped(at)
	}
	c.work.Go(func() {
		defer c.r.leave(c.from)
		if b := c.r.slow(ctx, nil, req); b != nil {
			c.write(b)
		}
	})
	return true
}

func (c *tcpConn) write(b []byte) bool {
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, len(b)+2), uint16(len(b)))
	frame = append(frame, b...)
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.conn.SetWriteDeadline(time.Now().Add(tcpIdle)) != nil {
		return false
	}
	if _, err := c.conn.Write(frame); err != nil {
		_ = c.conn.Close()
		return false
	}
	return true
}
