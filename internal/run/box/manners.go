//go:build linux

package box

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"assay/internal/gateway/manners"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// mannersTrial tries how the device behaves on IPv6.
type mannersTrial struct{ t *trials }

func (e mannersTrial) Run(ctx context.Context, d trial.Device, _ plan.Step, turn plan.Turn) error {
	b := e.t.box
	if err := turn.Fresh(ctx); err != nil {
		return fmt.Errorf("the device could not be made to start afresh: %w", err)
	}
	err := manners.Run(ctx, manners.Config{
		Open: func() (p manners.Port, err error) {
			err = b.cfg.Kernel.Do(func() (err error) {
				p, err = manners.OpenPort(b.cfg.Settings.Ports.LAN)
				return err
			})
			return p, err
		},
		Device: func(ctx context.Context) ([]netip.Addr, error) {
			seen, err := d.Seen(ctx)
			return seen.Addresses, err
		},
		From: b.towards, Prefix: e.prefix(), Note: b.note,
		Tell: func(words string) { turn.Tell(0, 0, words) },
	})
	if errors.Is(err, manners.ErrNoIPv6) {
		return fmt.Errorf("%w: %w", plan.ErrImpossible, err)
	}
	return err
}

// prefix is a unique local network of this run alone (RFC 4193 section 3.2).
func (e mannersTrial) prefix() netip.Prefix {
	a := [16]byte{0xfd}
	binary.BigEndian.PutUint64(a[1:], e.t.seed)
	return netip.PrefixFrom(netip.AddrFrom16(a), 64).Masked()
}
