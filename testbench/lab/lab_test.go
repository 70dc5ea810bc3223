//go:build linux

package lab

import (
	"context"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
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

func TestCommandSeesItsOwnWorld(t *testing.T) {
	ctx, l := start(t, Options{Devices: 2, CA: []byte("LAB CERTIFICATE"), RootKey: []byte("LAB KEY")})
	script := `set -e
hostname; ip -o link show eth0 | grep -c 'link/ether 00:00:5e:00:53:01'
wc -c < /etc/resolv.conf
echo nameserver 192.0.2.53 > /etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf
tail -n 1 "$SSL_CERT_FILE"; echo; cat "$ASSAY_ROOT_KEY"; echo
ls /run /var/run/ | grep -c . || true
ls /sys/class/net | sort | tr '\n' ' '; echo
echo x > /run/x; echo "${ASSAY_LAB-unset}"; pwd`
	out, err := l.Device(0).Command(ctx, "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir, _ := os.Getwd()
	want := "device0\n1\n0\nLAB CERTIFICATE\nLAB KEY\n"
	if got := string(out); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "unset\n"+dir+"\n") || !strings.Contains(got, "eth0 lo \n") {
		t.Errorf("saw\n%s", got)
	}
	kept, err := l.Device(0).ReadFile("/etc/resolv.conf")
	if err != nil || string(kept) != "nameserver 192.0.2.53\n" {
		t.Errorf("device 0's resolv.conf: %q, %v", kept, err)
	}
	other, err := l.Device(1).Command(ctx, "sh", "-c", "cat /etc/resolv.conf; find /run -type f; hostname").CombinedOutput()
	if err != nil || string(other) != "device1\n" {
		t.Errorf("device 1 saw %q, %v", other, err)
	}
}

func TestSnapshot(t *testing.T) {
	_, l := start(t, Options{})
	t.Log(Snapshot(l.Gateway))
}
