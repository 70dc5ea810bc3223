package intercept

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/assess/event"
)

// pass splices a TLS connection through untouched and notes it as the control.
// Meanwhile the genuine server's certificate is looked at, for the flaws that follow.
func (i *Interceptor) pass(ctx context.Context, c net.Conn, f first, h Hello, n *event.InterceptNote) {
	i.look(h, f.hello)
	heard := &talk{}
	heard.see(f.bytes)
	down := i.splice(ctx, c, h.Server, f.bytes, heard)
	n.Outcome = event.InterceptSilent
	if heard.data() && down > 0 {
		n.Outcome = event.InterceptPassed
	}
}

// splice connects the client with the genuine server and passes bytes until both
// sides have ended. heard listens to the client for as long as it wants; may be nil.
// It returns how many bytes the server sent.
func (i *Interceptor) splice(ctx context.Context, c net.Conn, to netip.AddrPort, seen []byte, heard *talk) (down int64) {
	calling, cancel := context.WithTimeout(ctx, i.cfg.Times.Handshake)
	defer cancel()
	s, err := i.cfg.Dial(calling, to)
	if err != nil {
		reset(c)
		return 0
	}
	defer func() { _ = s.Close() }() // both directions have ended
	ended := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })
	defer ended()
	idle := newIdle(i.cfg.Times.Idle, func() {
		_ = c.SetDeadline(time.Unix(1, 0)) // a silent pair of connections is ended
		_ = s.SetDeadline(time.Unix(1, 0))
	})
	defer idle.end()
	if _, err := s.Write(seen); err != nil {
		reset(c)
		return 0
	}
	var both sync.WaitGroup
	both.Go(func() { relay(s, c, idle, heard) })
	down = relay(c, s, idle, nil)
	both.Wait()
	return down
}

// relay passes bytes one way and then tells the other side that it ended, as it did.
func relay(to, from net.Conn, idle *idle, heard *talk) int64 {
	n, err := idle.hear(to, from, heard)
	if err != nil {
		reset(to)
		reset(from)
		return n
	}
	if t, ok := to.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite() // where that fails the connection is gone
	}
	return n
}

// idle ends a pair of connections over which nothing has gone for some time.
type idle struct {
	timer *time.Timer
	limit time.Duration
	moved atomic.Bool
}

func newIdle(limit time.Duration, over func()) *idle {
	i := &idle{limit: limit}
	i.timer = time.AfterFunc(limit, func() {
		if i.moved.Swap(false) {
			i.timer.Reset(limit)
			return
		}
		over()
	})
	return i
}

func (i *idle) end() { i.timer.Stop() }

// pieceLimit is how much is passed between two looks at the clock, in bytes.
const pieceLimit = 1 << 20

// hear is copy, and lets the bytes be heard until enough was.
func (i *idle) hear(to io.Writer, from io.Reader, heard *talk) (n int64, err error) {
	if heard != nil {
		listened := &listener{from: from, heard: heard, idle: i}
		if n, err = io.Copy(to, listened); err != nil || !listened.over {
			return n, err
		}
	}
	rest, err := i.copy(to, from)
	return n + rest, err
}

// listener reads until enough was heard, and ends then.
type listener struct {
	from  io.Reader
	heard *talk
	idle  *idle
	over  bool // there may be more to come
}

func (l *listener) Read(p []byte) (int, error) {
	if l.heard.enough() {
		l.over = true
		return 0, io.EOF
	}
	n, err := l.from.Read(p)
	if n > 0 {
		l.idle.moved.Store(true)
		l.heard.see(p[:n])
	}
	return n, err
}

// copy is io.Copy, which leaves the bytes in the kernel where it can.
func (i *idle) copy(to io.Writer, from io.Reader) (n int64, err error) {
	for {
		m, err := io.Copy(to, io.LimitReader(from, pieceLimit))
		n += m
		if m > 0 {
			i.moved.Store(true)
		}
		if err != nil || m < pieceLimit {
			return n, err
		}
	}
}
