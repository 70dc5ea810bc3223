//go:build linux

package oracle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	grades "assay/internal/assess/report"
	"assay/internal/gateway/capture"
	"assay/internal/gateway/resolver"
	"assay/internal/gateway/resolver/fault"
	"assay/rules"
	"assay/testbench/lab"
)

// trial is a real device on the gateway's LAN: its packets and the box's notes go to
// one log, which is then graded.
type trial struct {
	*world
	c    *fault.Conductor
	mu   sync.Mutex
	log  bytes.Buffer
	out  *evidence.Writer
	lan  int
	stop func()
}

const boxAddr, deviceAddr = "192.168.7.1", "192.168.7.2"

func newTrial(t *testing.T) *trial {
	t.Helper()
	lab.NeedProgram(t, "curl")
	lab.NeedProgram(t, "busybox")
	tr := &trial{world: newWorld(t)}
	gateway, device := tr.lab.Gateway, tr.lab.Device(0)
	must(t, gateway.Assign(lab.LANLink, netip.MustParsePrefix(boxAddr+"/24")))
	must(t, device.Assign(lab.DeviceLink, netip.MustParsePrefix(deviceAddr+"/24")))
	tr.record()
	tr.on("ip", "route", "add", "default", "via", boxAddr)
	tr.serve()
	return tr
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// on runs a program in the device.
func (tr *trial) on(name string, args ...string) {
	tr.t.Helper()
	if out, err := tr.lab.Device(0).Command(tr.t.Context(), name, args...).CombinedOutput(); err != nil {
		tr.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// record writes what passes the gateway's LAN link.
func (tr *trial) record() {
	t := tr.t
	var err error
	tr.out, err = evidence.NewWriter(&tr.log, "test")
	must(t, err)
	tr.lan, err = tr.out.AddInterface(evidence.Interface{Name: lab.LANLink, Link: evidence.LinkEthernet})
	must(t, err)
	var tap *capture.Capture
	must(t, tr.lab.Gateway.Do(func() (err error) {
		tap, err = capture.Open(capture.Config{Interface: lab.LANLink, Blocks: 8, Retire: time.Millisecond})
		return err
	}))
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			batch, err := tap.Next(context.Background())
			if err != nil {
				return
			}
			tr.write(batch.Frames)
		}
	})
	tr.stop = sync.OnceFunc(func() {
		report(t, tap.Close())
		reading.Wait()
	})
	t.Cleanup(tr.stop)
}

func (tr *trial) write(frames []capture.Frame) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, f := range frames {
		if _, err := tr.out.Packet(tr.lan, f.At, f.Length, f.Data); err != nil {
			tr.t.Error(err)
		}
	}
}

func (tr *trial) note(n evidence.Note) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if _, err := tr.out.Note(time.Now().UTC(), n); err != nil {
		tr.t.Error(err)
	}
}

// serve starts the box's resolver, with a Conductor, where the device asks.
func (tr *trial) serve() {
	t := tr.t
	r, err := resolver.New(resolver.Config{
		Addresses: []netip.AddrPort{netip.MustParseAddrPort(boxAddr + ":53")},
		Upstreams: []resolver.Server{{Addr: netip.AddrPortFrom(tr.net.ResolverAddrs()[0], 53)}},
		Listen:    tr.lab.Gateway.Listen, ListenPacket: tr.lab.Gateway.ListenPacket, Dial: tr.lab.Gateway.Dial,
		Sockets: 1, Anchors: []dns.RR{tr.net.RootDS()},
	})
	must(t, err)
	tr.c = fault.New(fault.Config{Note: tr.note, Lookup: r.Lookup, Patience: 20 * time.Second,
		Serves: func(a netip.Addr) bool { return a == netip.MustParseAddr(deviceAddr) }})
	r.SetFault(tr.c.Fault())
	must(t, r.Open(t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		report(t, <-done)
	})
}

// fresh makes the device join the network, as it does after a power cycle.
func (tr *trial) fresh() {
	cmd := tr.lab.Device(0).Command(tr.t.Context(), "busybox", "udhcpc", "-i", lab.DeviceLink, "-n", "-q", "-t", "1", "-T", "1", "-s", "/bin/true")
	if err := cmd.Run(); err == nil {
		tr.t.Error("somebody gave the device a lease")
	}
}

