//go:build !linux

package main

// Run says what is needed.
func (*demoCmd) Run(*console) error {
	return fail(exitMissing, "the demonstration needs Linux: run it on a Linux machine or in a virtual one; 'make samples' grades two captures everywhere")
}
