package page

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
	"assay/testbench/reports"
	"assay/testbench/traffic"
)

// stage is a source of runs that tests set by hand; its reports are real ones.
type stage struct {
	mu      sync.Mutex
	live    panel.Live
	changed chan struct{}
	kept    []panel.Kept
	reports map[string]report.Report
	orders  []panel.Order
	refuse  error
	folder  string
}

func (s *stage) Live() panel.Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

func (s *stage) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// change changes what there is to see.
func (s *stage) change(f func(*panel.Live)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.live)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stage) Runs(context.Context) ([]panel.Kept, error) { return s.kept, nil }

func (s *stage) Report(_ context.Context, id string) (report.Report, error) {
	r, ok := s.reports[id]
	if !ok {
		return r, panel.ErrUnknown
	}
	return r, nil
}

func (s *stage) Open(_ context.Context, id, name string) (panel.File, time.Time, error) {
	if _, ok := s.reports[id]; !ok {
		return nil, time.Time{}, panel.ErrUnknown
	}
	path := filepath.Join(s.folder, name)
	err := os.WriteFile(path, []byte("the file "+name), 0o600)
	f, failed := os.Open(path)
	return f, time.Unix(1700000000, 0), errors.Join(err, failed)
}

func (s *stage) Order(_ context.Context, o panel.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	return s.refuse
}

func (s *stage) About(context.Context) panel.About {
	return panel.About{
		Version: "1.0", Rules: strings.Repeat("ab", 32), LAN: "eth1", WAN: "eth0", Addresses: []string{"192.168.77.1/24", "fd00::1/64"},
		Plans:    []panel.Choice{{ID: "observe", Title: "Only watch"}, {ID: "quick", Title: "About three minutes"}},
		Profiles: []panel.Choice{{ID: "internet-standards", Title: "Internet standards"}},
		Checks: []panel.Check{
			{Title: "Ports", State: "good", Says: "eth1 and eth0 are there."},
			{Title: "Clock", State: "remarks", Says: "It is not synchronised.", Do: "Connect the box to the internet."},
			{Title: "Uplink", State: "bad", Says: "It has no route.", Do: "Plug in the cable."},
		},
	}
}

const hostile = `"><script>console.error("alive")</script><img src=x onerror=alert(1)>` + "\x1b[31m\u202egnp.exe\u2066"

// newStage has a run that goes on, three that ended and one with hostile names.
func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{changed: make(chan struct{}), reports: map[string]report.Report{}, folder: t.TempDir()}
	begun := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for i, d := range traffic.Devices() {
		for again := range 2 {
			id := fmt.Sprintf("20261120-10000%d-%s-%d", i, d.Name, again)
			s.keep(id, graded(t, d), panel.Details{
				Label: strings.ToUpper(d.Name[:1]) + strings.ReplaceAll(d.Name[1:], "-", " "), Serial: "SN-" + d.Name, Firmware: fmt.Sprintf("1.%d", again), Plan: "quick", Profile: "internet-standards", Operator: "A. Tester",
			}, begun.Add(time.Duration(i*10+again)*time.Minute))
		}
	}
	bad := graded(t, traffic.Devices()[1])
	bad.Device.Name, bad.Overall.Why = hostile, hostile
	bad.Findings[0].Why, bad.Destinations[0].Name = hostile, hostile
	s.keep("20261120-120000-hostile", bad, panel.Details{Label: hostile + strings.Repeat("w", 200), Serial: "=cmd|' /C calc'!A0", Firmware: hostile}, begun.Add(2*time.Hour))
	s.live = panel.Live{Runs: []panel.Run{s.going(), s.ended()}}
	return s
}

func (s *stage) keep(id string, r report.Report, d panel.Details, at time.Time) {
	s.reports[id] = r
	s.kept = append([]panel.Kept{{
		ID: id, State: "done", Device: r.Device.MAC, Details: d, Started: at, Ended: at.Add(3 * time.Minute), Verdict: r.Overall.Verdict,
		Lamps: r.Lamps, Bytes: 123456, Graded: true,
	}}, s.kept...)
}

// going is a run in the middle of its plan.
func (s *stage) going() panel.Run {
	k := s.kept[len(s.kept)-1]
	now := time.Now()
	r := panel.Run{
		ID: "now", Device: k.Device, Details: k.Details, State: "observing", Why: "The device has an address and began to work.",
		Started: now.Add(-40 * time.Second), Since: now.Add(-35 * time.Second), Graded: true, Report: s.reports[k.ID],
		Step: panel.Step{Number: 2, Of: 5, Network: "N2", Experiment: "tls", Words: "TLS: a certificate of an unknown authority, www.cam.example port 443", Done: 3, All: 10, Left: 95 * time.Second},
	}
	for i := range 40 {
		r.Traffic = append(r.Traffic, panel.Second{At: now.Unix() - 40 + int64(i), Sent: uint64(i * i * 7 % 5000), Received: uint64(i * 331 % 9000)})
	}
	for i, kind := range []string{"joined", "lease", "slaac", "dns", "tls", "box.intercepted", "tls.alert", "dns", "time", "tls.data", "http"} {
		r.Did = append(r.Did, panel.Moment{At: now.Add(time.Duration(i-40) * time.Second), Frame: uint64(i + 1), Kind: kind, About: "www.cam.example", Times: 1 + i%3})
	}
	s.reports["now"] = r.Report
	return r
}

func (s *stage) ended() panel.Run {
	k := s.kept[0]
	return panel.Run{ID: k.ID, Device: k.Device, Details: k.Details, State: "done", Why: "The plan was carried through.", Started: k.Started, Graded: true, Report: s.reports[k.ID]}
}

// graded is the report on a virtual device.
func graded(t testing.TB, d traffic.Device) report.Report {
	t.Helper()
	r, err := reports.Of(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// opened is a page over a stage, with a server.
func opened(t *testing.T) (*stage, *httptest.Server) {
	t.Helper()
	s := newStage(t)
	p, err := New(Config{Source: s})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return s, server
}
