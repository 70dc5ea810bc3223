package light

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

// dark and bright is a rhythm with the colour taken away, over three seconds.
func bright(p Pattern) string {
	var out strings.Builder
	for t := time.Duration(0); t < 3*time.Second; t += slot {
		if p.At(t) == Dark {
			out.WriteByte('.')
		} else {
			out.WriteByte('#')
		}
	}
	return out.String()
}

// TestRhythmsTellStatesApart: with the colours taken away.
func TestRhythmsTellStatesApart(t *testing.T) {
	for _, group := range [][]Pattern{{good, remarks, bad, critical, unknown, off, examined}, {waiting, working, asking, trouble, done}} {
		for i, a := range group {
			if a.Words() == "" || a.At(-time.Second) != a.At(0) {
				t.Errorf("%s has no words or no begin", a.Name())
			}
			for _, b := range group[:i] {
				if bright(a) == bright(b) || a.Name() == b.Name() {
					t.Errorf("%s and %s look alike", a.Name(), b.Name())
				}
			}
		}
	}
}

var states = []report.LampState{
	report.LampGood, report.LampRemarks, report.LampBad, report.LampCritical, report.LampUnknown, report.LampOff, "", "nonsense",
}

// aRun is any run there can be, and some there cannot.
func aRun(t *rapid.T) panel.Run {
	r := panel.Run{
		State:  rapid.SampledFrom([]string{"", "waiting", "joined", "observing", "concluding", "done", "left", "interrupted"}).Draw(t, "state"),
		Graded: rapid.Bool().Draw(t, "graded"), Trouble: rapid.SampledFrom([]string{"", "the disk is full"}).Draw(t, "trouble"),
	}
	for _, name := range names[:RunLamp] {
		if rapid.Bool().Draw(t, "has "+name) {
			r.Report.Lamps = append(r.Report.Lamps, report.Lamp{Name: name, State: rapid.SampledFrom(states).Draw(t, name)})
		}
	}
	return r
}

// TestGreenIsOnlyWhatAReportCallsGood: nothing seen is never green.
func TestGreenIsOnlyWhatAReportCallsGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := aRun(t)
		lit := Of(panel.Live{Runs: []panel.Run{r}})
		for i, name := range names[:RunLamp] {
			said := report.LampState("")
			for _, l := range r.Report.Lamps {
				if l.Name == name {
					said = l.State
				}
			}
			earned := r.Graded && (said == report.LampGood || said == report.LampRemarks)
			if lit[i].colour == Green && !earned {
				t.Fatalf("%s is %s, and the report says %q (graded: %v)", name, lit[i].Name(), said, r.Graded)
			}
			if lit[i] == good && said != report.LampGood {
				t.Fatalf("%s is steady green for %q", name, said)
			}
		}
	})
}

// TestTheRunLamp
func TestTheRunLamp(t *testing.T) {
	for _, c := range []struct {
		live panel.Live
		want Pattern
	}{
		{panel.Live{}, waiting},
		{panel.Live{Runs: []panel.Run{{State: "waiting"}}}, waiting},
		{panel.Live{Runs: []panel.Run{{State: "joined"}}}, working},
		{panel.Live{Runs: []panel.Run{{State: "observing", Step: panel.Step{Ask: "Unplug it."}}}}, asking},
		{panel.Live{Runs: []panel.Run{{State: "observing", Trouble: "disk full"}}}, trouble},
		{panel.Live{Runs: []panel.Run{{State: "done"}}}, done},
	} {
		if got := Of(c.live)[RunLamp]; got != c.want {
			t.Errorf("%+v is %s, not %s", c.live, got.Name(), c.want.Name())
		}
	}
	if lit := Lit(panel.Live{}); len(lit) != Lamps || lit[RunLamp].Pattern != "lit-waiting" || lit[0].Name != "DNSSEC" {
		t.Errorf("%+v", lit)
	}
}

// TestTheLineOfATerminal: every pattern has a sign, and the words are there without
// colours.
func TestTheLineOfATerminal(t *testing.T) {
	for _, p := range []Pattern{good, remarks, bad, critical, unknown, off, examined, waiting, working, asking, trouble, done} {
		if signs[p.Name()] == "" || colours[p.colour] == "" || !strings.Contains(p.Words(), ": ") {
			t.Errorf("%s has no sign or no words", p.Name())
		}
	}
	live := panel.Live{Runs: []panel.Run{{State: "done", Graded: true, Report: report.Report{Lamps: []report.Lamp{{Name: "TLS", State: report.LampCritical}}}}}}
	if got := Line(live, false); got != "? DNSSEC not proven  ✗✗ TLS bad  ? IPv6 not proven  ? Credentials not proven  ● Run finished" {
		t.Errorf("%s", got)
	}
	if got := Line(live, true); !strings.Contains(got, "\x1b[31m✗✗\x1b[0m TLS bad") {
		t.Errorf("%q", got)
	}
}

