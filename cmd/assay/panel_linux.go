package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/assess"
	"assay/internal/panel"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/plan"
	"assay/rules"
)

// controls let the page give orders to a box.
type controls struct {
	box   *box.Box
	base  box.Next // what the settings say
	lamps *lamps   // nil without a board
	// fixed says that the plan and the profile are those of the settings.
	fixed bool
}

// Next says what the next run begins with.
func (c controls) Next(ctx context.Context, d panel.Details) error {
	n := c.base
	n.Run.Operator, n.Run.Label, n.Run.Serial, n.Run.Firmware = d.Operator, d.Label, d.Serial, d.Firmware
	n.Consent, n.Reset = consent(d, time.Now().Format(time.DateOnly)), d.Reset
	if d.Profile != "" && !c.fixed {
		n.Run.Profile = d.Profile
	}
	if d.Plan != "" && !c.fixed {
		steps, err := loadSteps(d.Plan)
		if err != nil {
			return fmt.Errorf("%w: %w", panel.ErrImpossible, err)
		}
		n.Steps, n.Plan = steps, steps.ID
	}
	return c.box.Next(ctx, n)
}

// End ends a run.
func (c controls) End(ctx context.Context, run, why string) error {
	if err := c.box.Desk().End(ctx, run, why); err != nil {
		return fmt.Errorf("%w: %w", panel.ErrImpossible, err)
	}
	return nil
}

// Plan pauses, resumes or aborts a plan, or skips its step.
func (c controls) Plan(run, do string) error {
	r := c.box.RunnerOf(run)
	if r == nil {
		return fmt.Errorf("%w: the run has no plan that goes on", panel.ErrImpossible)
	}
	map[string]func(){
		panel.OrderPause: r.Pause, panel.OrderResume: r.Resume, panel.OrderSkip: r.Skip, panel.OrderAbort: r.Abort,
	}[do]()
	return nil
}

// State records a statement of the operator.
func (c controls) State(ctx context.Context, key, value string) error {
	return c.box.Desk().State(ctx, key, value)
}

// errNoBoard says that there are no lamps.
var errNoBoard = errors.New("there is no board with lamps")

// Lamps lights each lamp of the board in turn.
func (c controls) Lamps(ctx context.Context) error {
	if c.lamps != nil {
		return c.lamps.test(ctx, func(string) {})
	}
	return fmt.Errorf("%w: %w", panel.ErrImpossible, errNoBoard)
}

// aboutBox is what every box says of itself.
func aboutBox(book assess.Book, ports config.Ports) panel.About {
	a := panel.About{Version: programVersion(), Rules: book.Digest, LAN: ports.LAN, WAN: ports.WAN}
	for _, p := range book.Profiles {
		a.Profiles = append(a.Profiles, panel.Choice{ID: p.ID, Title: p.Title})
	}
	a.Plans = []panel.Choice{{ID: planObserve, Title: "Only watch"}}
	if list, err := plan.Load(rules.FS); err == nil { // the program's own plans; a test reads them
		for _, p := range list {
			a.Plans = append(a.Plans, panel.Choice{ID: p.ID, Title: p.Title})
		}
	}
	return a
}
