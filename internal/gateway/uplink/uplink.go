package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"assay/internal/gateway/netos"
)

// Uplink is a running uplink.
type Uplink struct {
	cfg     Config
	journal *netos.Journal
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu    sync.Mutex
	state State
}

// Start begins to keep the uplink working and returns at once; the first state
// is told by Changed. Ctx ends it as Stop does, but leaves the link as it is:
// Stop, or netos.Restore after a crash, puts it back.
func Start(ctx context.Context, cfg Config) (*Uplink, error) {
	j, err := netos.OpenJournal(cfg.Kernel, cfg.StateDir, "uplink")
	if err != nil {
		return nil, err
	}
	j.Step = cfg.Step
	ctx, cancel := context.WithCancel(ctx)
	u := &Uplink{cfg: cfg, journal: j, cancel: cancel}
	if err := u.begin(ctx); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("cannot start the uplink: %w", err), j.Undo())
	}
	return u, nil
}

func (u *Uplink) begin(_ context.Context) error {
	_, err := netos.LinkByName(u.cfg.Kernel, u.cfg.Link)
	return err
}

// Stop ends everything and puts the link back as it was.
func (u *Uplink) Stop(_ context.Context) error {
	u.cancel()
	u.done.Wait()
	return u.journal.Undo()
}

// State gives what is known now.
func (u *Uplink) State() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}
