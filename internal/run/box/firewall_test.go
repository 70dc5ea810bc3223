//go:build linux

package box

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/testbench/lab"
)

// target is an address that answers TCP, and whether a device may know.
type target struct {
	what, address string
	reach         bool
}

// TestFirewallFromTheDevice: a server waits at every address, so that it is the
// firewall that refuses, and each is reached by somebody who may.
func TestFirewallFromTheDevice(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.start()
	w.do(0, lease)
	w.until("the device has an address of the delegated prefix", func() bool {
		own := w.box.Addresses()
		prefix := strings.TrimSuffix(own.IPv6.Masked().Addr().String(), ":")
		return !own.NAT66 && strings.Contains(w.do(0, "ip -6 addr show dev eth0 scope global -tentative"), " "+prefix)
	})
	uplink, outside := w.lab.Gateway, w.lab.Internet
	for _, a := range []string{"10.9.9.9/32", "172.20.1.1/32", "192.168.200.1/32", "100.64.3.3/32", "203.0.113.222/32", "2001:db8:cafe::9999/128"} {
		must(t, outside.Assign("lo", netip.MustParsePrefix(a)))
	}
	own6 := net.JoinHostPort(w.box.Addresses().IPv6.Addr().String(), "8080")
	list := []target{
		{"the internet", "203.0.113.222:8443", true},
		{"the internet over IPv6", "[2001:db8:cafe::9999]:8443", true},
		{"the uplink's own network", "198.51.100.1:8443", false},
		{"the uplink's own network over IPv6", "[2001:db8:100::1]:8443", false},
		{"10.0.0.0/8", "10.9.9.9:8443", false},
		{"172.16.0.0/12", "172.20.1.1:8443", false},
		{"192.168.0.0/16", "192.168.200.1:8443", false},
		{"100.64.0.0/10", "100.64.3.3:8443", false},
		{"ssh of the box", "192.168.77.1:22", false},
		{"the page of the box", "192.168.77.1:8080", false},
		{"the page of the box over IPv6", own6, false},
		{"the box's address on the uplink", uplinkAddress(t, w) + ":8080", false},
		{"DNS of the box", "192.168.77.1:53", true},
	}
	for _, x := range list[:8] {
		serve(t, outside, x.address)
	}
	for _, a := range []string{"[::]:22", "[::]:8080"} {
		serve(t, uplink, a)
	}
	var asking sync.WaitGroup
	for _, x := range list {
		asking.Go(func() { ask(t, w, x) })
	}
	asking.Wait()
	w.do(0, "dig +tries=1 +time=5 @192.168.77.1 www.hub.example | grep -q NOERROR\n"+lease+visit)
	if c, err := w.box.lan.Counts(); err != nil || c.Private < 6 || c.Input < 4 {
		t.Errorf("the counts of what was refused are %+v, %v", c, err)
	}
}

// ask tries a target from the gateway, which reaches all of them, and from the
// device.
func ask(t *testing.T, w *world, x target) {
	const limit = 800 * time.Millisecond
	dial := func(s *lab.Site) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		c, err := s.Dial(ctx, "tcp", x.address)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if err := dial(w.lab.Gateway); err != nil {
		t.Errorf("nobody answers at %s (%s): %v", x.what, x.address, err)
	}
	if err := dial(w.lab.Device(0)); (err == nil) != x.reach {
		t.Errorf("the device reaches %s (%s): %v, want %v: %v", x.what, x.address, err == nil, x.reach, err)
	}
}

// serve accepts connections until the end of the test.
func serve(t *testing.T, s *lab.Site, address string) {
	t.Helper()
	l, err := s.Listen(t.Context(), "tcp", address)
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
}

func uplinkAddress(t *testing.T, w *world) string {
	t.Helper()
	list, err := w.kernel.Addresses(lab.WANLink)
	must(t, err)
	for _, a := range list {
		if a.Prefix.Addr().Is4() {
			return a.Prefix.Addr().String()
		}
	}
	t.Fatal("the uplink has no address")
	return ""
}
