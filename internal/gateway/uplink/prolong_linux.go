package uplink

import (
	"context"
	"errors"
	"time"
)

// Waiting times of the clients. Servers that answer late or not at all are asked
// again with growing pauses (RFC 2131 section 4.1), for ever.
const (
	exchangeTime  = 10 * time.Second
	firstAnswer   = time.Second // a switch may lose what comes right after the cable; doubled at each try
	firstPause    = time.Second
	longestPause  = time.Minute
	shortestLease = 30 * time.Second // shorter ones are taken for this
	// longestLease is what longer ones, up to for ever (RFC 2131 section 3.3), are taken
	// for: they are renewed all the same.
	longestLease = 366 * 24 * time.Hour
	// leastPause is between two attempts to prolong a lease (RFC 2131 section 4.4.5).
	leastPause = time.Minute
)

// The ways in which a lease ends before its time, or the attempts to prolong it.
var (
	errRefused = errors.New("cannot prolong the lease: the server refuses it")
	errExpired = errors.New("cannot prolong the lease: its time is over")
	errAway    = errors.New("cannot prolong the lease: the cable is out, or the uplink stops")
)

// stage is a way to ask for more time, until a point in time.
type stage[L any] struct {
	until time.Time
	ask   func(context.Context) (L, error)
}

// prolong asks for more time, stage by stage. After a request without an answer it
// waits for half of what is left of the stage, but at least a minute (RFC 2131 section
// 4.4.5). The error is one of the above.
func prolong[L any](ctx context.Context, u *Uplink, stages ...stage[L]) (L, error) {
	var none L
	for _, s := range stages {
		for time.Until(s.until) > 0 {
			within, cancel := context.WithDeadline(ctx, s.until)
			l, err := s.ask(within)
			cancel()
			switch {
			case err == nil:
				return l, nil
			case errors.Is(err, errRefused):
				return none, errRefused
			}
			left := time.Until(s.until)
			if !u.waitPlugged(ctx, min(left, max(left/2, leastPause))) {
				return none, errAway
			}
		}
	}
	return none, errExpired
}

// waitPlugged waits; false when ctx ended or the cable was pulled meanwhile.
func (u *Uplink) waitPlugged(ctx context.Context, d time.Duration) bool {
	within, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	pulled := u.until(within, func(s State) bool { return !s.Carrier })
	return !pulled && ctx.Err() == nil
}
