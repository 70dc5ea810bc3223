package main

import (
	"context"
	"time"

	"assay/internal/gateway/netos"
	"assay/internal/gateway/ntp"
	"assay/internal/run/box"
	"assay/testbench/lab"
)

// startBox starts the gateway as 'assay gateway' does, in the lab's network.
func startBox(ctx context.Context, _ *lab.Lab, o boxOptions) (func(context.Context) error, error) {
	kernel, err := netos.New(netos.Options{})
	if err != nil {
		return nil, err
	}
	b, err := box.Start(ctx, box.Config{
		Settings: o.Config, Kernel: kernel, Book: o.Book, Version: o.Version, Plan: o.Plan, Publish: o.Publish,
		Clock: labClock,
	})
	if err != nil {
		kernel.Close()
		return nil, err
	}
	return func(ctx context.Context) error {
		defer kernel.Close()
		return b.Close(ctx)
	}, nil
}

// labClock is right by definition: the lab's internet goes by the same clock.
func labClock() ntp.Clock {
	return ntp.Clock{Synchronised: true, Stratum: 2, Reference: [4]byte{127, 0, 0, 1}, Updated: time.Now().Add(-time.Minute)}
}
