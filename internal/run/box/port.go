//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"assay/internal/assess/event"
	"assay/internal/gateway/capture"
)

// port is the LAN port over all the times that its adapter was pulled out and put in
// again. It is the capture of the desk: one source alone says that the port is gone,
// so that nothing can happen between two of them.
type port struct {
	open func() (*capture.Capture, error)
	// gone and back are told on the goroutine of Next; where back fails it is tried
	// again.
	gone func()
	back func(context.Context) error

	address [6]byte
	mu      sync.Mutex
	current *capture.Capture
	before  capture.Counts // of the captures that are closed
}

// lookEvery is how often an adapter that was pulled out is looked for.
const lookEvery = 100 * time.Millisecond

// openPort opens the port for the first time.
func openPort(open func() (*capture.Capture, error), gone func(), back func(context.Context) error) (*port, error) {
	c, err := open()
	if err != nil {
		return nil, err
	}
	return &port{open: open, gone: gone, back: back, address: c.Address(), current: c}, nil
}

// Next is that of the capture, except that an adapter which is gone is waited for.
func (p *port) Next(ctx context.Context) (capture.Batch, error) {
	for {
		b, err := p.capture().Next(ctx)
		if !errors.Is(err, capture.ErrGone) {
			return b, err
		}
		p.gone()
		if err := p.again(ctx); err != nil {
			return capture.Batch{}, err
		}
	}
}

// again waits for the adapter and opens the port anew.
func (p *port) again(ctx context.Context) error {
	for {
		next, err := p.open()
		if err == nil {
			p.replace(next)
			if next.Address() != p.address {
				return fmt.Errorf("the port came back with the address %s and had %s: start the gateway anew for another adapter",
					event.FormatMAC(next.Address()), event.FormatMAC(p.address))
			}
			err = p.back(ctx)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// replace puts an open capture in the place of one that has seen its last frame.
func (p *port) replace(next *capture.Capture) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.current.Close() // it always gives nil
	p.before = p.counts()
	p.current = next
}

func (p *port) capture() *capture.Capture {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Release gives the memory of the last batch back.
func (p *port) Release() { p.capture().Release() }

// Address is the MAC address of the port.
func (p *port) Address() [6]byte { return p.address }

// Counts are those of all captures of the port.
func (p *port) Counts() capture.Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts()
}

func (p *port) counts() capture.Counts {
	sum, now := p.before, p.current.Counts()
	sum.Seen += now.Seen
	sum.Dropped += now.Dropped
	sum.Freezes += now.Freezes
	sum.Delivered += now.Delivered
	sum.Damaged += now.Damaged
	return sum
}

// Close ends the capture.
func (p *port) Close() error { return p.capture().Close() }
