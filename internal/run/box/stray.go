//go:build linux

package box

import (
	"context"
	"fmt"
	"net/netip"

	"assay/internal/gateway/resolver/fault"
)

// canaries are the networks of the addresses in answers that do not belong to their
// question: one for measurements of routers (RFC 2544) and one that leads nowhere (RFC
// 6666). The firewall refuses both, so that what a device sends there ends in the box.
var canaries = []netip.Prefix{netip.MustParsePrefix("198.18.7.0/24"), netip.MustParsePrefix("100::/64")}

// openSender opens what sends answers that claim another sender; nil where the kernel
// does not let it, and then such answers are not tried.
func (t *trials) openSender() func(context.Context, fault.Packet) error {
	b := t.box
	err := b.cfg.Kernel.Do(func() (err error) {
		t.sender, err = fault.OpenSender(b.cfg.Settings.Ports.LAN)
		return err
	})
	if err != nil {
		t.sender = nil
		b.cfg.warn(fmt.Errorf("answers that claim another sender are not tried: %w", err))
		return nil
	}
	return t.sender.Send
}
