//go:build linux

package box

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

// offers is a world with a box, and the patience to wait for a device's address.
func offers(t *testing.T) *world {
	t.Helper()
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		t.Skipf("no TUN device: %v", err)
	} else {
		_ = f.Close()
	}
	w := newWorld(t, lab.Options{Switch: true})
	for _, p := range []string{"rdisc6", "ping"} {
		lab.NeedProgram(t, p)
	}
	w.start()
	return w
}

func (w *world) offer(network string) {
	w.t.Helper()
	must(w.t, w.box.Offer(w.t.Context(), network))
}

// fresh makes the device forget all it knew of a network.
func (w *world) fresh() {
	w.t.Helper()
	w.do(0, `ip addr flush dev eth0 scope global; ip -6 route flush dev eth0 proto ra || true
ip link set eth0 down; ip link set eth0 up; : > /etc/resolv.conf`)
	w.until("the device has a link-local address", func() bool {
		return strings.Contains(w.do(0, "ip -6 addr show dev eth0 scope link -tentative"), "inet6")
	})
}

// join6 waits for an address by SLAAC and takes the box as resolver.
func (w *world) join6() {
	w.t.Helper()
	w.until("the device has an IPv6 address", func() bool {
		return strings.Contains(w.do(0, "ip -6 addr show dev eth0 scope global -tentative"), "inet6") &&
			strings.Contains(w.do(0, "ip -6 route"), "default")
	})
	w.do(0, "echo nameserver "+w.box.Addresses().IPv6.Addr().String()+" > /etc/resolv.conf")
}

// TestNetworkWithoutIPv4 uses the NAT64 with programs that know nothing of it.
func TestNetworkWithoutIPv4(t *testing.T) {
	w := offers(t)
	w.offer("N3")
	w.fresh()
	w.join6()
	for _, c := range []struct{ what, script, want string }{
		{"an address is made for a signed name", "dig +short AAAA v4only.hub.example", "64:ff9b::"},
		{"and one for a name that is not signed", "dig +short AAAA www.toy.legacy", "64:ff9b::"},
		{"a name with IPv6 keeps it", "dig +short AAAA www.cam.example", "2001:db8:"},
		{"the prefix is found by name", "dig +short AAAA ipv4only.arpa", "64:ff9b::c000:aa"},
		{"the address leads back to a name", "dig +short -x 64:ff9b::8.8.8.8", "dns.google."},
		{"TCP", "curl -6 -sSf -m 15 -o /dev/null -w '%{remote_ip} %{http_code}' https://www.toy.legacy/", "64:ff9b::"},
		{"a large transfer", "curl -6 -sSf -m 20 -o /dev/null -w '%{size_download} ' http://www.toy.legacy/firmware/2.4.1.bin", "65536 "},
		{"a ping", "ping -6 -c 2 -W 5 -q 64:ff9b::8.8.8.8", " 0% packet loss"},
		{"a large ping, in fragments", "ping -6 -c 2 -W 5 -q -s 3000 64:ff9b::8.8.8.8", " 0% packet loss"},
		{"UDP", "dig +tries=2 +time=5 @64:ff9b::8.8.8.8 www.cam.example", "NOERROR"},
		{"TCP to a resolver", "dig +tcp +tries=2 +time=5 @64:ff9b::8.8.8.8 www.cam.example", "NOERROR"},
		{"a closed port is told", "curl -6 -sS -m 8 'http://[64:ff9b::8.8.8.8]:81/' 2>&1 || true", "curl: (7)"},
		{"a private network is refused", "ping -6 -c 1 -W 5 64:ff9b::192.168.77.1 || true", "prohibited"},
		{"the box itself is not behind it", "curl -6 -sS -m 3 'http://[64:ff9b::192.168.77.1]:53/' 2>&1 || true", "curl: ("},
		{"IPv4 is dead", "curl -4 -sS -m 3 http://203.0.113.1/ 2>&1 || true", "curl: ("},
		{"nobody answers to DHCPv4", "busybox udhcpc -n -q -t 2 -T 1 -i eth0 2>&1 || true", "no lease"},
		{"the router tells it", "rdisc6 -1 -w 4000 eth0", "DNS"},
	} {
		if out := w.do(0, c.script); !strings.Contains(out, c.want) {
			t.Errorf("%s: %q is not in\n%s", c.what, c.want, out)
		}
	}
	t.Logf("%+v", w.box.translator.Counts())
	if c := w.box.translator.Counts(); c.ToIPv4 == 0 || c.ToIPv6 == 0 || c.Refused["to a network that is not public"] == 0 {
		t.Errorf("the counts are %+v", c)
	}
	w.checkNote("N3")
}

// checkNote holds the last note of the network in the evidence against its name.
func (w *world) checkNote(want string) {
	w.t.Helper()
	w.stop()
	var last string
	for _, p := range w.places() {
		for _, e := range w.entries(p) {
			if e.Kind == evidence.KindNote && e.Note.Kind == "network" {
				var n struct{ Offered, What string }
				must(w.t, json.Unmarshal(e.Note.Body, &n))
				if n.What != "down" {
					last = n.Offered
				}
			}
		}
	}
	if last != want {
		w.t.Errorf("the evidence names the network %q, want %s", last, want)
	}
}

