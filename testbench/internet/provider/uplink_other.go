//go:build !linux

package provider

import (
	"context"
	"errors"

	"assay/testbench/internet/serve"
)

// Offer needs Linux.
func (u Uplink) Offer(context.Context, *serve.Group) error {
	return errors.New("cannot offer an uplink: the lab runs on Linux only")
}
