//go:build !linux

package main

// reentry has nothing to do where there are no namespaces.
func reentry() {}

// Run says what is needed.
func (*labCmd) Run(*console) error {
	return fail(exitMissing, "the lab needs Linux: run it on a Linux machine or in a virtual one")
}
