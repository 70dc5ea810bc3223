//go:build !linux

package main

import "testing"

// programs are what the scripts can run.
func programs() map[string]func() { return map[string]func(){"assay": main} }

func hasLab(*testing.T) bool { return false }
