package main

import (
	"os"
	"testing"
)

// TestNobodyReadsTheNullDevice: what is thrown away is no terminal, though both are
// character devices; a demonstration would wait there for somebody to end it.
func TestNobodyReadsTheNullDevice(t *testing.T) {
	t.Setenv("TERM", "xterm")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }() // nothing was written
	if isTerminal(null) {
		t.Error("the null device is taken for a terminal")
	}
}
