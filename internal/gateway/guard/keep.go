package guard

import (
	"context"
	"fmt"
	"io"
	"time"
)

// The time before a lost socket is opened again: short enough that a device
// which reboots with its link finds the service, long enough that a port which
// stays away costs nothing.
const (
	reopenFirst = 100 * time.Millisecond
	reopenMost  = 2 * time.Second
)

// linkState is the body of a note of kind "link".
type linkState struct {
	Service string `json:"service"`
	State   string `json:"state"` // "down" or "up"
	Reason  string `json:"reason,omitempty"`
}

// Keep opens a socket and serves it until ctx ends, then returns nil. The socket
// is closed when ctx ends, which ends a blocked read. When serve fails, for
// example because the link went away, the socket is opened again after a pause.
// Only a failure of the first opening is returned: that is a mistake of the
// set-up, and waiting does not mend it.
func Keep[C io.Closer](ctx context.Context, l *Ledger, open func() (C, error), serve func(context.Context, C) error) error {
	conn, err := open()
	if err != nil {
		return fmt.Errorf("cannot open the socket of %s: %w", l.service, err)
	}
	pause := reopenFirst
	for {
		if err == nil {
			err = serveOne(ctx, conn, serve)
			l.lost(ctx, err)
			pause = reopenFirst
		}
		if !wait(ctx, pause) {
			return nil
		}
		if conn, err = open(); err == nil {
			l.Count("reopened")
			l.Note("link", linkState{Service: l.service, State: "up"})
		}
		pause = min(2*pause, reopenMost)
	}
}

func (l *Ledger) lost(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.Note("link", linkState{Service: l.service, State: "down", Reason: fmt.Sprint(err)})
}

func serveOne[C io.Closer](ctx context.Context, conn C, serve func(context.Context, C) error) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	return serve(ctx, conn)
}

// wait reports whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
