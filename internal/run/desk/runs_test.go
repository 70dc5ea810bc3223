package desk

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/gateway/capture"
	"assay/internal/run/config"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

func asOf(text []byte) assess.AsOf {
	sum := sha256.Sum256(text)
	return assess.AsOf{SHA256: sum[:], Bytes: uint64(len(text))}
}

const (
	camera = "02:ca:fe:00:00:10"
	plug   = "02:ba:d0:00:00:20"
)

var settings = config.Run{Profile: "internet-standards", Label: "on the bench", Devices: 4}

// TestEachDeviceHasARunAndItsLogGivesItsReport is the parity of live and replay,
// with two devices on one switch.
func TestEachDeviceHasARunAndItsLogGivesItsReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, lives(t), settings, func(w *world) {
			w.desk.Note(evidence.Note{Kind: "network", Body: json.RawMessage(`{"offered":"N2"}`)})
			w.desk.Note(evidence.Note{Kind: "lease", Body: json.RawMessage(`{"mac":"` + plug + `"}`)})
		}, time.Hour)
		kept := w.kept(t)
		if len(kept) != 2 {
			t.Fatalf("%d runs are kept, want 2", len(kept))
		}
		for _, mac := range []string{camera, plug} {
			w.checkRun(t, mac, kept[mac])
		}
	})
}

func (w *world) checkRun(t *testing.T, mac string, p store.Place) {
	t.Helper()
	again, list := w.regrade(t, p)
	want, err := report.JSON(again)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(p.Path(store.JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: the kept report is not that of the log", mac)
	}
	if r := p.Record(); r.State != store.Done || r.Verdict != again.Overall.Verdict || r.Label != settings.Label {
		t.Errorf("%s: the record is %+v", mac, r)
	}
	if again.Device.MAC != mac || len(again.Findings) == 0 {
		t.Errorf("%s: graded %q with %d findings", mac, again.Device.MAC, len(again.Findings))
	}
	checkNotes(t, mac, list)
}

// checkNotes: a log begins with the record of its run and holds nobody else's
// leases.
func checkNotes(t *testing.T, mac string, list []evidence.Entry) {
	t.Helper()
	if list[0].Kind != evidence.KindNote || list[0].Note.Kind != assess.NoteRun {
		t.Errorf("%s: the log begins with %+v and not with the record of the run", mac, list[0])
	}
	for _, e := range list {
		if e.Kind == evidence.KindNote && e.Note.Kind == "lease" && mac != plug {
			t.Errorf("%s: its log holds the lease of another device", mac)
		}
	}
}

func TestForgedAddressesFillNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lives(t)
		frames := c.frames[:0:0]
		for i, f := range c.frames {
			frames = append(frames, f)
			if i > 100 && i < 3000 {
				forged := make([]byte, 60)
				copy(forged, []byte{255, 255, 255, 255, 255, 255, 2, 9, 9, byte(i >> 8), byte(i), 1, 8, 6})
				frames = append(frames, capture.Frame{At: f.At, Length: 60, Data: forged})
			}
		}
		c.frames = frames
		w := watch(t, c, settings, nil, time.Hour)
		kept := w.kept(t)
		if len(kept) != 2 || kept[camera].Record().State != store.Done || kept[plug].Record().State != store.Done {
			t.Errorf("%d runs are kept: %v", len(kept), kept)
		}
		if len(w.desk.hall) == 0 || len(w.desk.hall) > hallLimit {
			t.Errorf("%d forged devices wait", len(w.desk.hall))
		}
	})
}

func TestARunEndsAndTheDeviceMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := settings
		r.Observe = 2 * time.Minute
		w := watch(t, lives(t), r, func(w *world) {
			pass(5 * time.Minute)
			if s := w.last[camera]; s.State != session.Done || !s.Graded {
				t.Errorf("after its time the run is %s", s.State)
			}
			if list, err := w.store.List(); err != nil || len(list) != 2 {
				t.Errorf("%d runs after the first end, %v: a device that stays must not begin again by itself", len(list), err)
			}
			w.cable.links <- capture.LinkDown
		}, time.Hour)
		if list, err := w.store.List(); err != nil || len(list) < 3 {
			t.Errorf("%d runs after the cable was out, %v", len(list), err)
		}
	})
}

func TestOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, lives(t), settings, func(w *world) {
			pass(3 * time.Minute)
			ctx := t.Context()
			if err := w.desk.State(ctx, "setup-captured", "yes"); err != nil {
				t.Error(err)
			}
			if err := w.desk.End(ctx, "no such run", ""); err == nil {
				t.Error("a run that is not there was ended")
			}
			if err := w.desk.End(ctx, w.last[camera].Record.ID, "The operator ended the run."); err != nil {
				t.Error(err)
			}
		}, time.Minute)
		if s := w.last[camera]; s.State != session.Done || s.Why != "The operator ended the run." || len(s.Report.Run.Statements) != 1 {
			t.Errorf("ended as %s because %q with %v", s.State, s.Why, s.Report.Run.Statements)
		}
		if s := w.last[plug]; s.Why != "The box was stopped." {
			t.Errorf("the other device's run ended because %q", s.Why)
		}
	})
}

// TestWhatIsNotedBeforeTheEndIsKept: an experiment ends the run right after its last note.
func TestWhatIsNotedBeforeTheEndIsKept(t *testing.T) {
	for wait := range 12 { // at every place between two looks at the run
		synctest.Test(t, func(t *testing.T) {
			w := watch(t, lives(t), settings, func(w *world) {
				pass(3*time.Minute + time.Duration(wait)*90*time.Millisecond)
				w.desk.Note(evidence.Note{Kind: "last", Body: []byte(`{"words":"the last attempt"}`)})
				if err := w.desk.End(t.Context(), w.last[camera].Record.ID, "The plan is done."); err != nil {
					t.Error(err)
				}
			}, time.Minute)
			_, list := w.regrade(t, w.kept(t)[camera])
			if !slices.ContainsFunc(list, func(e evidence.Entry) bool { return e.Kind == evidence.KindNote && e.Note.Kind == "last" }) {
				t.Errorf("after %d ms the last note is not in the log", wait*90)
			}
		})
	}
}
