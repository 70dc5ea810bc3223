//go:build linux

package box

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/lab"
)

// choose chooses the plan of the next run, where there is one.
func (o order) choose(b *Box) error {
	if o.Next.ID == "" {
		return nil
	}
	return b.Next(context.Background(), Next{Run: o.Settings.Run, Plan: o.Next.ID, Steps: o.Next})
}

// flawed is a step with one flawed certificate.
func flawed(flaw string) plan.Step {
	return plan.Step{
		Network: "N2", Experiment: plan.TLS, AtMost: 30 * time.Second, Repeat: 1, Fresh: plan.FreshNever, Cases: []string{flaw}, Attempts: 1,
	}
}

// long is a plan that is cut in its second step.
var long = plan.Plan{ID: "long", Title: "Two experiments and a rest between", Steps: []plan.Step{
	flawed(event.CaseUnknownCA),
	{Network: "N2", Experiment: plan.Observe, AtMost: 6 * time.Second, Repeat: 1, Fresh: plan.FreshNever},
	flawed(event.CaseSelfSigned),
}}

// visiting makes the device visit its server again and again until the returned
// function is called.
func (w *world) visiting(pause string) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	device := w.lab.Device(0).Command(ctx, "sh", "-c", "while :; do "+visit+" sleep "+pause+"; done 2>/dev/null")
	must(w.t, device.Start())
	return sync.OnceFunc(func() {
		cancel()
		_ = device.Wait() // it was killed
	})
}

// TestPlanSurvivesAKill kills the box in the middle of a plan: started again it goes on
// with the step that was cut, in the same log, and the report has what was found before
// and after.
func TestPlanSurvivesAKill(t *testing.T) {
	t.Run("of the settings", func(t *testing.T) { survive(t, order{Steps: long}) })
	t.Run("chosen for the next run", func(t *testing.T) { survive(t, order{Next: long}) })
}

// survive kills a box with one order and starts it again; what was chosen for one run
// alone is not said again.
func survive(t *testing.T, first order) {
	w := newWorld(t, lab.Options{Switch: true})
	before := w.bare()
	p := w.spawn(first)
	p.must("up")
	again := order{Steps: first.Steps}
	w.do(0, lease)
	stop := w.visiting("1")
	defer stop()
	p.must("step 2")
	var cut []byte
	w.until("the log has the step", func() bool {
		cut, _ = os.ReadFile(w.places()[0].Path(store.EvidenceFile))
		return bytes.Contains(cut, []byte(`{"step":2,`)) && w.places()[0].Record().Step == 2
	})
	must(t, p.cmd.Process.Kill())
	p.ended(true)
	stop()
	p = w.spawn(again)
	p.must("up")
	stop = w.visiting("12") // so that it rests between
	defer stop()
	p.must("step 3")
	stop()
	defer w.visiting("1")()
	p.must(string(session.Done))
	must(t, p.in.Close())
	p.must("closed")
	p.ended(false)
	w.unchanged("after a plan that was interrupted", before)
	w.wentOn(cut)
}

// wentOn checks the one run of a plan that was interrupted.
func (w *world) wentOn(cut []byte) {
	w.t.Helper()
	list := w.places()
	place := list[0]
	if r := place.Record(); len(list) != 1 || r.State != store.Done || r.Cuts != 1 || r.Step != 4 {
		w.t.Errorf("%d runs, the first: %+v", len(list), r)
	}
	log, err := os.ReadFile(place.Path(store.EvidenceFile))
	must(w.t, err)
	if kept := len(cut) - 1<<10; kept < 0 || !bytes.HasPrefix(log, cut[:kept]) { // but for a torn end
		w.t.Error("the log does not go on")
	}
	w.same(place, log)
	if got, want := w.phases(), "1 begun, 1 ended, 2 begun, 2 aborted, 2 begun, 2 ended, 3 begun, 3 ended"; got != want {
		w.t.Errorf("steps: %s, want %s", got, want)
	}
	w.foundBoth(place)
}

// foundBoth checks that the report has what was found before and after.
func (w *world) foundBoth(place store.Place) {
	w.t.Helper()
	found := map[string]string{}
	for _, f := range w.report(place).Findings {
		found[f.Check] = f.Verdict
	}
	for _, check := range []string{"TC-01", "TC-02"} { // after, and before
		if v := found[check]; v == "" || v == "NOT TESTED" || v == "INCONCLUSIVE" {
			w.t.Errorf("%s is %q in a report that has to hold what was found on both sides of the interruption", check, v)
		}
	}
}

// phases are those of the steps in the evidence of the device's run.
func (w *world) phases() string {
	w.t.Helper()
	var out []string
	for _, n := range w.steps() {
		out = append(out, fmt.Sprintf("%d %s", n.Step, n.Phase))
	}
	return strings.Join(out, ", ")
}
