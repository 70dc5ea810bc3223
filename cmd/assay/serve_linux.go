package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// serving is a page that is up.
type serving struct {
	server *http.Server
	stop   context.CancelFunc
	ended  chan error
}

// serveOpen serves a page to this machine alone, without a key.
func serveOpen(ctx context.Context, socket net.Listener, h http.Handler) (*serving, error) {
	ctx, stop := context.WithCancel(ctx)
	s := &serving{stop: stop, ended: make(chan error, 1), server: &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	go func() { s.ended <- s.server.Serve(socket) }()
	return s, nil
}

// close ends the page and every stream of it.
func (s *serving) close() error {
	s.stop()
	err := s.server.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
