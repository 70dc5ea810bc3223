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
	up, down := i.splice(ctx, c, h.Server, f.bytes)
	n.Outcome = event.InterceptSilent
	if up > int64(len(f.bytes)) && down > 0 {
		n.Outcome = event.InterceptPassed
	}
}

// splice connects the client with the genuine server and passes bytes until both
// sides have ended. It returns how many went each way.
func (i *Interceptor) splice(ctx context.Context, c net.Conn, to netip.AddrPort, seen []byte) (up, down int64) {
	calling, cancel := context.WithTimeout(ctx, i.cfg.Times.Handshake)
	defer cancel()
	s, err := i.cfg.Dial(calling, to)
	if err != nil {
		reset(c)
		return 0, 0
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
		return 0, 0
	}
	var both sync.WaitGroup
	both.Go(func() { up = relay(s, c, idle) })
	down = relay(c, s, idle)
	both.Wait()
	return up + int64(len(seen)), down
}

// relay passes bytes one way and then tells the other side that it ended, as it did.
func relay(to, from net.Conn, idle *idle) int64 {
	n, err := idle.copy(to, from)
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
