//go:build linux

package box

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/run/config"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/testbench/lab"
)

// twice is a plan whose second step needs a fresh start: for the first the device was
// just plugged in.
var twice = plan.Plan{ID: "twice", Title: "Watch it twice", Steps: []plan.Step{{
	Network: "N2", Experiment: plan.Observe, AtMost: 3 * time.Second, Repeat: 2, Fresh: plan.FreshStep,
}}}

// planning is a world with a box that carries a plan out.
func planning(t *testing.T, o lab.Options, p plan.Plan, change func(*Config)) *world {
	t.Helper()
	w := newWorld(t, o)
	w.change = func(c *Config) {
		c.Steps, c.Plan = p, p.ID
		change(c)
	}
	w.start()
	return w
}

// stands is where the plan of the device's one run stands.
func (w *world) stands() (s session.Snapshot) {
	if list := w.runs.of(mac(0)); len(list) > 0 {
		s = list[0]
	}
	return s
}

// ended waits for the end of the run.
func (w *world) endOfRun() session.Snapshot {
	w.t.Helper()
	w.until("the run ends", func() bool { return w.stands().State.Ended() })
	return w.stands()
}

// steps are the notes of steps in the evidence of the device's run.
func (w *world) steps() (out []event.StepNote) {
	w.t.Helper()
	for _, e := range w.entries(w.places()[0]) {
		var n event.StepNote
		if e.Kind == evidence.KindNote && e.Note.Kind == event.NoteStep && json.Unmarshal(e.Note.Body, &n) == nil {
			out = append(out, n)
		}
	}
	return out
}

// TestOperatorUnplugsTheDevice: the request is shown, and the plan goes on when the
// device is there again.
func TestOperatorUnplugsTheDevice(t *testing.T) {
	w := planning(t, lab.Options{Switch: true}, twice, func(c *Config) { c.Settings.Run.Fresh = config.FreshOperator })
	w.do(0, lease+visit)
	w.until("somebody is asked", func() bool { return w.stands().Plan.Ask != "" })
	p := w.stands().Plan
	if !strings.Contains(p.Ask, "Unplug") || time.Since(p.Asked) > patience || p.Step != 2 || len(p.Past) != 1 {
		t.Errorf("shown while it is waited for: %+v", p)
	}
	must(t, w.lab.Device(0).Down(lab.DeviceLink))
	down := time.After(asleepForSure)
	<-down
	w.do(0, "ip link set eth0 up\n"+lease+visit)
	end := w.endOfRun()
	if end.Plan.Ask != "" || !end.Plan.Ended || len(end.Plan.Past) != 2 || end.Why != "The plan was carried through." {
		t.Errorf("at the end: %s %+v", end.Why, end.Plan)
	}
	if got := w.freshBy(); got != "plugged operator" {
		t.Errorf("the device started afresh by: %s", got)
	}
}

// asleepForSure is longer than the silence by which a device without power is known.
const asleepForSure = 2500 * time.Millisecond

// TestNobodyUnplugsTheDevice: the step is skipped, and says why.
func TestNobodyUnplugsTheDevice(t *testing.T) {
	w := planning(t, lab.Options{Switch: true}, twice, func(c *Config) {
		c.Settings.Run.Fresh, c.Patience = config.FreshOperator, time.Second
	})
	w.do(0, lease+visit)
	w.endOfRun()
	list := w.steps()
	last := list[len(list)-1]
	if last.Step != 2 || last.Phase != event.Skipped || !strings.Contains(last.Why, "nobody unplugged the device within 1s") {
		t.Errorf("the last note of a step: %+v", last)
	}
}

// TestLinkBounce: the LAN port goes down and up, as its cable shows the device, and the
// device finds the same network again.
func TestLinkBounce(t *testing.T) {
	longer := twice
	longer.Steps = slices.Clone(twice.Steps)
	longer.Steps[0].AtMost = 8 * time.Second
	w := planning(t, lab.Options{}, longer, func(*Config) {})
	w.do(0, lease+visit)
	link := func() string { return w.do(0, "ip link show dev eth0") }
	w.until("the port is down", func() bool { return !w.portUp() })
	must(t, w.lab.Unplug(0)) // the lab's cable has two ends of its own
	w.until("the device has no carrier", func() bool { return strings.Contains(link(), "NO-CARRIER") })
	w.until("the port is up", w.portUp)
	must(t, w.lab.Plug(0))
	w.until("the carrier is back", func() bool { return w.carrier() && !strings.Contains(link(), "NO-CARRIER") })
	w.do(0, lease+visit)
	end := w.endOfRun()
	if got := w.freshBy(); got != "plugged link" || end.Plan.Past[1].Phase != event.Ended {
		t.Errorf("the device started afresh by: %s; the plan: %+v", got, end.Plan.Past)
	}
	if all := w.saidOfLink(); !strings.Contains(all, "down") || !strings.Contains(all, "up") {
		t.Errorf("the evidence says of the link: %s", all)
	}
}

// freshBy is how the device started afresh in each step, as the evidence says.
func (w *world) freshBy() string {
	var out []string
	for _, n := range w.steps() {
		if n.Phase == event.Begun {
			out = append(out, n.Fresh)
		}
	}
	return strings.Join(out, " ")
}

// saidOfLink is what the evidence says of the cable.
func (w *world) saidOfLink() string {
	var out []string
	for _, e := range w.entries(w.places()[0]) {
		if e.Kind == evidence.KindNote && e.Note.Kind == "link" {
			out = append(out, string(e.Note.Body))
		}
	}
	return strings.Join(out, " ")
}

// portUp says whether the LAN port is switched on.
func (w *world) portUp() bool {
	links, err := w.kernel.Links()
	must(w.t, err)
	for _, l := range links {
		if l.Name == lab.LANLink {
			return l.Up
		}
	}
	return false
}

// TestStrayAnswers: an answer that does not belong to its question reaches the device
// before the genuine one, and the evidence holds both.
func TestStrayAnswers(t *testing.T) {
	stray := plan.Plan{ID: "stray", Title: "Stray answers", Steps: []plan.Step{
		{Network: "N2", Experiment: plan.Observe, AtMost: 4 * time.Second, Repeat: 1},
		{
			Network: "N2", Experiment: plan.DNS, AtMost: time.Minute, Repeat: 1, Fresh: plan.FreshRound, Arms: []string{event.ArmStray},
			Pairs: 1, Names: 1, Window: time.Second,
		},
	}}
	var w *world
	w = planning(t, lab.Options{Switch: true}, stray, func(c *Config) {
		c.Power = func(context.Context) (string, error) {
			_, err := w.try(0, visit)
			return "relay", err
		}
	})
	w.do(0, lease+visit+visit)
	end := w.endOfRun()
	strays := 0
	for _, e := range w.entries(w.places()[0]) {
		var n event.FaultedNote
		if e.Kind == evidence.KindNote && e.Note.Kind == event.NoteFaulted && json.Unmarshal(e.Note.Body, &n) == nil && n.Arm == event.ArmStray && n.Canary.IsValid() {
			strays++
		}
	}
	if strays == 0 {
		t.Errorf("no stray answer was sent; the plan: %+v", end.Plan.Past)
	}
}
