//go:build !linux

package main

import "assay/internal/run/config"

func (*gatewayCmd) box(*console, config.Config) error {
	return fail(exitMissing, "the gateway needs Linux; 'assay grade' works here")
}

func (*doctorCmd) examine(*console, config.Config) error {
	return fail(exitMissing, "only a Linux machine can be a box; 'assay grade' works here")
}
