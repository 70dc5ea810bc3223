package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/event"
	"assay/rules"
)

func TestShippedPlansAreSound(t *testing.T) {
	list, err := Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"demo", "full", "quick"} {
		p, err := Find(list, id)
		if err != nil {
			t.Error(err)
		}
		if p.Steps[0].Experiment != Observe {
			t.Errorf("%s: the first step is %s: an experiment needs to know what the device does by itself", id, p.Steps[0].Experiment)
		}
	}
	if _, err := Find(list, "short"); err == nil || !strings.Contains(err.Error(), "demo, full, quick") {
		t.Errorf("unknown plan: %v", err)
	}
}

const good = `id: x
title: X
steps:
  - {network: N2, experiment: tls, at_most: 2m, fresh: round, repeat: 2, cases: [unknown-ca, tls-1.1], attempts: 4}
  - {network: N3, experiment: observe, at_most: 20m, stop: settled}
  - {network: N2, experiment: dnssec, at_most: 20m}
`

func TestReads(t *testing.T) {
	p, err := Read("x.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{
		{Network: "N2", Experiment: TLS, AtMost: 2 * time.Minute, Repeat: 2, Fresh: FreshRound, Attempts: 4, Line: 4,
			Cases: []string{event.CaseUnknownCA, event.CaseTLS11}},
		{Network: "N3", Experiment: Observe, AtMost: 20 * time.Minute, Repeat: 1, Fresh: FreshNever, Settled: true, Window: usualWindow, Line: 5},
		{Network: "N2", Experiment: DNSSEC, AtMost: 20 * time.Minute, Repeat: 1, Fresh: FreshNever, Pairs: 3, Names: 2, Window: usualWindow, Line: 6,
			Arms: []string{event.ArmFlipped, event.ArmDSDenial, event.ArmStripped}},
	}
	if diff := cmp.Diff(want, p.Steps); diff != "" {
		t.Error(diff)
	}
	if p.Longest() != 44*time.Minute || len(p.unrolled()) != 4 {
		t.Errorf("longest %s in %d steps", p.Longest(), len(p.unrolled()))
	}
}

func TestTellsAllThatIsWrong(t *testing.T) {
	const bad = `id: x
colour: red
steps:
  - {network: N9, experiment: observe, at_most: 20m}
  - {network: N1, experiment: observe, at_most: soon, cases: [unknown-ca]}
  - {network: N1, experiment: tls, at_most: 1m, cases: [pass], attempts: 0}
  - {experiment: dns, arms: [flipped, drop, drop]}
  - {network: N1, network: N2, experiment: lookup, at_most: 1m}
`
	_, err := Read("x.yaml", []byte(bad))
	if err == nil {
		t.Fatal("it was read")
	}
	for _, want := range []string{
		`x.yaml:2:1: "colour" is not known here`, `x.yaml:4:15: "N9" is not one of N1`, `x.yaml:5:49: here belongs a time`,
		`x.yaml:5:62: cases does not belong to the experiment observe`, `"pass" is not one of`, `from 1 to 50`,
		`"flipped" is not one of nxdomain`, `"drop" stands here twice`, `a step needs network`, `"network" stands here twice`,
		`a plan needs an id, a title`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\n%v", want, err)
		}
	}
	for _, text := range []string{"", "- a", "id: [", "steps: {}", "id: {a: b}\ntitle: t\nsteps: [x]"} {
		if _, err := Read("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read("x.yaml", text)
		if err != nil {
			return
		}
		for _, s := range p.unrolled() {
			if s.AtMost <= 0 || s.Network == "" || s.Words() == "" {
				t.Fatalf("accepted: %+v", s)
			}
		}
	})
}
