//go:build linux

package box

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"assay/internal/run/config"
	"assay/internal/run/desk"
	"assay/internal/run/plan"
)

// Power makes the device start afresh: by the board's relay, by the cable as far as
// software can pull it, or by somebody who is asked to.
func (t *trials) Power(ctx context.Context, ask func(words string)) (string, error) {
	b := t.box
	if b.cfg.Power != nil {
		return b.cfg.Power(ctx)
	}
	if b.cfg.Settings.Run.Fresh == config.FreshOperator {
		return t.byHand(ctx, ask)
	}
	return "link", b.bounce(ctx)
}

// What is asked of the operator, how long is waited for it, and how often in a row in
// vain before nobody is asked any more.
const (
	plugWords      = "Unplug the device from its power and plug it in again."
	plugPatience   = 10 * time.Minute
	unansweredMost = 2
	plugLook       = 250 * time.Millisecond
)

// byHand asks the operator and waits for the signs of a fresh start.
func (t *trials) byHand(ctx context.Context, ask func(words string)) (string, error) {
	if t.unanswered >= unansweredMost {
		return "none", fmt.Errorf("%w: nobody unplugged the device when it was asked for before", plan.ErrImpossible)
	}
	before, err := t.starts(ctx)
	if err != nil {
		return "none", err
	}
	ask(plugWords)
	defer ask("")
	patience := cmp.Or(t.box.cfg.Patience, plugPatience)
	over := time.After(patience)
	looks := time.NewTicker(plugLook)
	defer looks.Stop()
	for {
		select {
		case <-looks.C:
		case <-over:
			t.unanswered++
			return "none", fmt.Errorf("%w: nobody unplugged the device within %s", plan.ErrImpossible, patience)
		case <-ctx.Done():
			return "none", context.Cause(ctx)
		}
		now, err := t.starts(ctx)
		if err != nil {
			return "none", err
		}
		if now > before {
			t.unanswered = 0
			return "operator", nil
		}
	}
}

// starts counts the signs of a fresh start that mean something in the present network.
func (t *trials) starts(ctx context.Context) (n int, err error) {
	var s desk.Starts
	if s, err = t.box.desk.Starts(ctx, t.mac); err != nil {
		return 0, err
	}
	t.box.mu.Lock()
	shape := t.box.services.shape
	t.box.mu.Unlock()
	n = s.Cable
	if shape.ipv4 {
		n += s.IPv4
	}
	if shape.ipv6 {
		n += s.IPv6
	}
	return n, nil
}

// down is how long the LAN port is taken down: longer than any device takes for a
// disturbance.
const down = 5 * time.Second

// bounce pulls the cable, as far as software can, and puts it in again.
func (b *Box) bounce(ctx context.Context) error {
	name := b.cfg.Settings.Ports.LAN
	if err := b.cfg.Kernel.SetLinkUp(name, false); err != nil {
		return err
	}
	select {
	case <-time.After(down):
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.cfg.Kernel.SetLinkUp(name, true); err != nil {
		return err
	}
	if err := b.lan.Renew(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return context.Cause(ctx)
}
