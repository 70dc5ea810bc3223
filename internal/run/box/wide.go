//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"sync"
)

// interceptPorts is how many ports the interceptor has. A device may begin conversations
// from one of its ports with as many servers at once, and each keeps that port: with one
// port of the box the kernel would have to give the second another, and what is noted
// of it could not be found among the packets.
const interceptPorts = 16

// listen opens the interceptor's ports on the LAN, for IPv4 and IPv6.
func (t *trials) listen(ctx context.Context) (l net.Listener, err error) {
	const tries = 8
	for range tries {
		var all []net.Listener
		err = t.box.cfg.Kernel.Do(func() (err error) {
			all, err = inARow(ctx, interceptPorts)
			return err
		})
		if err == nil {
			t.port = uint16(all[0].Addr().(*net.TCPAddr).Port) //nolint:gosec // a port
			t.last = t.port + interceptPorts - 1
			return newWide(all), nil
		}
	}
	return nil, err
}

// inARow opens n ports that follow each other, where the kernel finds the first free.
func inARow(ctx context.Context, n int) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(all))
		}
	}()
	port := 0
	for i := range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("::", strconv.Itoa(port)))
		if err != nil {
			return all, err
		}
		all = append(all, l)
		if i == 0 {
			port = l.Addr().(*net.TCPAddr).Port
		}
		if port++; port > math.MaxUint16 {
			return all, fmt.Errorf("there are no %d ports after %d", n, port)
		}
	}
	return all, nil
}

func closeAll(all []net.Listener) error {
	var errs []error
	for _, l := range all {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// wide is several listeners as one.
type wide struct {
	all     []net.Listener
	came    chan accepted
	closed  chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func newWide(all []net.Listener) *wide {
	w := &wide{all: all, came: make(chan accepted), closed: make(chan struct{})}
	for _, l := range all {
		w.running.Go(func() { w.take(l) })
	}
	return w
}

// take passes on what comes at one port.
func (w *wide) take(l net.Listener) {
	for {
		c, err := l.Accept()
		select {
		case w.came <- accepted{c, err}:
		case <-w.closed:
			if err == nil {
				_ = c.Close() // nobody waits for it any more
			}
			return
		}
	}
}

// Accept is that of net.Listener.
func (w *wide) Accept() (net.Conn, error) {
	select {
	case a := <-w.came:
		return a.conn, a.err
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close ends all ports and waits for the end of what listens there.
func (w *wide) Close() (err error) {
	w.once.Do(func() {
		close(w.closed)
		err = closeAll(w.all)
		w.running.Wait()
	})
	return err
}

// Addr is that of the first port.
func (w *wide) Addr() net.Addr { return w.all[0].Addr() }
