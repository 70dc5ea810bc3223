package lan

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

// world is a lab with the LAN up, a device with addresses and servers that say
// who came.
type world struct {
	*testing.T
	lab   *lab.Lab
	lan   *LAN
	k     *netos.Real
	notes []evidence.Note
}

const (
	patience     = 2 * time.Second  // for what must fail by itself
	longPatience = 20 * time.Second // for what must work, on a busy machine too
)

func newWorld(t *testing.T, limits Limits) *world {
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	k, err := netos.New(netos.Options{Do: l.Gateway.Do})
	must(t, err)
	t.Cleanup(k.Close)
	w := &world{T: t, lab: l, k: k}
	cfg := Config{LAN: lab.LANLink, WAN: lab.WANLink, StateDir: t.TempDir(), Limits: limits}
	cfg.Note = func(n evidence.Note) { w.notes = append(w.notes, n) }
	w.lan, err = Up(t.Context(), k, cfg)
	must(t, err)
	w.address("192.168.77.50/24", "0.0.0.0/0", "192.168.77.1")
	w.join6()
	return w
}

func (w *world) address(own, to, via string) {
	w.Helper()
	d := w.lab.Device(0)
	must(w.T, d.Assign(lab.DeviceLink, netip.MustParsePrefix(own)))
	must(w.T, d.Route(netip.MustParsePrefix(to), netip.MustParseAddr(via)))
}

// join6 gives the device an address in the box's IPv6 network.
func (w *world) join6() netip.Addr {
	w.Helper()
	box := w.lan.Addresses().IPv6
	b := box.Addr().As16()
	b[15] = 0x50
	own := netip.AddrFrom16(b)
	must(w.T, w.lab.Device(0).Assign(lab.DeviceLink, netip.PrefixFrom(own, 64)))
	must(w.T, w.lab.Device(0).Route(netip.MustParsePrefix("::/0"), box.Addr()))
	return own
}

// server answers each connection with the address it came from.
func (w *world) server(s *lab.Site, link, address string) {
	w.Helper()
	at := netip.MustParseAddrPort(address)
	if link != "" {
		must(w.T, s.Assign(link, netip.PrefixFrom(at.Addr(), at.Addr().BitLen())))
	}
	l, err := s.Listen(w.Context(), "tcp", address)
	must(w.T, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().String()))
			_ = c.Close()
		}
	}()
	w.Cleanup(func() { _ = l.Close(); <-done })
}

// reach is what the server there says, "" when the device does not get there.
func (w *world) reach(address string) string {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	c, err := w.lab.Device(0).Dial(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 64)
	n, _ := c.Read(b)
	return string(b[:n])
}

func (w *world) want(address, from string) {
	w.Helper()
	got := w.reach(address)
	for end := time.Now().Add(longPatience); got == "" && from != "" && time.Now().Before(end); {
		got = w.reach(address)
	}
	if got != from {
		w.Errorf("%s sees the device as %q, want %q", address, got, from)
	}
}

// works says whether an address can be reached; what must be is given more time
// than what must not.
func (w *world) works(address string, must bool) bool {
	w.Helper()
	ok := w.reach(address) != ""
	for end := time.Now().Add(longPatience); must && !ok && time.Now().Before(end); {
		ok = w.reach(address) != ""
	}
	return ok
}

func (w *world) counts() Counts {
	w.Helper()
	c, err := w.lan.Counts()
	must(w.T, err)
	return c
}

func TestDeviceReachesTheInternetAndNothingElse(t *testing.T) {
	w := newWorld(t, Limits{})
	w.server(w.lab.Internet, lab.InternetLink, "8.8.8.8:80")
	w.server(w.lab.Internet, lab.InternetLink, "[2001:4860:4860::8888]:80")
	w.server(w.lab.Internet, lab.InternetLink, "192.168.1.1:80")
	w.server(w.lab.Internet, lab.InternetLink, "[fd00:aaaa::1]:80")
	w.server(w.lab.Internet, "", "198.51.100.1:80")
	w.server(w.lab.Gateway, "", "0.0.0.0:22")
	w.server(w.lab.Gateway, "", "192.168.77.1:53")
	must(t, w.lab.Internet.Route(netip.MustParsePrefix("192.168.77.0/24"), netip.MustParseAddr("198.51.100.2")))
	w.want("8.8.8.8:80", "198.51.100.2")
	w.want("[2001:4860:4860::8888]:80", "2001:db8:100::2")
	w.want("192.168.77.1:53", "192.168.77.50")
	for _, refused := range []string{"192.168.1.1:80", "[fd00:aaaa::1]:80", "198.51.100.1:80", "192.168.77.1:22", "198.51.100.2:22"} {
		w.want(refused, "")
	}
	if c := w.counts(); c.Private < 3 || c.Input < 2 || c.Spoofed != 0 || c.Invalid != 0 || c.New != 0 {
		t.Errorf("counts %+v", c)
	}
	tried, err := w.lan.Tried()
	must(t, err)
	for _, a := range []string{"192.168.1.1", "198.51.100.1", "fd00:aaaa::1"} {
		if !slices.Contains(tried, netip.MustParseAddr(a)) {
			t.Errorf("%s is not among those that were tried: %v", a, tried)
		}
	}
	must(t, w.lan.Check())
}

