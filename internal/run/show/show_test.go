package show

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/report"
	"assay/internal/panel"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/reports"
	"assay/testbench/traffic"
)

const mac = "02:00:00:00:00:01"

var begun = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func snapshot(id string, state session.State) session.Snapshot {
	return session.Snapshot{Record: assess.RunNote{ID: id, DUT: mac, Label: "plug \x1b[31m\u202e"}, State: state, Started: begun, Since: begun}
}

func seen(body event.Body) event.Event {
	return event.Event{
		At: begun, Ref: 7, Device: hostOf(mac), Flow: 3, Body: body,
		Server: netip.MustParseAddrPort("192.0.2.8:443"),
	}
}

func noted(t *testing.T, kind string, body any) event.Event {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return event.Event{At: begun, Body: event.NoteSeen{Kind: kind, JSON: text}}
}

// TestWhatADeviceDoesInWords: each thing that people care for is told, with the name
// they know it by.
func TestWhatADeviceDoesInWords(t *testing.T) {
	client := event.FromClient
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{seen(event.DHCP4{Type: 1}), "lease.ask "},
		{seen(event.DHCP4{Type: 5, FromServer: true, YourAddr: netip.MustParseAddr("192.168.77.20")}), "lease 192.168.77.20"},
		{seen(event.AddressUsed{Addr: netip.MustParseAddr("2001:db8::7")}), "slaac 2001:db8::7"},
		{seen(event.AddressUsed{Addr: netip.MustParseAddr("192.0.2.7")}), ""},
		{seen(event.RouterSolicited{}), "router "},
		{seen(event.DNSAsked{Name: "www.cam.example."}), "dns www.cam.example"},
		{seen(event.TLSAppData{From: client}), "tls.data 192.0.2.8"},
		{seen(event.ClientHello{SNI: "www.cam.example"}), "tls www.cam.example"},
		{seen(event.TLSAppData{From: client}), "tls.data www.cam.example"},
		{seen(event.TLSAlert{From: client, Description: 48}), "tls.alert www.cam.example"},
		{seen(event.TLSAlert{From: client}), ""},
		{seen(event.HTTPRequest{Host: "api.plug.example"}), "http api.plug.example"},
		{seen(event.MQTTConnected{}), "mqtt www.cam.example"},
		{seen(event.Login{}), "login www.cam.example"},
		{seen(event.TimeAsked{}), "time www.cam.example"},
		{seen(event.Exposed{From: client}), "exposed www.cam.example"},
		{seen(event.Announced{Names: []string{"plug.local"}}), "announced plug.local"},
		{noted(t, event.NoteStep, event.StepNote{Phase: event.Begun, Experiment: "tls", Network: "N2"}), "box.step tls N2"},
		{noted(t, event.NoteFaulted, event.FaultedNote{Name: "a.example.", Canary: netip.MustParseAddr("192.0.2.9")}), "box.faulted a.example"},
		{noted(t, event.NoteFaulted, event.FaultedNote{Name: "a.example.", Unchanged: true}), ""},
		{noted(t, event.NoteIntercept, event.InterceptNote{Phase: event.Begun, Name: "b.example"}), "box.intercepted b.example"},
		{noted(t, event.NoteProbe, event.ProbeNote{Service: "http"}), "box.probe http"},
		{noted(t, event.NoteProbe, event.ProbeNote{}), ""},
	} {
		s := New(Config{})
		s.Run(snapshot("r", session.Observing))
		s.Beat(session.Beat{Run: "r", At: begun, Events: []event.Event{seen(event.ClientHello{SNI: "www.cam.example"})}})
		if strings.HasSuffix(c.want, "192.0.2.8") {
			s = New(Config{})
			s.Run(snapshot("r", session.Observing))
		}
		s.Beat(session.Beat{Run: "r", At: begun, Events: []event.Event{c.e}})
		did := s.Live().Runs[0].Did
		if last := did[len(did)-1]; c.want != "" && last.Kind+" "+last.About != c.want {
			t.Errorf("%T is told as %q %q, not %q", c.e.Body, last.Kind, last.About, c.want)
		} else if c.want == "" && len(did) != 2 {
			t.Errorf("%T is told: %+v", c.e.Body, last)
		}
	}
}

// TestWhatIsRememberedIsBounded: a device that makes up names fills nothing.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	s := New(Config{})
	for i := range 50 {
		s.Run(snapshot(fmt.Sprint("r", i), session.Done))
	}
	s.Run(snapshot("now", session.Observing))
	for i := range 2000 {
		e := seen(event.ClientHello{SNI: strings.Repeat("w", 5000) + fmt.Sprint(i)})
		e.Flow = event.FlowID(i + 1)
		s.Beat(session.Beat{Run: "now", At: begun.Add(time.Duration(i) * time.Second), Sent: 1, Events: []event.Event{e, seen(event.DNSAsked{Name: fmt.Sprint(i, ".example.")})}})
	}
	bounded(t, s)
}

func bounded(t *testing.T, s *Show) {
	t.Helper()
	live := s.Live()
	r := live.Runs[0]
	if len(live.Runs) != runsMost || r.ID != "now" || len(r.Did) != momentsMost || len(r.Traffic) != secondsMost || len(s.runs["now"].names) > namesMost {
		t.Errorf("%d runs, first %s, %d moments, %d seconds", len(live.Runs), r.ID, len(r.Did), len(r.Traffic))
	}
	for _, m := range r.Did {
		if len([]rune(m.About)) > textMost+1 {
			t.Fatalf("a name of %d characters", len(m.About))
		}
	}
	if strings.ContainsAny(r.Details.Label, "\x1b\u202e") {
		t.Errorf("the label is %q", r.Details.Label)
	}
}