// reaches looks at what a device gets and where it comes to.
func (w *world) reaches(t *testing.T, ipv4, ipv6, wait bool) {
	t.Helper()
	lease, err := w.try(0, "busybox udhcpc -n -q -t 3 -T 2 -i eth0 2>&1")
	if (err == nil) != ipv4 {
		t.Errorf("a lease of IPv4: %v\n%s", err, lease)
	}
	if out := w.do(0, ask108); strings.Contains(out, "opt108='0000012c'") != wait {
		t.Errorf("the wish for IPv6 alone is told, or not: %s", out)
	}
	_, err4 := w.try(0, "curl -4 -sSf -m 5 -o /dev/null http://203.0.113.11/")
	if (err4 == nil) != ipv4 {
		t.Errorf("IPv4 to the internet: %v", err4)
	}
	_, err6 := w.try(0, "ping -6 -c 1 -W 3 -q 2001:4860:4860::8888")
	if (err6 == nil) != ipv6 {
		t.Errorf("IPv6 to the internet: %v", err6)
	}
}

// TestEveryNetworkInTurn switches through all networks and reads what devices are
// told of each.
func TestEveryNetworkInTurn(t *testing.T) {
	w := offers(t)
	before := w.do(0, "ip link | wc -l")
	for _, c := range []struct {
		network      string
		ipv4, ipv6   bool // to the internet, by address
		router       []string
		neither      []string
		ipv6OnlyWait bool
	}{
		{network: "N1", ipv4: true},
		{network: "N2", ipv4: true, ipv6: true, router: []string{"Stateful other conf.      :          Yes", "Autonomous address conf.: Yes", "Recursive DNS"}, neither: []string{"64:ff9b"}},
		{network: "N3", ipv6: true, router: []string{"Stateful other conf.      :           No", "Autonomous address conf.: Yes", "Recursive DNS", "Stateful address conf.    :           No"}},
		{network: "N4", ipv6: true, router: []string{"Stateful other conf.      :          Yes", "Autonomous address conf.: Yes"}},
		{network: "N5", router: []string{"Stateful address conf.    :          Yes", "Autonomous address conf.:   No", "Recursive DNS"}},
		{network: "N6", ipv4: true, ipv6: true, ipv6OnlyWait: true, router: []string{"Autonomous address conf.: Yes"}},
		{network: "N7", ipv4: true, router: []string{"Stateful other conf.      :          Yes", "Autonomous address conf.: Yes"}},
		{network: "N8", ipv6: true, router: []string{"Autonomous address conf.: Yes"}},
		{network: "N2", ipv4: true, ipv6: true},
	} {
		t.Run(c.network, func(t *testing.T) {
			w.offer(c.network)
			w.fresh()
			if c.network != "N1" {
				out := w.do(0, "rdisc6 -1 -r 5 -w 4000 eth0")
				for _, want := range c.router {
					if !strings.Contains(squeeze(out), squeeze(want)) {
						t.Errorf("%q is not in\n%s", want, out)
					}
				}
			}
			if c.network != "N1" && c.network != "N5" {
				w.join6()
			}
			w.reaches(t, c.ipv4, c.ipv6, c.ipv6OnlyWait)
		})
	}
	if after := w.do(0, "ip link | wc -l"); after != before {
		t.Errorf("there were %s links and are %s", before, after)
	}
	if links, err := w.kernel.Links(); err != nil || slices.ContainsFunc(links, func(l netos.Link) bool { return l.Name == translatorLink }) {
		t.Errorf("the link of the NAT64 stayed: %v, %v", links, err)
	}
}

// ask108 prints the option of RFC 8925, which says to wait 300 seconds with IPv4.
const ask108 = `printf '#!/bin/sh\nset | grep opt108\ntrue\n' > /run/told; chmod 755 /run/told
busybox udhcpc -n -q -f -t 2 -T 1 -O 108 -i eth0 -s /run/told 2>&1 || true`

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestWhatCannotBeOffered keeps the former network.
func TestWhatCannotBeOffered(t *testing.T) {
	w := offers(t)
	w.offer("N3") // the NAT64 must be gone after the box as well
	w.stop()
	before := lab.Snapshot(w.lab.Gateway)
	w.start()
	w.offer("N3")
	w.stop()
	if diff := cmp.Diff(before, lab.Snapshot(w.lab.Gateway)); diff != "" {
		t.Errorf("the host is not as it was:\n%s", diff)
	}
	w.start()
	for _, n := range []string{"", "N0", "N9", "n3"} {
		if err := w.box.Offer(t.Context(), n); err == nil || !strings.Contains(err.Error(), "N1 to N8") {
			t.Errorf("%q: %v", n, err)
		}
	}
	w.stop()
	w.settings.LAN.IPv6 = "off"
	w.start()
	if err := w.box.Offer(t.Context(), "N3"); err == nil || !strings.Contains(err.Error(), "lan.ipv6") {
		t.Errorf("IPv6 is off: %v", err)
	}
	must(t, w.box.Offer(t.Context(), "N1"))
}
