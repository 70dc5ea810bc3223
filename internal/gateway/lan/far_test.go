package lan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFarAddressesComeAndGo: what is there for strangers is gone afterwards, also when
// the box was killed in between.
func TestFarAddressesComeAndGo(t *testing.T) {
	f := fake(t)
	bare := f.String()
	cfg := config(t)
	l, err := Up(t.Context(), f, cfg)
	must(t, err)
	before := f.String()
	must(t, l.Far(t.Context(), true))
	must(t, l.Check())
	for _, a := range []string{"203.0.113.254/32", "2001:db8:ffff:ffff::fe/128"} {
		if !strings.Contains(f.String(), a) {
			t.Errorf("%s is not there", a)
		}
	}
	must(t, l.Far(t.Context(), false))
	if diff := cmp.Diff(before, f.String()); diff != "" {
		t.Errorf("the LAN is not as it was:\n%s", diff)
	}
	must(t, l.Offer(t.Context(), N1))
	must(t, l.Far(t.Context(), true))
	if strings.Contains(f.String(), "2001:db8:ffff:ffff::fe") {
		t.Error("IPv6 on a network without it")
	}
	must(t, Restore(t.Context(), f, cfg.StateDir)) // as after a kill
	if diff := cmp.Diff(bare, f.String()); diff != "" {
		t.Errorf("the host is not as it was:\n%s", diff)
	}
}
