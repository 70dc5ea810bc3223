//go:build !linux

package main

// deviceCmd is one of the virtual devices of the demonstration, inside the lab.
type deviceCmd struct {
	Name string `arg:"" help:"Which of the virtual devices to be."`
}

// Run says what is needed.
func (*deviceCmd) Run() error {
	return fail(exitMissing, "the virtual devices need Linux")
}
