//go:build linux

package fault_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

// leakless fails a run that leaves goroutines behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

func TestMain(m *testing.M) { os.Exit(lab.Main(leakless{m})) }
