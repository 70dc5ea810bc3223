package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/rules"
	"assay/testbench/traffic"
)

func book(t *testing.T) assess.Book {
	t.Helper()
	b, err := assess.LoadBook(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded is the log of a run: the record, then what the device did.
type recorded struct {
	record  assess.RunNote
	log     []byte
	entries []evidence.Entry
}

// recordRun makes the log that a box would have written of a virtual device.
func recordRun(t *testing.T, d traffic.Device, mac string) recorded {
	t.Helper()
	var life, log bytes.Buffer
	if err := d.Write(&life); err != nil {
		t.Fatal(err)
	}
	frames := readAll(t, life.Bytes())
	out := recorded{record: assess.RunNote{ID: "r1", Plan: "observe", Profile: "internet-standards", DUT: mac, Label: d.Name}}
	w, err := evidence.NewWriter(&log, "assay test")
	if err != nil {
		t.Fatal(err)
	}
	lan, err := w.AddInterface(evidence.Interface{Name: "lan0", Link: evidence.LinkEthernet})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(out.record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Note(frames[0].At, evidence.Note{Kind: assess.NoteRun, Body: body}); err != nil {
		t.Fatal(err)
	}
	for _, e := range frames {
		if _, err := w.Packet(lan, e.At, e.Packet.Length, e.Packet.Data); err != nil {
			t.Fatal(err)
		}
	}
	out.log = log.Bytes()
	out.entries = readAll(t, out.log)
	return out
}

func readAll(t *testing.T, log []byte) []evidence.Entry {
	t.Helper()
	r, err := evidence.NewReader(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var out []evidence.Entry
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Packet.Data = bytes.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

func (r recorded) asOf() assess.AsOf {
	sum := sha256.Sum256(r.log)
	return assess.AsOf{SHA256: sum[:], Bytes: uint64(len(r.log))}
}

// watch runs the recorded life through a session, looking at it every second, and
// returns all that was published.
func (r recorded) watch(t *testing.T, b assess.Book, observe, gone time.Duration) (*Run, []Snapshot) {
	t.Helper()
	var all []Snapshot
	run := New(Options{
		Record: r.record, Book: b, Version: "v", Observe: observe, Gone: gone, Started: r.entries[0].At,
		AsOf: r.asOf, Publish: func(s Snapshot) { all = append(all, s) },
	})
	now := r.entries[0].At
	for _, e := range r.entries {
		for ; now.Before(e.At); now = now.Add(time.Second) {
			if run.Tick(now) {
				run.Conclude(now)
				return run, all
			}
		}
		run.Take(e)
	}
	return run, all
}

func render(t *testing.T, r report.Report) string {
	t.Helper()
	out, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestTheLogGradedAgainGivesTheSameReport: what was reported on the way leaves no
// trace in what is reported at the end.
func TestTheLogGradedAgainGivesTheSameReport(t *testing.T) {
	b := book(t)
	macs := []string{"02:ca:fe:00:00:10", "02:ba:d0:00:00:20"}
	for i, d := range traffic.Devices() {
		t.Run(d.Name, func(t *testing.T) {
			rec := recordRun(t, d, macs[i])
			run, all := rec.watch(t, b, 0, 0)
			end := run.Conclude(rec.entries[len(rec.entries)-1].At)
			graded := 0
			for _, s := range all {
				if s.Graded {
					graded++
				}
			}
			if graded < 5 {
				t.Errorf("only %d provisional reports in a quarter of an hour", graded)
			}
			again := assess.New(b, assess.About{File: LogName, Version: "v", Plan: "capture"})
			for _, e := range rec.entries {
				again.Add(e)
			}
			again.Close()
			if render(t, end.Report) != render(t, again.Report(rec.asOf())) {
				t.Error("the live report is not that of the log")
			}
			if end.State != Done || end.Report.Device.MAC != macs[i] || end.Report.Run.Plan != "observe" {
				t.Errorf("ended as %s with device %s and plan %s", end.State, end.Report.Device.MAC, end.Report.Run.Plan)
			}
			usedAreDestinations(t, end)
		})
	}
}

// usedAreDestinations: what is to be looked up is what the report lists.
func usedAreDestinations(t *testing.T, s Snapshot) {
	t.Helper()
	named := 0
	for _, u := range s.Used {
		if u.Name == "" {
			continue
		}
		named++
		if !slices.ContainsFunc(s.Report.Destinations, func(d report.Destination) bool { return d.Name == u.Name && !d.Local }) {
			t.Errorf("%q is to be looked up and is no destination", u.Name)
		}
	}
	if named == 0 {
		t.Error("no name is known that could be looked up")
	}
}

func TestTheTimeOfObservationEndsARun(t *testing.T) {
	rec := recordRun(t, traffic.Devices()[0], "02:ca:fe:00:00:10")
	run, all := rec.watch(t, book(t), time.Minute, 0)
	if got, want := states(all), []State{Joined, Observing, Concluding, Done}; !slices.Equal(got, want) {
		t.Fatalf("went through %v, want %v", got, want)
	}
	s := run.Snapshot()
	if s.Until.Sub(s.Started) < time.Minute || !s.Graded || s.Why == "" {
		t.Errorf("ended at %v after %v because %q", s.Since, s.Until.Sub(s.Started), s.Why)
	}
}

func TestADeviceThatGoesAwayEndsItsRun(t *testing.T) {
	rec := recordRun(t, traffic.Devices()[0], "02:ca:fe:00:00:10")
	run, _ := rec.watch(t, book(t), 0, time.Hour)
	last := rec.entries[len(rec.entries)-1].At
	if run.Tick(last.Add(59*time.Minute)) || !run.Tick(last.Add(2*time.Hour)) {
		t.Fatal("silence of an hour does not end the run, or less does")
	}
	if s := run.Conclude(last.Add(2 * time.Hour)); s.State != Left || !s.Graded {
		t.Errorf("ended as %s", s.State)
	}
}

func TestTheOperatorEndsARunOnce(t *testing.T) {
	rec := recordRun(t, traffic.Devices()[0], "02:ca:fe:00:00:10")
	run, _ := rec.watch(t, book(t), 0, 0)
	now := rec.entries[0].At
	run.End("The operator ended the run.", now)
	if run.Tick(now) {
		t.Error("a run that concludes is asked to conclude again")
	}
	s := run.Conclude(now)
	run.Take(rec.entries[1])
	run.End("again", now)
	if again := run.Conclude(now); again.Why != s.Why || again.State != Done {
		t.Errorf("an ended run became %s because %q", again.State, again.Why)
	}
}

func states(all []Snapshot) []State {
	var out []State
	for _, s := range all {
		if len(out) == 0 || out[len(out)-1] != s.State {
			out = append(out, s.State)
		}
	}
	return out
}

func TestADeviceWithoutAddressStaysJoined(t *testing.T) {
	rec := recordRun(t, traffic.Devices()[1], "02:ba:d0:00:00:20")
	rec.entries = rec.entries[:3]
	run, _ := rec.watch(t, book(t), time.Second, 0)
	if run.Tick(rec.entries[2].At.Add(time.Hour)); run.State() != Joined {
		t.Errorf("a device that only asked for an address is %s", run.State())
	}
}
