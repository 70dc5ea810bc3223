//go:build linux

package box

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/gateway/netos"
	"assay/internal/gateway/ntp"
	"assay/internal/run/config"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/rules"
	"assay/testbench/internet"
	"assay/testbench/lab"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(envChild); text != "" {
		os.Exit(child(text))
	}
	os.Exit(lab.Main(m))
}

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// world is the lab with the internet and, between start and stop, a box.
type world struct {
	t        *testing.T
	lab      *lab.Lab
	internet *internet.Internet
	settings config.Config
	box      *Box
	kernel   *netos.Real
	runs     runs
	change   func(*Config) // of the box that start makes
}

// newWorld builds everything but the box.
func newWorld(t *testing.T, o lab.Options) *world {
	t.Helper()
	return newWorldWith(t, o, internet.Options{})
}

// newWorldWith has an internet of another kind.
func newWorldWith(t *testing.T, o lab.Options, i internet.Options) *world {
	t.Helper()
	lab.Need(t)
	for _, p := range []string{"busybox", "curl", "dig"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	o.GatewayHere, o.BareUplink = true, true
	l, err := lab.New(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	i.WANLink, i.Inside = lab.InternetLink, l.Internet.Do
	net, err := internet.Start(t.Context(), l.Internet.Host(lab.InternetLink), i)
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	anchors := []byte(net.TrustAnchorFile())
	must(t, l.Trust(net.CAPEM(), anchors))
	c := config.Default()
	c.Ports = config.Ports{LAN: lab.LANLink, WAN: lab.WANLink}
	c.Uplink.Mode = "dhcp"
	c.Store.Folder, c.Store.State = filepath.Join(l.Dir(), "runs"), filepath.Join(l.Dir(), "state")
	c.DNS.Anchors = filepath.Join(l.Dir(), "root.key")
	must(t, os.WriteFile(c.DNS.Anchors, anchors, 0o600))
	return &world{t: t, lab: l, internet: net, settings: c}
}

// start brings the box up in this process.
func (w *world) start() {
	w.t.Helper()
	var err error
	w.kernel, err = netos.New(netos.Options{})
	must(w.t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.internet.CAPEM())
	cfg := boxConfig(w.settings, w.kernel, roots, w.runs.take)
	if w.change != nil {
		w.change(&cfg)
	}
	w.box, err = Start(w.t.Context(), cfg)
	must(w.t, err)
	w.t.Cleanup(w.stop)
}

func boxConfig(s config.Config, k netos.Kernel, roots *x509.CertPool, publish func(session.Snapshot)) Config {
	return Config{
		Settings: s, Kernel: k, Book: book(), Version: "test", Plan: "watch", Publish: publish, Roots: roots, Clock: rightClock,
		Warn: func(err error) { fmt.Fprintln(os.Stderr, "warning:", err) },
		Allow: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
			netip.MustParsePrefix("2001:db8:53::/48"), netip.MustParsePrefix("2001:db8:cafe::/48"),
		},
	}
}

// stop ends the box, which concludes all runs.
func (w *world) stop() {
	w.t.Helper()
	if w.box == nil {
		return
	}
	err := w.box.Close(context.Background())
	w.kernel.Close()
	w.box = nil
	must(w.t, err)
}

func rightClock() ntp.Clock {
	return ntp.Clock{Synchronised: true, Stratum: stratum, Reference: [4]byte{127, 0, 0, 1}, Updated: time.Now()}
}

func book() assess.Book {
	b, err := assess.LoadBook(rules.FS)
	if err != nil {
		panic(err)
	}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until asks again and again until what is waited for has come.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	const pause = 20 * time.Millisecond
	end := time.After(patience)
	for again := time.NewTicker(pause); !ok(); {
		select {
		case <-again.C:
		case <-end:
			w.t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// soon bounds the wait for one answer.
func soon() time.Time { return time.Now().Add(time.Second) }

// try runs a shell script on a device.
func (w *world) try(device int, script string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	out, err := w.lab.Device(device).Command(ctx, "sh", "-ec", script).CombinedOutput()
	return string(out), err
}

// do runs a script that must succeed.
func (w *world) do(device int, script string) string {
	w.t.Helper()
	out, err := w.try(device, script)
	if err != nil {
		w.t.Fatalf("device %d: %s: %v\n%s", device, script, err, out)
	}
	return out
}

const (
	lease = "busybox udhcpc -n -q -i eth0 >/dev/null 2>&1\n"
	visit = "curl -4 -sSf -m 8 -o /dev/null https://www.cam.example/\n"
)

// runs remembers how each run stands.
type runs struct {
	mu     sync.Mutex
	latest map[string]session.Snapshot // by id
}

func (r *runs) take(s session.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[string]session.Snapshot{}
	}
	r.latest[s.Record.ID] = s
}

// of lists the runs of a device, the first begun first; of all devices for "".
func (r *runs) of(mac string) []session.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []session.Snapshot
	for _, s := range r.latest {
		if mac == "" || s.Record.DUT == mac {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b session.Snapshot) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Record.ID, b.Record.ID))
	})
	return out
}

// places are the runs on disk, the first begun first.
func (w *world) places() []store.Place {
	w.t.Helper()
	s, err := store.Open(w.settings.Store.Folder, store.Limits{})
	must(w.t, err)
	list, err := s.List()
	must(w.t, err)
	slices.Reverse(list)
	return list
}

// entries reads the evidence of a run.
func (w *world) entries(p store.Place) []evidence.Entry {
	w.t.Helper()
	text, err := os.ReadFile(p.Path(store.EvidenceFile))
	must(w.t, err)
	r, err := evidence.NewReader(bytes.NewReader(text))
	must(w.t, err)
	var out []evidence.Entry
	for {
		e, err := r.Next()
		if err != nil {
			return out
		}
		e.Packet.Data = bytes.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

// report reads the report of a run.
func (w *world) report(p store.Place) report.Report {
	w.t.Helper()
	text, err := os.ReadFile(p.Path(store.JSONFile))
	must(w.t, err)
	var r report.Report
	must(w.t, json.Unmarshal(text, &r))
	return r
}

func mac(device int) string { return fmt.Sprintf("00:00:5e:00:53:%02x", device+1) }
