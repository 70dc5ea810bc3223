package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/gateway/netos"
	"assay/internal/gateway/ntp"
	"assay/internal/run/box"
	"assay/testbench/lab"
)

// startBox starts the gateway in this process's network, which is the lab's.
func startBox(ctx context.Context, _ *lab.Lab, o boxOptions) (running, error) {
	kernel, err := netos.New(netos.Options{})
	if err != nil {
		return running{}, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.Roots)
	cfg := box.Config{
		Settings: o.Config, Kernel: kernel, Book: o.Book, Version: o.Version, Plan: o.Plan, Publish: o.Publish, Beat: o.Beat,
		Roots: roots, Allow: internetNetworks(), Clock: labClock, Warn: o.Warn, Steps: o.Steps, Progress: o.Tell, Operator: o.Operator, Pace: o.Pace,
	}
	cfg.Consent, cfg.Reset = consent(o.Next, time.Now().Format(time.DateOnly)), o.Next.Reset
	if o.Power != nil {
		cfg.Power, cfg.Resting, cfg.Cable = o.Power.cycle, o.Power.resting, o.Power.cable
	}
	b, err := box.Start(ctx, cfg)
	if err != nil {
		kernel.Close()
		return running{}, fmt.Errorf("cannot start the gateway: %w", err)
	}
	return running{box: b, failed: b.Failed(), stop: func(ctx context.Context) error {
		err := b.Close(context.WithoutCancel(ctx)) // the network is put back even after an interruption
		kernel.Close()
		return err
	}}, nil
}

// internetNetworks are where the virtual internet's servers are: networks that are
// set aside for documentation (RFC 5737, RFC 3849), which no real device reaches.
func internetNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("2001:db8:53::/48"), netip.MustParsePrefix("2001:db8:cafe::/48"),
	}
}

// labClock is a clock that is right: the time of the lab is that of this machine,
// whatever set it.
func labClock() ntp.Clock {
	const stratum = 3 // as a box that is synchronised
	return ntp.Clock{Synchronised: true, Stratum: stratum, Reference: [4]byte{127, 0, 0, 1}, Updated: time.Now().Add(-time.Minute)}
}
