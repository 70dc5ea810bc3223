//go:build linux

package box

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/lan"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// smallMTU is told with every other address plan.
const smallMTU = 1400

// renumberTrial moves the device through other addresses.
type renumberTrial struct{ t *trials }

func (e renumberTrial) Run(ctx context.Context, d trial.Device, s plan.Step, turn plan.Turn) error {
	b := e.t.box
	plans, err := b.lan.Plans()
	if err != nil {
		return err
	}
	if len(plans) == 0 {
		return fmt.Errorf("%w: every private range is taken by the box's other links", plan.ErrImpossible)
	}
	var now *event.RenumberNote // the plan that is offered; nil at home
	tell := func(phase event.Phase, fresh string) {
		if now != nil {
			n := *now
			n.Phase, n.Fresh = phase, fresh
			b.noteRenumber(n)
		}
	}
	return trial.Renumber{
		Plans: len(plans),
		Change: func(ctx context.Context, n int) (p trial.AddressPlan, err error) {
			tell(event.Ended, "")
			now = nil
			p = trial.AddressPlan{IPv4: plans[n].IPv4, MTU: smallMTU * (n % 2)}
			if p.IPv6, err = b.renumber(ctx, plans[n], p.MTU); err != nil {
				return p, err
			}
			now = &event.RenumberNote{IPv4: p.IPv4, IPv6: p.IPv6, MTU: p.MTU}
			tell(event.Begun, "")
			return p, nil
		},
		Home: func(ctx context.Context) error {
			tell(event.Ended, "")
			now = nil
			_, err := b.renumber(ctx, lan.AddressPlan{}, 0)
			return err
		},
		Cable: b.cable,
		Told:  func(how string) { tell("", how) },
	}.Run(ctx, d, s, turn)
}

// cable pulls the device's cable.
func (b *Box) cable(ctx context.Context) error {
	if b.cfg.Cable != nil {
		return b.cfg.Cable(ctx)
	}
	return b.bounce(ctx)
}

func (b *Box) noteRenumber(n event.RenumberNote) {
	n.IPv4, n.IPv6 = n.IPv4.Masked(), n.IPv6.Masked()
	if body, err := json.Marshal(n); err == nil { // it has nothing that cannot be written
		b.note(evidence.Note{Kind: event.NoteRenumber, Body: body})
	}
}

// renumber gives the LAN other addresses, or the usual ones by the zero plan. Leases of
// the former ones end, and what was advertised of them is taken back.
func (b *Box) renumber(ctx context.Context, p lan.AddressPlan, mtu int) (network6 netip.Prefix, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.lan.Renumber(ctx, p); err != nil {
		return network6, err
	}
	b.services.v4.Forget()
	b.services.v6.Forget()
	b.services.shape.mtu = mtu
	a := b.lan.Addresses()
	if b.lan.Offered().IPv6() {
		network6 = a.IPv6
	}
	return network6, b.services.follow(a)
}