// TestTheSameIsCounted: what a device does again and again is one line with a number.
func TestTheSameIsCounted(t *testing.T) {
	s := New(Config{})
	s.Run(snapshot("r", session.Observing))
	for range 5 {
		s.Beat(session.Beat{Run: "r", At: begun, Events: []event.Event{seen(event.DNSAsked{Name: "a.example."}), seen(event.TimeAsked{})}})
	}
	did := s.Live().Runs[0].Did
	if len(did) != 3 || did[1].Times != 5 || did[2].Times != 5 {
		t.Errorf("%+v", did)
	}
}

// TestQuietSecondsAreThere: a chart without them would lie about time.
func TestQuietSecondsAreThere(t *testing.T) {
	s := New(Config{})
	for _, at := range []int{0, 0, 3} {
		s.Beat(session.Beat{Run: "r", At: begun.Add(time.Duration(at) * time.Second), Sent: 10, Received: 1})
	}
	list := s.Live().Runs[0].Traffic
	if len(list) != 4 || list[0].Sent != 20 || list[1].Sent != 0 || list[3].Received != 1 {
		t.Errorf("%+v", list)
	}
	s.Beat(session.Beat{Run: "r", At: begun.Add(time.Hour), Sent: 1})
	if n := len(s.Live().Runs[0].Traffic); n != 1 {
		t.Errorf("after an hour of silence %d seconds", n)
	}
}

// TestTimeLeftGoesDown: but not while the plan is paused or somebody is asked.
func TestTimeLeftGoesDown(t *testing.T) {
	p := plan.Progress{Step: 2, Of: 5, Left: time.Minute, At: begun}
	later := begun.Add(20 * time.Second)
	if got := stepOf(p, later).Left; got != 40*time.Second {
		t.Errorf("%v", got)
	}
	p.Paused = true
	if got := stepOf(p, later).Left; got != time.Minute {
		t.Errorf("paused: %v", got)
	}
	p.Paused, p.Ask = false, "Unplug it."
	if got := stepOf(p, later); got.Left != time.Minute || got.Ask != "Unplug it." {
		t.Errorf("asked: %+v", got)
	}
}

// kept is a store with one run that has a report.
func kept(t *testing.T) (*Show, store.Place, report.Report) {
	t.Helper()
	folder, err := store.Open(t.TempDir(), store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	place, err := folder.New(store.Record{MAC: mac, Label: "Candidate 3", Started: begun})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := reports.Of(traffic.Devices()[1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.JSON(rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := place.Save(text, []byte("<html>")); err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: folder}), place, rep
}

// TestKeptRuns: what is on the disk is listed with its lamps.
func TestKeptRuns(t *testing.T) {
	s, place, rep := kept(t)
	id := place.Record().ID
	list, err := s.Runs(t.Context())
	if err != nil || len(list) != 1 || !list[0].Graded || list[0].Lamps[0].Name != rep.Lamps[0].Name || list[0].State != "running" {
		t.Fatalf("%+v %v", list, err)
	}
	end := snapshot(id, session.Done)
	end.Report, end.Graded = rep, true
	s.Run(end)
	if list, _ := s.Runs(t.Context()); list[0].State != "done" || list[0].Verdict != rep.Overall.Verdict {
		t.Errorf("a run that has just ended is %+v", list[0])
	}
}

// TestARunIsFiled: relabelled, kept and deleted, but not while it goes on.
func TestARunIsFiled(t *testing.T) {
	s, place, _ := kept(t)
	id := place.Record().ID
	for _, o := range []panel.Order{
		{Kind: panel.OrderLabel, Run: id, Details: panel.Details{Label: "Candidate 4", Serial: "7"}}, {Kind: panel.OrderKeep, Run: id},
	} {
		if err := s.Order(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := s.Runs(t.Context()); list[0].Details.Label != "Candidate 4" || !list[0].Keep {
		t.Errorf("%+v", list[0])
	}
	if err := s.Order(t.Context(), panel.Order{Kind: panel.OrderDelete, Run: id}); !errors.Is(err, panel.ErrImpossible) {
		t.Errorf("a run that goes on is deleted: %v", err)
	}
	if err := place.Update(func(r *store.Record) { r.State = store.Done }); err != nil {
		t.Fatal(err)
	}
	if err := s.Order(t.Context(), panel.Order{Kind: panel.OrderDelete, Run: id}); err != nil {
		t.Error(err)
	}
	if list, _ := s.Runs(t.Context()); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// TestReportsAndFiles: what there is is found, and what there is not is said to be
// unknown.
func TestReportsAndFiles(t *testing.T) {
	s, place, rep := kept(t)
	got, err := s.Report(t.Context(), place.Record().ID)
	if err != nil || got.Overall != rep.Overall && got.Overall.Verdict != rep.Overall.Verdict || len(got.Findings) != len(rep.Findings) {
		t.Errorf("%+v %v", got.Overall, err)
	}
	f, _, err := s.Open(t.Context(), place.Record().ID, store.PageFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestNobodysFiles(t *testing.T) {
	s, _, _ := kept(t)
	for _, id := range []string{"nobody", "../etc", ""} {
		_, one := s.Report(t.Context(), id)
		_, _, two := s.Open(t.Context(), id, store.PageFile)
		three := s.Order(t.Context(), panel.Order{Kind: panel.OrderKeep, Run: id})
		for _, err := range []error{one, two, three} {
			if !errors.Is(err, panel.ErrUnknown) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
	if err := s.Order(t.Context(), panel.Order{Kind: panel.OrderEnd}); !errors.Is(err, panel.ErrImpossible) {
		t.Errorf("without a box: %v", err)
	}
}
