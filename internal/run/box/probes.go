//go:build linux

package box

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"assay/internal/gateway/probe"
	"assay/internal/gateway/probe/login"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// probeTrial is the questions to the device itself.
type probeTrial struct{ t *trials }

func (e probeTrial) Run(ctx context.Context, _ trial.Device, s plan.Step, turn plan.Turn) (err error) {
	b := e.t.box
	secrets := func(line string) { b.desk.Secrets(e.t.mac, line) }
	if err := b.lan.Far(ctx, true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.lan.Far(context.WithoutCancel(ctx), false)) }()
	prober, err := probe.New(probe.Config{
		Interface: b.cfg.Settings.Ports.LAN, Do: b.cfg.Kernel.Do, Device: e.device, From: b.towards, Far: b.far, Note: b.note,
		Secrets: secrets, Clients: login.Clients(secrets),
		Consent: e.t.told.Consent, Reset: e.t.told.Reset, Pairs: b.pairs(), All: s.Ports == "all", Pace: b.cfg.Pace, Tell: turn.Tell,
	})
	if err != nil {
		return err
	}
	err = prober.Run(ctx)
	if errors.Is(err, probe.ErrForbidden) {
		return fmt.Errorf("%w: %w", plan.ErrImpossible, err)
	}
	return err
}

// device is what the rules of caution need to know at each moment.
func (e probeTrial) device(ctx context.Context) (d probe.Device, err error) {
	b := e.t.box
	h, err := b.desk.Device(ctx, e.t.mac)
	if err != nil {
		return d, err
	}
	others, err := b.desk.Others(ctx, e.t.mac)
	d = probe.Device{Addresses: h.Addresses, Others: len(others), Words: append([]string{h.VendorClass, e.t.told.Run.Label}, h.Names...)}
	return d, err
}

// towards is the box's own address on the LAN port towards another, and whether that is
// on the link.
func (b *Box) towards(to netip.Addr) (from netip.Addr, onLink bool) {
	own := b.lan.Addresses()
	switch plain := to.WithZone(""); {
	case own.IPv4.Contains(plain):
		return own.IPv4.Addr(), true
	case plain.Is6() && plain.IsLinkLocalUnicast():
		return own.LinkLocal.WithZone(b.cfg.Settings.Ports.LAN), true
	case own.IPv6.Contains(plain):
		return own.IPv6.Addr(), true
	}
	return from, false
}

// far is the box's address outside of the device's network, of the version of another.
func (b *Box) far(to netip.Addr) netip.Addr {
	own := b.lan.Addresses()
	if to.Is4() {
		return own.Far4.Addr()
	}
	if to.IsLinkLocalUnicast() {
		return netip.Addr{} // nobody is outside of a link
	}
	return own.Far6.Addr()
}

// pairs are the well-known factory passwords of the book.
func (b *Box) pairs() (out []probe.Pair) {
	for _, c := range b.cfg.Book.Credentials {
		out = append(out, probe.Pair{Vendor: c.Vendor, Service: c.Service, User: c.User, Secret: c.Secret})
	}
	return out
}
