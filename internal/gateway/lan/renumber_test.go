package lan

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRenumber: the LAN moves through each private range but not into a network that is
// somebody else's, and is as it was in the end.
func TestRenumber(t *testing.T) {
	f := fake(t)
	l, err := Up(t.Context(), f, config(t))
	must(t, err)
	before := f.String()
	plans, err := l.Plans()
	must(t, err)
	var ranges []string
	for _, p := range plans {
		ranges = append(ranges, p.IPv4.String())
		must(t, l.Renumber(t.Context(), p))
		must(t, l.Check())
		a := l.Addresses()
		if home := netip.MustParsePrefix("192.168.177.1/24"); a.IPv4 != p.IPv4 || a.IPv4.Overlaps(home) || !a.NAT66 {
			t.Errorf("the addresses are %+v", a)
		}
		if sub := a.IPv6.Addr().As16(); sub[0] != 0xfd || uint16(sub[6])<<8|uint16(sub[7]) != p.Subnet {
			t.Errorf("the IPv6 network is %s, want subnet %x", a.IPv6, p.Subnet)
		}
	}
	// The uplink is in 192.168.77.0/24.
	if diff := cmp.Diff([]string{"10.83.17.1/24", "172.22.9.1/24", "192.168.211.1/24"}, ranges); diff != "" {
		t.Error(diff)
	}
	must(t, l.Renumber(t.Context(), AddressPlan{}))
	if diff := cmp.Diff(before, f.String()); diff != "" {
		t.Errorf("the LAN is not as it was:\n%s", diff)
	}
	must(t, l.Down(t.Context()))
}

func TestRenumberRefuses(t *testing.T) {
	f := fake(t)
	l, err := Up(t.Context(), f, config(t))
	must(t, err)
	for _, p := range []string{"192.168.77.9/24", "10.0.0.0/24", "fd00::1/64"} {
		if err := l.Renumber(t.Context(), AddressPlan{IPv4: netip.MustParsePrefix(p), Subnet: 2}); err == nil {
			t.Errorf("%s is taken", p)
		}
	}
	if err := l.Renumber(t.Context(), AddressPlan{Subnet: 2}); err == nil {
		t.Error("a plan without IPv4 is taken")
	}
	must(t, l.Down(t.Context()))
}
