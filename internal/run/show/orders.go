package show

import (
	"context"
	"fmt"

	"assay/internal/panel"
	"assay/internal/run/store"
)

// Order carries an order out.
func (s *Show) Order(ctx context.Context, o panel.Order) error {
	switch o.Kind {
	case panel.OrderLabel, panel.OrderKeep, panel.OrderUnkeep, panel.OrderDelete:
		return s.file(o)
	}
	s.mu.Lock()
	c := s.controls
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("%w: the box is not ready yet", panel.ErrImpossible)
	}
	switch o.Kind {
	case panel.OrderStart:
		return s.next(ctx, c, o.Details)
	case panel.OrderEnd:
		return c.End(ctx, o.Run, "The operator ended the run.")
	case panel.OrderPause, panel.OrderResume, panel.OrderSkip, panel.OrderAbort:
		return c.Plan(o.Run, o.Kind)
	case panel.OrderState:
		return c.State(ctx, o.Key, o.Value)
	case panel.OrderLamps:
		return c.Lamps(ctx)
	}
	return fmt.Errorf("%w: nobody knows the order %q", panel.ErrImpossible, o.Kind)
}

// next tells what the next run begins with.
func (s *Show) next(ctx context.Context, c Controls, d panel.Details) error {
	if err := c.Next(ctx, d); err != nil {
		return err
	}
	s.Tell(d)
	return nil
}

// Tell takes what the next run begins with.
func (s *Show) Tell(d panel.Details) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = d
	s.tell()
}

// file changes what is kept of a run.
func (s *Show) file(o panel.Order) error {
	p, err := s.place(o.Run)
	if err != nil {
		return err
	}
	switch o.Kind {
	case panel.OrderDelete:
		if p.Record().State == store.Running {
			return fmt.Errorf("%w: the run goes on; end it first", panel.ErrImpossible)
		}
		s.forget(o.Run)
		return p.Delete()
	case panel.OrderLabel:
		return p.Update(func(r *store.Record) {
			r.Label, r.Serial, r.Firmware = o.Details.Label, o.Details.Serial, o.Details.Firmware
		})
	}
	return p.Update(func(r *store.Record) { r.Kept = o.Kind == panel.OrderKeep })
}

// forget drops a run from the live views.
func (s *Show) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, id)
	delete(s.graded, id)
	s.tell()
}

// About is what the box says of itself.
func (s *Show) About(ctx context.Context) panel.About {
	if s.cfg.About == nil {
		return panel.About{}
	}
	return s.cfg.About(ctx)
}