// TestOnlyChangesAreWritten: a line of a real board is not written ten times a second.
func TestOnlyChangesAreWritten(t *testing.T) {
	board := &Virtual{}
	p := NewPlayer(board)
	at := time.Unix(0, 0)
	steady := [Lamps]Pattern{good, good, good, good, done}
	for range 50 {
		if err := p.Show(steady, at); err != nil {
			t.Fatal(err)
		}
		at = at.Add(slot)
	}
	if board.sets != Lamps || board.Lamps() != [Lamps]Colour{Green, Green, Green, Green, Green} {
		t.Errorf("%d writes, %v", board.sets, board.Lamps())
	}
	steady[0] = bad
	if err := p.Show(steady, at); err != nil || board.Lamps()[0] != Red {
		t.Errorf("a pattern begins lit: %v %v", board.Lamps(), err)
	}
	if err := p.Off(); err != nil || board.Lamps() != [Lamps]Colour{} {
		t.Errorf("%v %v", board.Lamps(), err)
	}
}

// broken is a board whose third write fails.
type broken struct {
	Virtual
	writes int
}

func (b *broken) Set(lamp int, c Colour) error {
	if b.writes++; b.writes == 3 {
		return errors.New("no current")
	}
	return b.Virtual.Set(lamp, c)
}

// TestALampThatFailsIsWrittenAgain
func TestALampThatFailsIsWrittenAgain(t *testing.T) {
	board := &broken{}
	p := NewPlayer(board)
	lit := [Lamps]Pattern{good, good, good, good, done}
	if err := p.Show(lit, time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "IPv6") {
		t.Errorf("the error is %v", err)
	}
	if err := p.Show(lit, time.Unix(1, 0)); err != nil || board.Lamps()[2] != Green {
		t.Errorf("%v %v", board.Lamps(), err)
	}
}

// TestPlayEndsDark: and follows what goes on until then.
func TestPlayEndsDark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := &Virtual{}
		ctx, stop := context.WithCancel(t.Context())
		ticks := time.NewTicker(Every)
		defer ticks.Stop()
		ended := make(chan error, 1)
		live := panel.Live{Runs: []panel.Run{{State: "done", Graded: true, Report: report.Report{Lamps: []report.Lamp{{Name: "TLS", State: report.LampGood}}}}}}
		go func() { ended <- NewPlayer(board).Play(ctx, func() panel.Live { return live }, ticks.C) }()
		<-time.After(time.Second)
		if got := board.Lamps(); got[1] != Green || got[RunLamp] != Green {
			t.Errorf("it shows %v", got)
		}
		stop()
		if err := <-ended; err != nil || board.Lamps() != [Lamps]Colour{} {
			t.Errorf("%v %v", board.Lamps(), err)
		}
	})
}

// TestTheTestLightsEveryLamp: one at a time, and says which.
func TestTheTestLightsEveryLamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := &Virtual{}
		var told []string
		if err := NewPlayer(board).Test(t.Context(), func(w string) { told = append(told, w) }); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2*RunLamp+1 || told[0] != "DNSSEC: red" || told[8] != "Run: green" || board.Lamps() != [Lamps]Colour{} {
			t.Errorf("%q %v", told, board.Lamps())
		}
	})
}

// TestATestGivesTheLampsBack: a steady lamp is lit again after it, and one test goes on
// at a time.
func TestATestGivesTheLampsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := &Virtual{}
		p := NewPlayer(board)
		steady := [Lamps]Pattern{good, good, good, good, done}
		show := func() {
			if err := p.Show(steady, time.Now()); err != nil {
				t.Error(err)
			}
		}
		show()
		ended := make(chan error, 1)
		go func() { ended <- p.Test(t.Context(), func(string) {}) }()
		synctest.Wait()
		show()
		if got := board.Lamps(); got != [Lamps]Colour{Red} {
			t.Errorf("the test is disturbed: %v", got)
		}
		if err := p.Test(t.Context(), func(string) {}); !errors.Is(err, ErrBusy) {
			t.Errorf("a second test at a time: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		show()
		if got := board.Lamps(); got != [Lamps]Colour{Green, Green, Green, Green, Green} {
			t.Errorf("after the test: %v", got)
		}
	})
}
