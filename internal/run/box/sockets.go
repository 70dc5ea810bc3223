//go:build linux

package box

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"syscall"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
)

// sockets are those of the services on the LAN port, at most one of each. A socket
// that is bound to a port which has gone hears nothing for ever and gives no error:
// it has to be closed so that its service opens another.
type sockets struct {
	mu    sync.Mutex
	times int // how often the port was lost
	open  map[string]io.Closer
}

// errLost tells a service that the port went while its socket was opened.
var errLost = errors.New("the port went away meanwhile")

// opened remembers the socket of a service; times is what lost was before it was
// opened.
func (s *sockets) opened(service string, times int, c io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times != times {
		return errors.Join(errLost, c.Close())
	}
	if s.open == nil {
		s.open = map[string]io.Closer{}
	}
	s.open[service] = c
	return nil
}

// lost is how often the port was lost so far.
func (s *sockets) lost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

// lose closes all sockets: the port is gone.
func (s *sockets) lose() {
	s.mu.Lock()
	list := s.open
	s.open = nil
	s.times++
	s.mu.Unlock()
	for _, c := range list {
		_ = c.Close() // its service learns of it by reading
	}
}

// onPort opens the socket of a service inside the kernel's namespace, and again
// whenever the port was lost.
func onPort[C io.Closer](b *Box, service string, open func(port string) (C, error)) func() (C, error) {
	return func() (c C, err error) {
		times := b.sockets.lost()
		err = b.cfg.Kernel.Do(func() (err error) { c, err = open(b.cfg.Settings.Ports.LAN); return err })
		if err == nil {
			err = b.sockets.opened(service, times, c)
		}
		return c, err
	}
}

// portGone lets the services know that the LAN port went away.
func (b *Box) portGone() {
	b.sockets.lose()
	b.tellPort("gone")
}

// portBack makes the router and the resolver use the port that came back; the other
// services open it by themselves.
func (b *Box) portBack(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var failed error
	if b.lan != nil {
		failed = b.lan.Renew(ctx)
	}
	for _, c := range b.listeners {
		failed = errors.Join(failed, resolver.Rebind(b.cfg.Settings.Ports.LAN, c))
	}
	if failed == nil && b.lan != nil {
		failed = b.followUplink(ctx) // what changed meanwhile found no port
	}
	if failed == nil {
		b.tellPort("back")
	}
	return failed
}

// tellPort notes what became of the LAN port's adapter.
func (b *Box) tellPort(state string) {
	body, err := json.Marshal(map[string]string{"port": b.cfg.Settings.Ports.LAN, "state": state})
	if err == nil {
		b.note(evidence.Note{Kind: "link", Body: body})
	}
}

// listening remembers a socket of the resolver, which stays open for good.
func (b *Box) listening(socket any) {
	if c, ok := socket.(syscall.Conn); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.listeners = append(b.listeners, c)
	}
}
