package main

import (
	"context"
	"os/signal"

	"golang.org/x/sys/unix"

	"assay/testbench/fleet"
)

// deviceCmd is one of the virtual devices of the demonstration, inside the lab.
type deviceCmd struct {
	Name string `arg:"" help:"Which of the virtual devices to be."`
}

// Run is the device until it is told to end.
func (d *deviceCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	if _, err := fleet.Find(d.Name); err != nil {
		return fail(exitUsage, "%w", err)
	}
	if err := fleet.Run(ctx, d.Name); err != nil {
		return fail(exitMissing, "%w", err)
	}
	return nil
}
