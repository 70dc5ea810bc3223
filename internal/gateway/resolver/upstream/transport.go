package upstream

import (
	"context"
	"errors"
	"net"
	"time"
)

var errForged = errors.New("too many packets that answer something else")

// transport carries a question to the server the way it wants to be asked.
func (p *Pool) transport(ctx context.Context, s *server, q *question) ([]byte, error) {
	if s.Name != "" {
		return p.overStream(ctx, s, q)
	}
	b, err := p.overUDP(ctx, s, q)
	switch {
	case errors.Is(err, errForged):
		p.cfg.Suspicious(s.Server, "forged")
	case err != nil || !truncated(b):
		return b, err
	}
	p.counts.truncated.Add(1)
	return p.overStream(ctx, s, q)
}

// overUDP asks from a port of its own, chosen at random by the kernel, on a
// connected socket: packets from elsewhere never arrive (RFC 5452 section 9).
func (p *Pool) overUDP(ctx context.Context, s *server, q *question) ([]byte, error) {
	conn, err := p.dial(ctx, "udp", s.Addr.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	end := time.Now().Add(s.timeout())
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	if err := conn.SetDeadline(end); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(q.wire); err != nil {
		return nil, err
	}
	return p.awaitUDP(conn, s, q)
}

func (p *Pool) awaitUDP(conn net.Conn, s *server, q *question) ([]byte, error) {
	b := make([]byte, bufSize)
	for range maxStray {
		n, err := conn.Read(b)
		if err != nil {
			return nil, err
		}
		if q.matches(b[:n]) == nil {
			return b[:n], nil
		}
		p.counts.mismatched.Add(1)
		p.cfg.Suspicious(s.Server, "mismatched")
	}
	return nil, errForged
}

// overStream asks over TCP or TLS. A connection that was there before may have
// been closed at the other end in the meantime: then a new one is tried.
func (p *Pool) overStream(ctx context.Context, s *server, q *question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, streamTimeout)
	defer cancel()
	for {
		st, reused, err := s.stream(ctx, p)
		if err != nil {
			return nil, err
		}
		b, err := st.exchange(ctx, q)
		if err == nil || !reused || ctx.Err() != nil || errors.Is(err, errMismatch) || errors.Is(err, errBusy) {
			return b, err
		}
	}
}
