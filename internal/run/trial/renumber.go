package trial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"assay/internal/run/plan"
)

// AddressPlan is one of the plans that the device is moved through.
type AddressPlan struct {
	IPv4, IPv6 netip.Prefix
	MTU        int // told, 0 for none
}

// Renumber is the experiment with other addresses.
type Renumber struct {
	// Plans is how many there are; Change gives the network the addresses of one, from
	// 0, and Home the usual ones.
	Plans  int
	Change func(ctx context.Context, n int) (AddressPlan, error)
	Home   func(ctx context.Context) error
	// Cable pulls the device's cable and puts it in again.
	Cable func(ctx context.Context) error
	// Told notes how the device was made to start with the present plan.
	Told func(how string)
}

// How long a device may take to find its way with other addresses: a time that every
// client of DHCP needs now and then, and some of the windows in which it talks.
const (
	moveLeast   = 5 * time.Second
	moveWindows = 4
)

// Run moves the device through the plans, and home again whatever happens.
func (e Renumber) Run(ctx context.Context, d Device, s plan.Step, t plan.Turn) (err error) {
	if _, err := e.wait(ctx, d, s, AddressPlan{}, Seen{}); err != nil { // the control before
		return err
	}
	defer func() {
		err = errors.Join(err, e.Home(context.WithoutCancel(ctx)))
		if err == nil {
			err = e.start(ctx, d, s, AddressPlan{}, t)
		}
	}()
	for n := range e.Plans {
		if err := t.Gate(ctx); err != nil {
			return err
		}
		p, err := e.Change(ctx, n)
		if err != nil {
			return err
		}
		t.Tell(n, e.Plans, fmt.Sprintf("%s: %s", s.Words(), p.IPv4.Masked()))
		if err := e.start(ctx, d, s, p, t); err != nil {
			return err
		}
	}
	return nil
}

// start pulls the cable, and where that does not help makes the device start afresh.
func (e Renumber) start(ctx context.Context, d Device, s plan.Step, p AddressPlan, t plan.Turn) error {
	before, err := d.Seen(ctx)
	if err != nil {
		return err
	}
	if err := e.Cable(ctx); err != nil {
		return err
	}
	e.Told("cable")
	moved, err := e.wait(ctx, d, s, p, before)
	if moved || err != nil {
		return err
	}
	how, err := d.Power(ctx, func(words string) {
		if words != "" {
			t.Tell(0, 0, words)
		}
	})
	if errors.Is(err, plan.ErrImpossible) {
		return nil // the packets show how far it came without
	}
	if err != nil {
		return fmt.Errorf("the device could not be made to start afresh: %w", err)
	}
	e.Told(how)
	_, err = e.wait(ctx, d, s, p, before)
	return err
}

// wait waits until the device has an address of the plan and talks, and a while longer.
func (e Renumber) wait(ctx context.Context, d Device, s plan.Step, p AddressPlan, before Seen) (moved bool, err error) {
	patience, cancel := context.WithTimeout(ctx, moveLeast+moveWindows*s.Window)
	defer cancel()
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		now, err := d.Seen(ctx)
		if err != nil {
			return false, err
		}
		if now.Opens > before.Opens && p.holds(now.Addresses) {
			return true, dwell(ctx, d, s.Window)
		}
		select {
		case <-patience.Done():
			return false, context.Cause(ctx)
		case <-ticks.C:
		}
	}
}

// dwell lets a device that is at work go on for a while; one that talks without an end
// never settles.
func dwell(ctx context.Context, d Device, window time.Duration) error {
	select {
	case <-time.After(window):
	case <-d.Resting():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// holds says that one of the addresses is of the plan; the zero plan holds all.
func (p AddressPlan) holds(addrs []netip.Addr) bool {
	return p == (AddressPlan{}) || slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		return p.IPv4.Masked().Contains(a) || p.IPv6.IsValid() && p.IPv6.Masked().Contains(a)
	})
}
