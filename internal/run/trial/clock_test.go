package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/event"
	"assay/internal/run/plan"
)

var telling = plan.Step{Network: "N2", Experiment: plan.Clock, Fresh: plan.FreshRound, Window: 5 * time.Second}

// teller is a box that notes what it told.
type teller struct {
	puppet
	servers []event.ClockServer
	said    []string
}

func (c *teller) Power(ctx context.Context, ask func(string)) (string, error) {
	c.said = append(c.said, "start")
	return c.puppet.Power(ctx, ask)
}

func (c *teller) experiment() Clock {
	return Clock{
		Servers: func(context.Context) ([]event.ClockServer, error) { return c.servers, nil },
		Tell: func(offset time.Duration, servers []event.ClockServer) {
			c.said = append(c.said, fmt.Sprintf("%d days for %d", int(offset/(24*time.Hour)), len(servers)))
		},
		Redirect: func(_ context.Context, on bool) error {
			c.said = append(c.said, fmt.Sprint(on))
			return nil
		},
	}
}

func ends(in time.Duration) event.ClockServer {
	return event.ClockServer{NotAfter: time.Now().Add(in)}
}

func TestTheTimeIsMovedAndPutRight(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		ends []time.Duration
		said string
		fail error
	}{
		"two servers":              {[]time.Duration{90 * day, 10 * day}, "true, start, 119 days for 2, start, start, 0 days for 0, start, false", nil},
		"one has ended long since": {[]time.Duration{-400 * day}, "true, start, 30 days for 1, start, start, 0 days for 0, start, false", nil},
		"one never ends":           {[]time.Duration{50 * 365 * day}, "true, start, false", plan.ErrImpossible},
		"no server":                {nil, "true, start, false", plan.ErrImpossible},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &teller{puppet: puppet{opens: []time.Duration{time.Second}}}
				for _, in := range c.ends {
					d.servers = append(d.servers, ends(in))
				}
				if err := d.experiment().Run(t.Context(), d, telling, turn(d)); !errors.Is(err, c.fail) {
					t.Errorf("error %v, want %v", err, c.fail)
				}
				if got := strings.Join(d.said, ", "); got != c.said {
					t.Errorf("it did\n%s\nwant\n%s", got, c.said)
				}
			})
		})
	}
}

// TestTheTimeIsPutRightWhateverHappens: an end in the middle leaves the true time.
func TestTheTimeIsPutRightWhateverHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		d := &teller{puppet: puppet{opens: []time.Duration{time.Second}}, servers: []event.ClockServer{ends(time.Hour)}}
		time.AfterFunc(10*time.Second, func() { cancel(errors.New("the operator skipped it")) })
		err := d.experiment().Run(ctx, d, telling, turn(d))
		if err == nil || !strings.HasSuffix(strings.Join(d.said, ", "), "0 days for 0, false") {
			t.Errorf("error %v after %v", err, d.said)
		}
	})
}
