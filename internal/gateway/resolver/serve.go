package resolver

import (
	"context"
	"errors"
	"sync"
)

// Serve answers questions until ctx ends, then closes everything the resolver
// has opened, waits for all it has started and gives nil. An error means that it
// could not begin or could not go on. The resolver cannot be used after it.
func (r *Resolver) Serve(ctx context.Context) error {
	defer r.Close()
	if err := r.Open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers, err := r.servers()
	if err != nil {
		return errors.Join(err, r.shut())
	}
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		failed []error
	)
	for _, serve := range servers {
		all.Go(func() {
			if err := serve(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
				cancel()
			}
		})
	}
	<-ctx.Done()
	r.end()
	failed = append(failed, r.shut())
	all.Wait()
	return errors.Join(failed...)
}

// servers are the loops that Serve runs.
func (r *Resolver) servers() ([]func(context.Context) error, error) {
	out := []func(context.Context) error{r.watch}
	for _, l := range r.tcp {
		out = append(out, (&tcpServer{r: r, l: l}).serve)
	}
	for _, c := range r.udp {
		s, err := newUDPServer(r, c)
		if err != nil {
			return nil, err
		}
		out = append(out, s.serve)
	}
	return out, nil
}
