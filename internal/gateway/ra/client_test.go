//go:build linux

package ra

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

type running struct {
	*Server
	lab  *lab.Lab
	ctx  context.Context
	stop func()
}

func start(t *testing.T, n Network) running {
	t.Helper()
	lab.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(ctx, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Gateway.Assign(lab.LANLink, netip.MustParsePrefix("2001:db8:77::1/64")); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Network: n, Open: func() (c Conn, err error) {
		return c, l.Gateway.Do(func() error {
			c, err = OpenPort(lab.LANLink)
			return err
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	serving, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(serving) }()
	stop := func() {
		end()
		if err, open := <-ended; open && err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
	t.Cleanup(func() {
		stop()
		cancel()
		if err := l.Close(); err != nil {
			t.Errorf("the lab ended with %v", err)
		}
	})
	return running{s, l, ctx, func() {
		stop()
		close(ended)
	}}
}

// sh runs a shell script on the device.
func (r running) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := r.lab.Device(0).Command(r.ctx, "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nserver: %v", err, out, r.Counts())
	}
	return string(out)
}

func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, w := range words {
		if !strings.Contains(flat, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

// wait is shell text that waits for a condition, ten seconds at most.
func wait(condition string) string {
	return "n=0; until " + condition + "; do n=$((n+1)); [ $n -lt 100 ] || { ip -6 addr; ip -6 route; exit 9; }; sleep 0.1; done\n"
}

func dualStack() Network {
	return Network{
		Prefixes: []Prefix{{Prefix: netip.MustParsePrefix("2001:db8:77::/64"), OnLink: true, Autonomous: true}},
		RDNSS:    []netip.Addr{netip.MustParseAddr("2001:db8:77::1")}, DNSSL: []string{"lan.example"},
		PREF64: netip.MustParsePrefix("64:ff9b::/96"), MTU: 1400, Other: true,
	}
}

// TestRdisc6: an independent reader of every option.
func TestRdisc6(t *testing.T) {
	lab.NeedProgram(t, "rdisc6")
	r := start(t, dualStack())
	out := r.sh(t, "ip link set eth0 up\n"+wait("ip -6 addr show dev eth0 scope link -tentative | grep -q inet6")+"rdisc6 -1 -r 3 -w 3000 eth0")
	wants(t, out, "Hop limit : 64", "Stateful address conf. : No", "Stateful other conf. : Yes", "Router lifetime : 1800",
		"Prefix : 2001:db8:77::/64", "On-link : Yes", "Autonomous address conf.: Yes", "Valid time : 5400", "Pref. time : 2700",
		"Recursive DNS server : 2001:db8:77::1", "DNS server lifetime : 1800", "DNS search list : lan.example", "MTU : 1400", "from fe80::")
}

// TestKernelFollows: Linux forms an address, deprecates it when the prefix changes,
// and loses its router when the server ends.
func TestKernelFollows(t *testing.T) {
	r := start(t, dualStack())
	r.sh(t, "sysctl -qw net.ipv6.conf.eth0.accept_ra=2; ip link set eth0 up\n"+
		wait("ip -6 addr show dev eth0 scope global | grep -q 2001:db8:77:")+wait("ip -6 route | grep -q '^default via fe80'"))
	wants(t, r.sh(t, "cat /proc/sys/net/ipv6/conf/eth0/mtu"), "1400")
	moved := dualStack()
	moved.Prefixes[0].Prefix = netip.MustParsePrefix("2001:db8:78::/64")
	if err := r.Advertise(moved); err != nil {
		t.Fatal(err)
	}
	r.sh(t, wait("ip -6 addr show dev eth0 scope global | grep -q 2001:db8:78:")+wait("ip -6 addr show dev eth0 | grep 2001:db8:77: | grep -q deprecated"))
	r.stop()
	r.sh(t, wait("! ip -6 route | grep -q ^default"))
	wants(t, r.sh(t, "ip -6 addr show dev eth0 | grep 2001:db8:78:"), "deprecated")
}
