//go:build linux

package box

import (
	"context"
	"net/netip"

	"assay/internal/assess/fact"
	"assay/internal/gateway/lookup"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// lookupTrial is the questions about the names that the device used.
type lookupTrial struct{ t *trials }

func (e lookupTrial) Run(ctx context.Context, _ trial.Device, _ plan.Step, _ plan.Turn) error {
	b := e.t.box
	snap, err := b.desk.Grade(ctx, e.t.mac)
	if err != nil {
		return err
	}
	set, own := b.cfg.Settings.Lookups, b.lan.Addresses()
	looker, err := lookup.New(lookup.Config{
		Ask: lookup.Resolve(b.resolver.Lookup), Dial: b.dial, Roots: b.cfg.Roots, Servers: set.Servers,
		Forbidden: []netip.Prefix{own.IPv4.Masked(), own.IPv6.Masked()},
		HasIPv6:   func() bool { return ipv6(b.uplink.State()) },
		VRPs:      set.VRPs, RTR: set.RTR, Routes: set.Routes, Note: b.note,
	})
	if err != nil {
		return err
	}
	return looker.Run(ctx, subjects(snap.Used))
}

// subjects are the names and ends that the device used.
func subjects(used []fact.Used) lookup.Subjects {
	var out lookup.Subjects
	for _, u := range used {
		n := lookup.Name{Name: u.Name}
		for _, e := range u.Ends {
			n.Ends = append(n.Ends, lookup.End(e))
		}
		out.Names = append(out.Names, n)
	}
	return out
}
