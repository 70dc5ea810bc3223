//go:build linux

package lab

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// start builds a lab that is closed with the test, and a context that ends in time.
func start(t *testing.T, o Options) (context.Context, *Lab) {
	t.Helper()
	Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	l, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, l
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCablesCarryBothVersions(t *testing.T) {
	ctx, l := start(t, Options{})
	must(t,
		l.Device(0).Assign(DeviceLink, netip.MustParsePrefix("192.0.2.2/24")),
		l.Device(0).Assign(DeviceLink, netip.MustParsePrefix("2001:db8::2/64")),
		l.Gateway.Assign(LANLink, netip.MustParsePrefix("192.0.2.1/24")),
		l.Gateway.Assign(LANLink, netip.MustParsePrefix("2001:db8::1/64")))
	tests := []struct {
		name     string
		from, to *Site
		address  string
	}{
		{"device to gateway, v4", l.Device(0), l.Gateway, "192.0.2.1:7"},
		{"device to gateway, v6", l.Device(0), l.Gateway, "[2001:db8::1]:7"},
		{"gateway to internet, v4", l.Gateway, l.Internet, "198.51.100.1:7"},
		{"gateway to internet, v6", l.Gateway, l.Internet, "[2001:db8:100::1]:7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { greet(ctx, t, tt.from, tt.to, tt.address) })
	}
}

// greet sends a word over a connection between two sites.
func greet(ctx context.Context, t *testing.T, from, to *Site, address string) {
	t.Helper()
	server, err := to.Listen(ctx, "tcp", address)
	must(t, err)
	defer server.Close()
	said := make(chan error, 1)
	go func() {
		c, err := server.Accept()
		if err == nil {
			_, err = io.WriteString(c, "hello")
			c.Close()
		}
		said <- err
	}()
	c, err := from.Dial(ctx, "tcp", address)
	must(t, err)
	defer c.Close()
	heard, err := io.ReadAll(c)
	must(t, err, <-said)
	if string(heard) != "hello" {
		t.Errorf("heard %q", heard)
	}
}

func TestPullingTheCableChangesNoSettings(t *testing.T) {
	tests := []struct {
		name                   string
		options                Options
		gatewayKeepsItsCarrier bool
	}{
		{"direct cable", Options{}, false},
		{"one device on a switch", Options{Switch: true}, true},
		{"several devices", Options{Devices: 3}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, l := start(t, tt.options)
			must(t, l.Device(0).Assign(DeviceLink, netip.MustParsePrefix("192.0.2.2/24")), l.Gateway.Assign(LANLink, netip.MustParsePrefix("192.0.2.1/24")))
			waitFor(ctx, t, "a carrier", func() bool { return carrier(t, l.Device(0), DeviceLink) && carrier(t, l.Gateway, LANLink) })
			must(t, l.Unplug(0))
			waitFor(ctx, t, "a lost carrier", func() bool { return !carrier(t, l.Device(0), DeviceLink) })
			waitFor(ctx, t, "the gateway's view", func() bool { return carrier(t, l.Gateway, LANLink) == tt.gatewayKeepsItsCarrier })
			must(t, l.Plug(0))
			waitFor(ctx, t, "a carrier", func() bool { return carrier(t, l.Device(0), DeviceLink) && carrier(t, l.Gateway, LANLink) })
			greet(ctx, t, l.Device(0), l.Gateway, "192.0.2.1:7")
		})
	}
}

func TestUplinkGoesAndComes(t *testing.T) {
	ctx, l := start(t, Options{})
	before := Snapshot(l.Gateway)
	must(t, l.Uplink(false))
	waitFor(ctx, t, "a lost carrier", func() bool { return !carrier(t, l.Gateway, WANLink) && !carrier(t, l.Internet, InternetLink) })
	must(t, l.Uplink(true))
	waitFor(ctx, t, "the state before", func() bool { return Snapshot(l.Gateway) == before })
	greet(ctx, t, l.Gateway, l.Internet, "198.51.100.1:7")
}

// carrier reads what the kernel tells the site of its cable.
func carrier(t *testing.T, s *Site, link string) bool {
	t.Helper()
	l, err := s.link(link)
	must(t, err)
	return l.Attrs().OperState == netlink.OperUp
}

func waitFor(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestDeviceTakesAnotherMAC(t *testing.T) {
	first, second := net.HardwareAddr{2, 0, 0, 0, 0, 9}, net.HardwareAddr{2, 0, 0, 0, 0, 10}
	_, l := start(t, Options{MACs: []net.HardwareAddr{first}})
	for _, up := range []bool{false, true} {
		must(t, l.Device(0).set(DeviceLink, up), l.SetMAC(0, first))
		must(t, l.SetMAC(0, second))
		link, err := l.Device(0).link(DeviceLink)
		must(t, err)
		if got := link.Attrs(); got.HardwareAddr.String() != second.String() || (got.Flags&net.FlagUp != 0) != up {
			t.Errorf("the link that was up=%t is %v with %s", up, got.Flags, got.HardwareAddr)
		}
	}
}

// TestEveryLinkIsACable: between two namespaces of the lab, or a loopback or switch.
func TestEveryLinkIsACable(t *testing.T) {
	_, l := start(t, Options{Devices: 2})
	outer, err := netlink.LinkList()
	must(t, err)
	if len(outer) != 1 || outer[0].Attrs().Name != "lo" {
		t.Errorf("the namespace of the tests has the links %v", outer)
	}
	kinds := map[string]int{}
	for _, s := range l.sites() {
		links, err := s.routes.LinkList()
		must(t, err)
		for _, link := range links {
			kinds[link.Type()]++
		}
	}
	// Two devices, lan0, wan0 and net0, each with its other end here; two switches;
	// the loopbacks of five namespaces.
	if want := map[string]int{"veth": 2 * 5, "bridge": 2, "device": 5}; !maps.Equal(kinds, want) {
		t.Errorf("there are the links %v, want %v", kinds, want)
	}
}

// TestNothingLeadsOut: there is no default route but the gateway's to the internet,
// and that one ends there.
func TestNothingLeadsOut(t *testing.T) {
	ctx, l := start(t, Options{Devices: 2})
	for _, s := range append(l.Devices, l.Internet, l.wires) {
		if got := Snapshot(s); strings.Contains(got, "\n0.0.0.0/0 ") || strings.Contains(got, "\n::/0 ") {
			t.Errorf("%s has a default route", s.Name)
		}
	}
	for _, s := range append(l.Devices, l.Internet, l.Gateway) {
		for _, address := range []string{"8.8.8.8:53", "[2001:4860:4860::8888]:53", "192.0.2.77:80"} {
			if c, err := s.Dial(ctx, "tcp", address); err == nil {
				c.Close()
				t.Errorf("%s reached %s", s.Name, address)
			}
		}
	}
}

func TestInternetAnswersAtItsAddresses(t *testing.T) {
	ctx, l := start(t, Options{})
	host := l.Internet.Host("lo")
	must(t, host.Assign(netip.MustParsePrefix("8.8.8.8/32")), host.Assign(netip.MustParsePrefix("2001:4860:4860::8888/128")))
	greet(ctx, t, l.Gateway, l.Internet, "8.8.8.8:53")
	greet(ctx, t, l.Gateway, l.Internet, "[2001:4860:4860::8888]:53")
}

func TestDelegatedPrefixComesBack(t *testing.T) {
	ctx, l := start(t, Options{})
	must(t, l.Delegate(netip.MustParsePrefix("2001:db8:200::/56")), l.Gateway.Assign("lo", netip.MustParsePrefix("2001:db8:200::1/128")))
	greet(ctx, t, l.Internet, l.Gateway, "[2001:db8:200::1]:7")
}

// TestGatewayHere: what the process does by itself happens at the gateway, and
// afterwards its namespace is as bare as before.
func TestGatewayHere(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			ctx, l := start(t, Options{GatewayHere: true})
			address := "198.51.100.1:7"
			server, err := l.Internet.Listen(ctx, "tcp", address)
			must(t, err)
			defer server.Close()
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			must(t, err)
			c.Close()
			if _, err := New(ctx, Options{GatewayHere: true}); err == nil || !strings.Contains(err.Error(), "another lab") {
				t.Errorf("a second one: %v", err)
			}
			greet(ctx, t, l.Gateway, l.Internet, "198.51.100.1:8")
			out, err := l.Gateway.Command(ctx, "sh", "-c", "ip -o link | wc -l; cat /etc/resolv.conf").Output()
			if err != nil || string(out) != "3\n" {
				t.Errorf("a program at the gateway saw %q, %v", out, err)
			}
			must(t, l.Close())
			links, err := netlink.LinkList()
			if err != nil || len(links) != 1 {
				t.Errorf("links left: %v, %v", links, err)
			}
		})
	}
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	Need(t)
	mac := docMAC(1)
	for _, o := range []Options{{Devices: -1}, {Devices: maxDevices + 1}, {MACs: []net.HardwareAddr{mac, mac}}} {
		if l, err := New(t.Context(), o); err == nil {
			l.Close()
			t.Errorf("%+v was built", o)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(gone, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestDialWantsAnAddress(t *testing.T) {
	ctx, l := start(t, Options{})
	if _, err := l.Device(0).Dial(ctx, "tcp", "localhost:80"); err == nil || !strings.Contains(err.Error(), "give an IP address") {
		t.Errorf("a name: %v", err)
	}
}
