//go:build linux

package ntp

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// start builds a lab with a time server at 192.168.77.1 and fd77::1, and a device
// that can reach it.
func start(t *testing.T, clock func() Clock) (*Server, *lab.Lab, context.Context) {
	t.Helper()
	lab.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := lab.New(ctx, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for site, addrs := range map[*lab.Site][]string{
		l.Gateway: {"192.168.77.2/24", "192.168.77.1/24", "fd77::2/64", "fd77::1/64"}, l.Device(0): {"192.168.77.100/24", "fd77::100/64"},
	} {
		link := lab.LANLink
		if site != l.Gateway {
			link = lab.DeviceLink
		}
		for _, a := range addrs {
			if err := site.Assign(link, netip.MustParsePrefix(a)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := New(Config{Clock: clock, Open: func() (c Conn, err error) {
		return c, l.Gateway.Do(func() error {
			c, err = OpenPort(lab.LANLink)
			return err
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("the lab ended with %v", err)
		}
	})
	return s, l, ctx
}

// TestChrony: chronyd takes the time by both address families, and from the second
// address of the port, which shows that the answer leaves from the address asked.
func TestChrony(t *testing.T) {
	lab.NeedProgram(t, "chronyd")
	var offset atomic.Int64
	s, l, ctx := start(t, func() Clock {
		return Clock{Synchronised: true, Stratum: 2, Updated: time.Now(), Offset: time.Duration(offset.Load())}
	})
	chrony := func(server string) string {
		out, err := l.Device(0).Command(ctx, "chronyd", "-Q", "-t", "10", "-U", "-f", "/dev/null", "server "+server+" iburst").CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s\nserver: %v", err, out, s.Counts())
		}
		return string(out)
	}
	for _, server := range []string{"192.168.77.1", "fd77::1"} {
		if out := chrony(server); !strings.Contains(out, "System clock wrong by 0.0") && !strings.Contains(out, "System clock wrong by -0.0") {
			t.Errorf("from %s chronyd says\n%s", server, out)
		}
	}
	offset.Store(int64(400 * 24 * time.Hour))
	if out := chrony("192.168.77.1"); !strings.Contains(out, "System clock wrong by 34560000.") && !strings.Contains(out, "System clock wrong by 34559999.") {
		t.Errorf("with an offset of 400 days chronyd says\n%s", out)
	}
}

// TestUnsynchronised: chronyd takes no time from a box that does not know it.
func TestUnsynchronised(t *testing.T) {
	lab.NeedProgram(t, "chronyd")
	s, l, ctx := start(t, nil)
	out, err := l.Device(0).Command(ctx, "chronyd", "-Q", "-t", "3", "-U", "-f", "/dev/null", "server 192.168.77.1 iburst").CombinedOutput()
	if err == nil || s.Counts()["answered unsynchronised"] == 0 || s.Counts()["answered"] != 0 {
		t.Errorf("%v %v\n%s", err, s.Counts(), out)
	}
}

// TestNtpdig: another implementation, as an SNTP client.
func TestNtpdig(t *testing.T) {
	lab.NeedProgram(t, "ntpdig")
	s, l, ctx := start(t, func() Clock { return Clock{Synchronised: true, Stratum: 2, Updated: time.Now()} })
	out, err := l.Device(0).Command(ctx, "ntpdig", "-t", "3", "192.168.77.1").CombinedOutput()
	if err != nil || s.Counts()["answered"] == 0 || !strings.Contains(string(out), "192.168.77.1 s2 no-leap") {
		t.Errorf("%v\n%s\nserver: %v", err, out, s.Counts())
	}
}
