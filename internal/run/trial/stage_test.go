package trial

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"assay/internal/run/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// puppet is a device that opens conversations at given times after it was switched on.
type puppet struct {
	opens   []time.Duration
	on      time.Time
	rests   time.Duration // after it was switched on; 0 for never
	resting chan struct{}
	starts  int
}

func (p *puppet) Seen(context.Context) (Seen, error) {
	n := 0
	for _, at := range p.opens {
		if time.Since(p.on) >= at {
			n++
		}
	}
	return Seen{Opens: n + p.starts*len(p.opens)}, nil
}

func (p *puppet) Power(context.Context, func(string)) (string, error) {
	p.on, p.starts = time.Now(), p.starts+1
	if p.rests > 0 {
		off := make(chan struct{})
		p.resting = off
		time.AfterFunc(p.rests, func() { close(off) })
	}
	return "relay", nil
}

func (p *puppet) Resting() <-chan struct{} { return p.resting }

func TestWatchesUntilNothingNewHappens(t *testing.T) {
	watch := plan.Step{Experiment: plan.Observe, Settled: true, Window: 10 * time.Second}
	for name, tc := range map[string]struct {
		device puppet
		want   time.Duration // about
	}{
		"three conversations": {puppet{opens: []time.Duration{time.Second, 4 * time.Second, 13 * time.Second}}, 23 * time.Second},
		"it rests":            {puppet{opens: []time.Duration{time.Second}, rests: 2 * time.Second}, 2 * time.Second},
		"never":               {puppet{}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				s := New(Config{Device: &tc.device})
				if _, err := s.Fresh(ctx, nil); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				err := s.Do(ctx, watch, plan.Turn{})
				if took := time.Since(began); took < tc.want || took > tc.want+time.Second {
					t.Errorf("it took %s, want %s; %v", took, tc.want, err)
				}
				<-time.After(time.Minute) // what the puppet still had to do
			})
		})
	}
}

func TestFreshStartNeedsNobodyRightAfterPluggingIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &puppet{}
		s := New(Config{Device: d, Plugged: time.Now()})
		for i, want := range []string{"plugged", "relay", "relay"} {
			if how, err := s.Fresh(t.Context(), nil); how != want || err != nil {
				t.Errorf("start %d: %q, %v", i, how, err)
			}
		}
		late := New(Config{Device: d, Plugged: time.Now().Add(-time.Minute)})
		if how, _ := late.Fresh(t.Context(), nil); how != "relay" {
			t.Errorf("a minute after it was plugged in: %q", how)
		}
	})
}

type failing struct{}

func (failing) Run(context.Context, Device, plan.Step, plan.Turn) error { return errors.New("no key") }

func TestSaysWhatCannotBeDone(t *testing.T) {
	s := New(Config{Device: &puppet{}, Experiments: map[string]Experiment{plan.TLS: failing{}}})
	if err := s.Do(t.Context(), plan.Step{Experiment: plan.Probe}, plan.Turn{}); err == nil || !strings.Contains(err.Error(), "probe is not built") {
		t.Errorf("probe: %v", err)
	}
	if err := s.Do(t.Context(), plan.Step{Experiment: plan.TLS}, plan.Turn{}); err == nil || err.Error() != "no key" {
		t.Errorf("tls: %v", err)
	}
}
