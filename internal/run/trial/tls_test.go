package trial

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/event"
	"assay/internal/gateway/intercept"
	"assay/internal/run/plan"
)

// caller is a device that connects once a second after it was switched on, so many
// times, and rests then.
type caller struct {
	puppet
	calls  int
	policy intercept.Policy
	met    []string
	react  func(flaw string, n int) string
	known  bool   // it was seen to speak TLS
	off    func() // ends what it does, and waits for the end
}

func (c *caller) Power(context.Context, func(string)) (string, error) {
	c.off()
	stop, resting := make(chan struct{}), make(chan struct{})
	c.resting = resting
	c.off = sync.OnceFunc(func() { close(stop); <-resting })
	c.met = append(c.met, "|")
	go func() {
		defer close(resting)
		for range c.calls {
			select {
			case <-time.After(time.Second):
			case <-stop:
				return
			}
			c.call()
		}
	}()
	return "relay", nil
}

func (c *caller) call() {
	h := intercept.Hello{Server: netip.MustParseAddrPort("192.0.2.1:443"), Name: "cam.example"}
	if c.policy == nil {
		return
	}
	d := c.policy.Decide(h)
	outcome := event.InterceptPassed
	if d.Case != event.CasePass {
		outcome = c.react(d.Case, d.Attempt)
	}
	c.met = append(c.met, d.Case)
	c.policy.Ended(h, d, outcome)
}

func (c *caller) run(t *testing.T, s plan.Step) error {
	t.Helper()
	c.off = func() {}
	ctx, cancel := context.WithTimeout(t.Context(), s.AtMost)
	defer cancel()
	var redirected []string
	e := TLS{Seen: c.known, Use: func(p intercept.Policy) { c.off(); c.policy = p }, Redirect: func(_ context.Context, on bool) error {
		redirected = append(redirected, fmt.Sprint(on))
		return nil
	}}
	err := e.Run(ctx, c, s, turn(c))
	if strings.Join(redirected, " ") != "true false" || c.policy != nil {
		t.Errorf("redirected %v, policy %v", redirected, c.policy)
	}
	return err
}

var flawedServers = plan.Step{Network: "N2", Experiment: plan.TLS, AtMost: 10 * time.Minute, Attempts: 3,
	Cases: []string{event.CaseUnknownCA, event.CaseWrongName}}

func TestFlawsOfAStep(t *testing.T) {
	refuse := func(string, int) string { return event.InterceptRefused }
	for name, tc := range map[string]struct {
		calls int
		react func(string, int) string
		met   string
	}{
		"many calls": {8, refuse, "| pass unknown-ca unknown-ca unknown-ca | unknown-ca | pass"},
		"accepts":    {8, func(string, int) string { return event.InterceptAccepted }, "| pass unknown-ca | pass"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &caller{calls: tc.calls, react: tc.react}
				if err := c.run(t, flawedServers); err != nil {
					t.Error(err)
				}
				if got := strings.Join(c.met, " "); !strings.HasPrefix(got, tc.met) {
					t.Errorf("it met\n%s\nwant\n%s", got, tc.met)
				}
			})
		})
	}
}

// TestADeviceThatCallsOnceAtEachStart never has its row, and has its control all the same.
func TestADeviceThatCallsOnceAtEachStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &caller{calls: 1, react: func(string, int) string { return event.InterceptRefused }}
		if err := c.run(t, flawedServers); err != nil {
			t.Error(err)
		}
		if got := strings.Join(c.met, " "); !strings.HasSuffix(got, "| unknown-ca | pass") {
			t.Errorf("it met %s", got)
		}
	})
}

// TestADeviceWithoutTLS is given up after one start, one that was seen to speak TLS
// after three.
func TestADeviceWithoutTLS(t *testing.T) {
	for known, want := range map[bool]struct {
		says   string
		starts int
	}{false: {"none was seen before", 1}, true: {"no TLS connection came in 3 starts", 3}} {
		synctest.Test(t, func(t *testing.T) {
			c := &caller{known: known}
			if err := c.run(t, flawedServers); err == nil || !strings.Contains(err.Error(), want.says) || len(c.met) != want.starts {
				t.Errorf("error %v after %d starts, want %q after %d", err, len(c.met), want.says, want.starts)
			}
		})
	}
}
