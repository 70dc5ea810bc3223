package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/internal/assess/event"
	"assay/internal/gateway/intercept"
	"assay/internal/run/plan"
)

// TLS is the experiment with flawed servers.
type TLS struct {
	// Use makes the interceptor follow a policy, or none.
	Use func(p intercept.Policy)
	// Redirect leads the device's TLS to the interceptor and shuts out QUIC, so that it
	// falls back to TCP, or no longer.
	Redirect func(ctx context.Context, on bool) error
	// Operator says that there is a certificate of the operator's.
	Operator bool
	// Seen says that the device was seen to speak TLS: then it is made to start afresh
	// more often before it is given up.
	Seen bool
}

// Pace of the experiment.
const (
	bootsWanted = 2                // in which each flaw is tried (CATALOGUE 3.4)
	tlsQuiet    = 20 * time.Second // without a connection until the device is made to start afresh
	silentMost  = 3                // starts in a row after which nothing came from a device that speaks TLS
	silentFirst = 1                // the same, of one that was never seen to
	attackShare = 0.75             // of the step's time; the rest is for the last control
)

// Run tries the flaws of the step at every destination, and lets the device connect
// untouched at the end.
func (e TLS) Run(ctx context.Context, d Device, s plan.Step, t plan.Turn) (err error) {
	c := intercept.NewCampaign(intercept.Wish{Cases: e.cases(s.Cases), Attempts: s.Attempts, Boots: bootsWanted})
	if err := e.Redirect(ctx, true); err != nil {
		return fmt.Errorf("cannot lead its connections to the box: %w", err)
	}
	e.Use(c)
	defer func() {
		e.Use(nil)
		err = errors.Join(err, e.Redirect(context.WithoutCancel(ctx), false))
	}()
	attacks, cancel := context.WithTimeoutCause(ctx, time.Duration(float64(s.AtMost)*attackShare), errEnough)
	defer cancel()
	a := attack{c, d, s, t, silentFirst}
	if e.Seen {
		a.patience = silentMost
	}
	err = a.until(attacks, func(n intercept.Standing) bool { return n.Places > 0 && n.Wanted+n.Open == 0 }, func(n intercept.Standing) bool { return n.Here+n.Open == 0 })
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	c.Close()
	served := func(n intercept.Standing) bool { return n.Controls == 0 }
	return a.until(ctx, served, served)
}

// errEnough ends the flaws while there is time for the last control.
var errEnough = errors.New("the time for flaws is over")

// cases are those of the step that can be presented here.
func (e TLS) cases(wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(flaw string) bool {
		return !e.Operator && (flaw == event.CaseWrongName || flaw == event.CaseLeafAsCA)
	})
}

// attack is one experiment on its way.
type attack struct {
	campaign *intercept.Campaign
	device   Device
	step     plan.Step
	turn     plan.Turn
	patience int // starts in a row
}

// until makes the device start afresh again and again until the campaign stands as
// wanted; here says that there is nothing more to do before the next start.
func (a attack) until(ctx context.Context, done, here func(intercept.Standing) bool) error {
	silent := 0
	for !done(a.campaign.Standing()) {
		if err := a.turn.Gate(ctx); err != nil {
			return err
		}
		a.tell()
		if err := a.turn.Fresh(ctx); err != nil {
			return fmt.Errorf("the device could not be made to start afresh: %w", err)
		}
		a.campaign.Boot()
		came, err := a.watch(ctx, func(n intercept.Standing) bool { return done(n) || n.Places > 0 && here(n) })
		if err != nil {
			return err
		}
		if silent++; came {
			silent, a.patience = 0, silentMost
		}
		if silent >= a.patience {
			return a.nothingCame()
		}
	}
	return nil
}

// nothingCame says that the device began no TLS connection.
func (a attack) nothingCame() error {
	if a.patience == silentFirst {
		return errors.New("no TLS connection came after a start, and none was seen before")
	}
	return fmt.Errorf("no TLS connection came in %d starts in a row", a.patience)
}

// watch waits until enough connections came, or none comes any more.
func (a attack) watch(ctx context.Context, enough func(intercept.Standing) bool) (came bool, err error) {
	quiet := time.NewTimer(tlsQuiet)
	defer quiet.Stop()
	for {
		select {
		case <-a.campaign.Changed():
			came = true
			quiet.Reset(tlsQuiet)
			a.tell()
		case <-quiet.C:
			return came, nil
		case <-a.device.Resting():
			return came || isReady(a.campaign.Changed()), nil
		case <-ctx.Done():
			return came, context.Cause(ctx)
		}
		if enough(a.campaign.Standing()) {
			return came, nil
		}
	}
}

func isReady(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (a attack) tell() {
	n := a.campaign.Standing()
	a.turn.Tell(n.Tries, 0, fmt.Sprintf("%s: %d connections to %d servers so far", a.step.Words(), n.Tries, n.Places))
}
