package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
)

// Round is one stretch of time with one arm for one name.
type Round struct {
	Experiment string // of the plan's step, as in ArmNote
	// Pair is shared by a control and the attacks that belong to it, from 1.
	Pair int
	Arm  string // event.Arm*
	Name string // canonical
	// Variant is which mismatch the arm stray has: one of Mismatches. Of the arm stripped
	// it may be StrippedPath.
	Variant string
	// Late marks the arms that are only worth trying after flipped and dsdenial were
	// refused (CATALOGUE 2.4, X3); Plan puts them last.
	Late bool
}

// StrippedPath is the variant of the arm stripped in which no answer on the way to the
// name has a signature.
const StrippedPath = "path"

// Outcome is what a Conductor itself saw of a round.
type Outcome struct {
	Asked   bool // an address of the attacked name was asked for
	Changed int  // answers that were changed
	Kept    int  // answers of the attacked name that could not be changed
	Control int  // genuine answers noted as controls
}

// running is the round under way.
type running struct {
	Round
	names   map[string]bool // the attacked name and its aliases
	asked   chan struct{}
	noticed bool
	outcome Outcome
	notes   int
	strayed map[uint16]bool // types that got their stray message
}

// The reasons why a round cannot begin.
var (
	ErrBusy    = errors.New("cannot begin a round: another one is under way; end it first")
	errUnasked = errors.New("the device did not ask for the name")
)

// Begin starts a round. From the first one until Finish every answer to the device
// lives at most 30 s, so that the next round meets fresh questions.
func (c *Conductor) Begin(r Round) error {
	r.Name = dns.CanonicalName(r.Name)
	if err := c.sound(r); err != nil {
		return fmt.Errorf("cannot begin a round: %w", err)
	}
	run := &running{Round: r, names: map[string]bool{r.Name: true}, asked: make(chan struct{}), strayed: map[uint16]bool{}}
	for _, n := range c.Candidates() {
		if n.Name == r.Name {
			run.extend(n.Aliases)
		}
	}
	if r.Arm == event.ArmChain {
		run.extend(hops(r.Name))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round != nil {
		return ErrBusy
	}
	c.round, c.engaged = run, true
	c.counts.Rounds++
	c.noteArm(r, event.Begun, "")
	return nil
}

// sound says what is wrong with a round.
func (c *Conductor) sound(r Round) error {
	if _, valid := dns.IsDomainName(r.Name); !valid || r.Name == "." {
		return fmt.Errorf("%q is not a name that a device connects to", r.Name)
	}
	if r.Arm != event.ArmControl && !slices.Contains(Arms(), r.Arm) {
		return fmt.Errorf("there is no arm %q; there are %s", r.Arm, strings.Join(Arms(), ", "))
	}
	if r.Arm != event.ArmStray {
		if !slices.Contains(variants(r.Arm), r.Variant) {
			return fmt.Errorf("the arm %s has no variant %q", r.Arm, r.Variant)
		}
		return nil
	}
	if c.cfg.Send == nil || len(c.cfg.Canaries) == 0 || !slices.Contains(Mismatches(), r.Variant) {
		return fmt.Errorf("a stray answer needs Config.Send, Config.Canaries and a mismatch, one of %s", strings.Join(Mismatches(), ", "))
	}
	return nil
}

func (r *running) extend(names []string) {
	for _, n := range names {
		if len(r.names) <= aliasLimit {
			r.names[n] = true
		}
	}
}

// Asked is closed when the device has asked for an address of the attacked name in
// the round under way. Between rounds it is nil.
func (c *Conductor) Asked() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round == nil {
		return nil
	}
	return c.round.asked
}

// End ends the round under way, if there is one; why is empty when it went as it
// should, and otherwise says what cut it short.
func (c *Conductor) End(why string) Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.round
	if r == nil {
		return Outcome{}
	}
	c.round = nil
	phase := event.Ended
	if why != "" {
		phase = event.Aborted
	}
	c.noteArm(r.Round, phase, why)
	return r.outcome
}

// Finish ends the experiments: the round under way, and the short TTLs.
func (c *Conductor) Finish() {
	c.End("the experiment ended")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engaged = false
}

// Run does one round: it begins, makes the device start afresh, waits until the
// device asked and then for the window in which it may react, and ends. freshen may
// be nil. The error is freshen's, or the cause of ctx, or says that the device did
// not ask within Config.Patience; the round is ended and noted in each case.
func (c *Conductor) Run(ctx context.Context, r Round, freshen func(context.Context) error, window time.Duration) (Outcome, error) {
	if err := c.Begin(r); err != nil {
		return Outcome{}, err
	}
	err := c.live(ctx, freshen, window)
	if err != nil {
		return c.End(err.Error()), err
	}
	return c.End(""), nil
}

func (c *Conductor) live(ctx context.Context, freshen func(context.Context) error, window time.Duration) error {
	if freshen != nil {
		if err := freshen(ctx); err != nil {
			return fmt.Errorf("cannot make the device start afresh: %w", err)
		}
	}
	patience := time.NewTimer(c.cfg.Patience)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-patience.C:
		return fmt.Errorf("%w within %s", errUnasked, c.cfg.Patience)
	case <-c.Asked():
	}
	watch := time.NewTimer(window)
	defer watch.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-watch.C:
		return nil
	}
}

// IsUnasked says that a round failed because the device did not ask for the name.
func IsUnasked(err error) bool { return errors.Is(err, errUnasked) }
