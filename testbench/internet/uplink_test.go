//go:build linux

package internet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"assay/testbench/internet"
	"assay/testbench/lab"
)

// uplink is a lab whose gateway must get everything from the provider.
func uplink(t *testing.T, o internet.Options) *lab.Lab {
	t.Helper()
	lab.Need(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(t.Context(), lab.Options{BareUplink: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	o.Seed, o.WANLink, o.Inside = seed, lab.InternetLink, l.Internet.Do
	i, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// script writes what a DHCP client runs when it has learnt something.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func wants(t *testing.T, l *lab.Lab, line string, want ...string) {
	t.Helper()
	out, code := shell(t, l, line)
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%s\ncode %d; output, which should contain %q:\n%s", line, code, w, out)
		}
	}
}

func TestLease(t *testing.T) {
	lab.NeedProgram(t, "busybox")
	l := uplink(t, internet.Options{})
	s := script(t, `[ "$1" = bound ] && set && ip addr add $ip/$mask dev $interface && ip route add default via $router; exit 0`)
	wants(t, l, "busybox udhcpc -i wan0 -n -q -f -s "+s, "ip='198.51.100.100'", "router='198.51.100.1'", "dns='198.51.100.53'",
		"lease='3600'", "serverid='198.51.100.1'", "mask='24'")
	lab.NeedProgram(t, "curl")
	wants(t, l, "curl -4 -ksS https://www.cam.example/", "TLS 1.3", "from 198.51.100.100")
}

func TestLeaseOfAnotherClient(t *testing.T) {
	lab.NeedProgram(t, "dhclient")
	l := uplink(t, internet.Options{})
	s := script(t, `set; exit 0`)
	wants(t, l, "dhclient -4 -1 -lf /run/leases -pf /run/pid -sf "+s+" wan0 2>&1; dhclient -x -lf /run/leases -pf /run/pid -sf /bin/true wan0",
		"new_ip_address='198.51.100.100'", "new_domain_name_servers='198.51.100.53'")
}

func TestAdvertisement(t *testing.T) {
	lab.NeedProgram(t, "rdisc6")
	l := uplink(t, internet.Options{})
	wants(t, l, "ip link set wan0 up; rdisc6 -1 -r 10 wan0", "2001:db8:100::/64", "Recursive DNS server     : 2001:db8:100::53",
		"Stateful address conf.    :           No", "Stateful other conf.      :          Yes", "MTU                      :         1500")
}

// delegation asks for a prefix and prints what came.
func delegation(t *testing.T, seconds string) string {
	t.Helper()
	lab.NeedProgram(t, "dhclient")
	s := script(t, `set; exit 0`)
	return "ip link set wan0 up; until ip -6 addr show wan0 | grep -q 'fe80.*link $' && ! ip -6 addr show wan0 | grep -q tentative; do sleep 0.1; done; " +
		"timeout " + seconds + " dhclient -6 -P -1 -lf /run/leases6 -pf /run/pid6 -sf " + s + " wan0 2>&1"
}

func TestDelegatedPrefix(t *testing.T) {
	l := uplink(t, internet.Options{})
	wants(t, l, delegation(t, "10"), "new_ip6_prefix='2001:db8:f000:10::/60'", "new_dhcp6_name_servers='2001:db8:100::53'")
	lab.NeedProgram(t, "curl")
	wants(t, l, "ip addr add 2001:db8:f000:11::1/64 dev lo; ip -6 route replace default via fe80::200:5eff:fe00:53f2 dev wan0; "+
		"curl -sS -6 --interface 2001:db8:f000:11::1 http://[2001:db8:cafe::10]/", "from [2001:db8:f000:11::1]")
}

func TestNoDelegation(t *testing.T) {
	l := uplink(t, internet.Options{NoDelegation: true})
	out, _ := shell(t, l, delegation(t, "4"))
	if strings.Contains(out, "new_ip6_prefix") {
		t.Errorf("a prefix was delegated:\n%s", out)
	}
}

// TestNoIPv6 waits as long as a client that asks three times.
func TestNoIPv6(t *testing.T) {
	lab.NeedProgram(t, "rdisc6")
	l := uplink(t, internet.Options{NoIPv6: true})
	wants(t, l, "ip link set wan0 up; rdisc6 -1 -r 3 -w 200 wan0", "No response")
}

// TestPlainResolver shows a resolver that leaves signatures out.
func TestPlainResolver(t *testing.T) {
	lab.NeedProgram(t, "dig")
	l, _ := world(t, internet.Options{PlainResolver: true}, lab.Options{})
	out, _ := shell(t, l, "dig +dnssec @198.51.100.53 www.cam.example")
	if !strings.Contains(out, "203.0.113.10") || strings.Contains(out, "RRSIG") || strings.Contains(out, "EDNS") {
		t.Errorf("not what an old resolver says:\n%s", out)
	}
	wants(t, l, "dig +dnssec @8.8.8.8 www.cam.example", "RRSIG", "flags: do")
}