// life is what a kind of device does after it joined; it returns what ends it.
type life func(tr *trial) (end func())

// rounds does an experiment with two names, so many pairs of each.
func (tr *trial) rounds(pairs int, live life, arms ...string) []fault.Skip {
	t := tr.t
	tr.fresh()
	live(tr)()
	rounds, skipped := tr.c.Plan(t.Context(), fault.Wish{Experiment: "dnssec", Arms: arms, Pairs: pairs, Names: 2, Seed: 3})
	for _, r := range rounds {
		end := func() {}
		_, err := tr.c.Run(t.Context(), r, func(context.Context) error {
			tr.fresh()
			end = live(tr)
			return nil
		}, 1500*time.Millisecond)
		end()
		if err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	tr.c.Finish()
	return skipped
}

// grade judges the log.
func (tr *trial) grade() (grades.Report, map[string]grades.Finding) {
	t := tr.t
	tr.stop()
	book, err := assess.LoadBook(rules.FS)
	must(t, err)
	a := assess.New(book, assess.About{Plan: "capture"})
	rd, err := evidence.NewReader(bytes.NewReader(tr.log.Bytes()))
	must(t, err)
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		a.Add(e)
	}
	a.Close()
	h, ok := assess.Find(a.Hosts(), deviceAddr)
	if !ok {
		t.Fatal("the device is not in the log")
	}
	r := a.ReportOn(h.ID, "named", assess.AsOf{})
	by := map[string]grades.Finding{}
	for _, f := range r.Findings {
		by[f.Check] = f
	}
	return r, by
}

var wanted = []string{"http://www.cam.example/", "http://www.plug.example/"}

// withUnbound is a device with a validating resolver of its own, or one that does all
// the same and then uses the answer anyhow.
func withUnbound(permissive bool) life {
	return func(tr *trial) func() {
		device := tr.lab.Device(0)
		config := tr.file("device.conf", fmt.Sprintf(`server:
	interface: 127.0.0.1
	username: ""
	chroot: ""
	pidfile: ""
	trust-anchor-file: %q
	use-syslog: no
	logfile: /dev/null
	module-config: "validator iterator"
	val-permissive-mode: %s
	num-threads: 1
	do-ip6: no
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s
`, tr.file("anchor", tr.net.TrustAnchorFile()), map[bool]string{true: "yes", false: "no"}[permissive], boxAddr))
		unbound := device.Command(tr.t.Context(), "unbound", "-d", "-c", config)
		must(tr.t, unbound.Start())
		app := withStub("127.0.0.1")(tr)
		return func() {
			app()
			finish(unbound)
		}
	}
}

func finish(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// withStub is a program that asks by the C library and connects.
func withStub(server string) life {
	return func(tr *trial) func() {
		script := fmt.Sprintf(`echo nameserver %s >/etc/resolv.conf
for url in %s; do timeout 3 curl -4 -s --connect-timeout 1 --retry 9 --retry-all-errors --retry-delay 0 $url & done; wait`, server, strings.Join(wanted, " "))
		app := tr.lab.Device(0).Command(tr.t.Context(), "sh", "-c", script)
		must(tr.t, app.Start())
		return func() { _ = app.Wait() }
	}
}

// TestWhoValidates: a device with a validator reaches D3, one whose validator does not
// insist fails, and one that asks for no signature is decided without an experiment.
func TestWhoValidates(t *testing.T) {
	for _, c := range []struct {
		name  string
		live  life
		pairs int
		want  string
		rung  string
	}{
		{"unbound with a trust anchor", withUnbound(false), 3, "PASS", "D3"},
		{"unbound that permits what is bogus", withUnbound(true), 1, "FAIL", ""},
		{"the C library", withStub(boxAddr), 1, "FAIL", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t)
			skipped := tr.rounds(c.pairs, c.live, event.ArmFlipped, event.ArmDSDenial)
			r, by := tr.grade()
			if got := by["DS-01"]; got.Verdict != c.want {
				t.Errorf("DS-01 is %s, want %s: %s\nskipped %v", got.Verdict, c.want, got.Why, skipped)
			}
			if got := r.Ladders.DNSSEC.Level; c.rung != "" && got != c.rung {
				t.Errorf("the ladder says %s, want %s", got, c.rung)
			}
			t.Log(by["DS-01"].Why)
		})
	}
}
