package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/assess/event"
	"assay/internal/run/plan"
)

// Clock is the experiment with a time past the end of genuine certificates.
type Clock struct {
	// Servers asks the device's TLS servers for their certificates.
	Servers func(ctx context.Context) ([]event.ClockServer, error)
	// Tell tells a time that is so much later, for these servers; the zero offset
	// tells the true time again.
	Tell func(offset time.Duration, servers []event.ClockServer)
	// Redirect leads what the device asks of any time server to the box's, or no longer.
	Redirect func(ctx context.Context, on bool) error
}

const (
	clockPast  = 30 * 24 * time.Hour // beyond the last end of a certificate
	clockBoots = 2                   // with the told time
	// A device that was told the time may begin to talk so late.
	clockPatience = 30 * time.Second
)

// clockMost is the last time that is told: from 7 February 2036 on the seconds of NTP
// begin anew (RFC 5905 section 6), and not every client knows.
var clockMost = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)

// Run lets the device connect with the true time, with a later one, and with the true
// one again. Its connections are not touched.
func (e Clock) Run(ctx context.Context, d Device, s plan.Step, t plan.Turn) (err error) {
	if err := e.Redirect(ctx, true); err != nil {
		return fmt.Errorf("cannot lead its questions for the time to the box: %w", err)
	}
	defer func() { err = errors.Join(err, e.Redirect(context.WithoutCancel(ctx), false)) }()
	t.Tell(0, clockBoots+2, s.Words()+": the true time first")
	if err := e.start(ctx, d, s, t); err != nil {
		return err
	}
	all, err := e.Servers(ctx)
	if err != nil {
		return err
	}
	offset, servers := beyond(all, time.Now())
	if len(servers) == 0 {
		return fmt.Errorf("%w: no TLS server of the device showed a certificate that ends before 2036", plan.ErrImpossible)
	}
	if err := e.shifted(ctx, d, s, t, offset, servers); err != nil {
		return err
	}
	t.Tell(clockBoots+1, clockBoots+2, s.Words()+": the true time again")
	return e.start(ctx, d, s, t)
}

// shifted tells the later time, and the true one again whatever happens.
func (e Clock) shifted(ctx context.Context, d Device, s plan.Step, t plan.Turn, offset time.Duration, servers []event.ClockServer) error {
	e.Tell(offset, servers)
	defer e.Tell(0, nil)
	for n := range clockBoots {
		t.Tell(n+1, clockBoots+2, fmt.Sprintf("%s: by %d days", s.Words(), int(offset/(24*time.Hour))))
		if err := e.start(ctx, d, s, t); err != nil {
			return err
		}
	}
	return nil
}

// beyond is a time after the end of all certificates that can be told, and those.
func beyond(all []event.ClockServer, now time.Time) (offset time.Duration, servers []event.ClockServer) {
	for _, s := range all {
		past := s.NotAfter.Add(clockPast)
		if past.After(clockMost) {
			continue
		}
		servers = append(servers, s)
		offset = max(offset, past.Sub(now).Truncate(time.Second), clockPast)
	}
	return offset, servers
}

// start makes the device start afresh and lets it be at work for a while.
func (e Clock) start(ctx context.Context, d Device, s plan.Step, t plan.Turn) error {
	if err := t.Gate(ctx); err != nil {
		return err
	}
	before, err := d.Seen(ctx)
	if err != nil {
		return err
	}
	if err := t.Fresh(ctx); err != nil {
		return fmt.Errorf("the device could not be made to start afresh: %w", err)
	}
	return untilWork(ctx, d, before, s.Window)
}

// untilWork waits until the device talks, and a while longer.
func untilWork(ctx context.Context, d Device, before Seen, window time.Duration) error {
	patience := time.After(clockPatience)
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		now, err := d.Seen(ctx)
		if err != nil {
			return err
		}
		if now.Opens > before.Opens {
			return dwell(ctx, d, window)
		}
		select {
		case <-ticks.C:
		case <-patience:
			return nil
		case <-d.Resting():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
