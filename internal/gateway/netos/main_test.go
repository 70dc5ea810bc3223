package netos

import (
	"os"
	"testing"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// site builds a lab and opens the kernel of its gateway and of its device.
func site(t *testing.T) (gateway, device *lab.Site, k *Real) {
	t.Helper()
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{BareUplink: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Gateway, l.Device(0), open(t, l.Gateway)
}

func open(t *testing.T, s *lab.Site) *Real {
	t.Helper()
	k, err := New(Options{Do: s.Do})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}