func TestNobodyReachesTheDevice(t *testing.T) {
	w := newWorld(t, Limits{})
	w.server(w.lab.Device(0), "", "192.168.77.50:80")
	must(t, w.lab.Internet.Route(netip.MustParsePrefix("192.168.77.0/24"), netip.MustParseAddr("198.51.100.2")))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c, err := w.lab.Internet.Dial(ctx, "tcp", "192.168.77.50:80"); err == nil {
		_ = c.Close()
		t.Error("the internet reaches the device")
	}
	if c := w.counts(); c.Inbound == 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestSpoofedSourcesStay(t *testing.T) {
	w := newWorld(t, Limits{})
	w.server(w.lab.Gateway, "", "192.168.77.1:53")
	w.want("192.168.77.1:53", "192.168.77.50") // now the device knows the box's MAC
	must(t, w.lab.Device(0).Assign(lab.DeviceLink, netip.MustParsePrefix("203.0.113.9/32")))
	c, err := w.lab.Device(0).ListenPacket(t.Context(), "udp", "203.0.113.9:0")
	must(t, err)
	defer c.Close()
	_, err = c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 53})
	must(t, err)
	if got := w.eventually(func(c Counts) bool { return c.Spoofed > 0 }); got.Spoofed == 0 {
		t.Errorf("counts %+v", got)
	}
}

// eventually gives the counts as soon as they are as wanted, or after a while.
func (w *world) eventually(ok func(Counts) bool) Counts {
	w.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if c := w.counts(); ok(c) {
			return c
		}
	}
	return w.counts()
}

func TestDelegatedPrefixIsRouted(t *testing.T) {
	w := newWorld(t, Limits{})
	w.server(w.lab.Internet, lab.InternetLink, "[2001:4860:4860::8888]:80")
	prefix := netip.MustParsePrefix("2001:db8:77::/56")
	must(t, w.lab.Delegate(prefix))
	must(t, w.lan.SetDelegated(t.Context(), prefix))
	own := w.join6()
	if a := w.lan.Addresses(); a.NAT66 || a.IPv6.String() != "2001:db8:77::1/64" {
		t.Errorf("addresses %+v", a)
	}
	w.want("[2001:4860:4860::8888]:80", own.String())
}

func TestRedirectedConnections(t *testing.T) {
	w := newWorld(t, Limits{})
	w.server(w.lab.Internet, lab.InternetLink, "8.8.8.8:443")
	w.server(w.lab.Gateway, "", "[::]:8443")
	w.want("8.8.8.8:443", "198.51.100.2")
	must(t, w.lan.Redirect(t.Context(), Redirection{Protocol: netos.TCP, Port: 443, Local: 8443}))
	w.want("8.8.8.8:443", "192.168.77.50")
	w.want("192.168.1.1:443", "192.168.77.50")
	w.want("192.168.77.1:8443", "")
	must(t, w.lan.Redirect(t.Context()))
	w.want("8.8.8.8:443", "198.51.100.2")
}

func TestOfferedNetworks(t *testing.T) {
	w := newWorld(t, Limits{})
	const four, six = "8.8.8.8:80", "[2001:4860:4860::8888]:80"
	w.server(w.lab.Internet, lab.InternetLink, four)
	w.server(w.lab.Internet, lab.InternetLink, six)
	for _, n := range []Network{N1, N2, N3, N2} {
		must(t, w.lan.Offer(t.Context(), n))
		must(t, w.lan.Check())
		if got := w.works(four, n.IPv4()); got != n.IPv4() {
			t.Errorf("%s: IPv4 works: %v", n, got)
		}
		if got := w.works(six, n.IPv6()); got != n.IPv6() {
			t.Errorf("%s: IPv6 works: %v", n, got)
		}
	}
	var last networkNote
	must(t, json.Unmarshal(w.notes[3].Body, &last))
	if last.Offered != "N3" || last.IPv4.IsValid() || !last.IPv6.IsValid() || last.What != "changed" {
		t.Errorf("note %s", w.notes[3].Body)
	}
}

func TestNewConnectionsAreLimited(t *testing.T) {
	w := newWorld(t, Limits{NewEach: netos.Limit{Rate: 1, PerMinute: true, Burst: 3}})
	w.server(w.lab.Internet, lab.InternetLink, "8.8.8.8:80")
	for range 3 {
		w.want("8.8.8.8:80", "198.51.100.2")
	}
	w.want("8.8.8.8:80", "")
	if c := w.counts(); c.New == 0 {
		t.Errorf("counts %+v", c)
	}
}
