package lan

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/gateway/netos"
)

func fake(t *testing.T) *netos.Fake {
	t.Helper()
	f := netos.NewFake(
		netos.Link{Name: "eth0", Up: true, Carrier: true, MAC: [6]byte{2, 0, 0, 0, 0, 1}},
		netos.Link{Name: "eth1", Carrier: true, MAC: [6]byte{2, 0, 0, 0, 0, 2}},
		netos.Link{Name: "eth2", Master: "br0"})
	f.Offer("net/bridge/bridge-nf-call-iptables", "1")
	must(t, f.AddAddress(netos.Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.168.77.20/24")}))
	must(t, f.AddRoute(netos.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.168.77.1"), Link: "eth0"}))
	return f
}

func config(t *testing.T) Config {
	return Config{LAN: "eth1", WAN: "eth0", StateDir: t.TempDir(), Rand: bytes.NewReader([]byte{1, 2, 3, 4, 5})}
}

// TestTheWholeRouter holds everything that is set up against a text; the uplink
// is in the first network of choice, so the LAN takes the second.
func TestTheWholeRouter(t *testing.T) {
	f := fake(t)
	before := f.String()
	l, err := Up(t.Context(), f, config(t))
	must(t, err)
	const golden = "testdata/router.txt"
	want, err := os.ReadFile(golden)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(f.String()), 0o644))
	} else {
		must(t, err)
		if diff := cmp.Diff(string(want), f.String()); diff != "" {
			t.Errorf("%s differs:\n%s", golden, diff)
		}
	}
	must(t, l.Down(t.Context()))
	must(t, l.Down(t.Context()))
	if diff := cmp.Diff(before, f.String()); diff != "" {
		t.Errorf("the host is not as it was:\n%s", diff)
	}
	if err := l.Offer(t.Context(), N1); err == nil {
		t.Error("a LAN that is down takes changes")
	}
}

func TestUpRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Config)
		says string
	}{
		"one link":           {func(c *Config) { c.WAN = "eth1" }, "name two links"},
		"no state":           {func(c *Config) { c.StateDir = "" }, "StateDir"},
		"no link":            {func(c *Config) { c.LAN = "eth9" }, "ip link"},
		"the uplink as LAN":  {func(c *Config) { c.LAN, c.WAN = "eth0", "eth1" }, "swap LAN and WAN"},
		"a bridge's port":    {func(c *Config) { c.LAN = "eth2" }, "name the bridge"},
		"a taken network":    {func(c *Config) { c.Network4 = netip.MustParsePrefix("192.168.0.1/16") }, "choose another network"},
		"no own address":     {func(c *Config) { c.Network4 = netip.MustParsePrefix("10.0.0.0/24") }, "192.168.77.1/24"},
		"too small a prefix": {func(c *Config) { c.Delegated = netip.MustParsePrefix("2001:db8::/65") }, "/64"},
	} {
		f, cfg := fake(t), config(t)
		before := f.String()
		c.edit(&cfg)
		if _, err := Up(t.Context(), f, cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.says)
		}
		if diff := cmp.Diff(before, f.String()); diff != "" {
			t.Errorf("%s changed the host:\n%s", name, diff)
		}
	}
}

// TestEveryFailureIsTakenBack lets each change in turn fail.
func TestEveryFailureIsTakenBack(t *testing.T) {
	failures := 0
	for n := 1; ; n++ {
		f, left := fake(t), n
		before := f.String()
		f.Fail = func(string) error {
			if left--; left == 0 {
				return os.ErrPermission
			}
			return nil
		}
		if _, err := Up(t.Context(), f, config(t)); err == nil {
			break
		}
		failures++
		if diff := cmp.Diff(before, f.String()); diff != "" {
			t.Fatalf("after failure %d the host is not as it was:\n%s", n, diff)
		}
	}
	if failures < 20 {
		t.Errorf("only %d changes could fail", failures)
	}
}

func TestCheckMissesWhatIsGone(t *testing.T) {
	f := fake(t)
	l, err := Up(t.Context(), f, config(t))
	must(t, err)
	must(t, l.Check())
	must(t, f.RemoveAddress(netos.Address{Link: "eth1", Prefix: l.Addresses().IPv4}))
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), "has lost its address") {
		t.Errorf("without its address: %v", err)
	}
	must(t, f.RemoveTable(tableName))
	must(t, f.AddAddress(netos.Address{Link: "eth1", Prefix: l.Addresses().IPv4}))
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), "somebody removed it") {
		t.Errorf("without its rules: %v", err)
	}
}
