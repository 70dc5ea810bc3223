package uplink

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(leakless{m})) }

// leakless finds goroutines that outlive the tests, inside the lab or outside.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if code == 0 && lab.Inside() {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
	}
	return code
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
