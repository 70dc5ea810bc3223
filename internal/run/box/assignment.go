//go:build linux

package box

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"assay/internal/run/store"
)

// assignmentFile keeps what a run is about beside its log, so that a plan that was chosen for
// this run alone goes on after a power cut.
const assignmentFile = "assignment.json"

// assignmentLimit bounds it, in bytes: a plan has at most 64 steps.
const assignmentLimit = 256 << 10

// assignment is what a run with a plan is about.
type assignment struct {
	Next
	// Settings is the plan of the settings at that time. Whoever has changed it since
	// wants something else of the box.
	Settings string
}

// keepAssignment writes down what the run is about; the lock of planned is held.
func (b *Box) keepAssignment(id string, n Next) error {
	p, err := b.store.Get(id)
	if err != nil {
		return err
	}
	text, err := json.Marshal(assignment{n, b.cfg.Plan})
	if err != nil {
		return err
	}
	const mode = 0o600 // it names the owner of the device
	if err := renameio.WriteFile(p.Path(assignmentFile), text, mode); err != nil {
		return fmt.Errorf("cannot write down what run %s is about, so that it could not go on after a power cut: %w", id, err)
	}
	return nil
}

// readAssignment reads what a run is about.
func readAssignment(p store.Place) (a assignment, err error) {
	name := p.Path(assignmentFile)
	info, err := os.Stat(name)
	if err != nil {
		return a, err
	}
	if info.Size() > assignmentLimit {
		return a, fmt.Errorf("%s is larger than %d bytes", filepath.Base(name), assignmentLimit)
	}
	text, err := os.ReadFile(name) //nolint:gosec // in the folder of the runs
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("cannot read what run %s is about: %w", p.Record().ID, err)
	}
	return a, nil
}

// canGoOn says whether a run that was cut off has steps of its plan left.
func (b *Box) canGoOn(p store.Place) (assignment, bool) {
	r := p.Record()
	o, err := readAssignment(p)
	if err != nil || o.Settings != b.cfg.Plan || o.Plan != r.Plan {
		return o, false
	}
	return o, r.Step > 0 && r.Of == o.Steps.Count() && r.Cuts < cutsMost &&
		time.Since(r.Started) < cutLate+o.Steps.Longest() && b.wanted(r.MAC)
}
