package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"
)

// State is where a run stands on disk.
type State string

// The states. A run that is Running in the folder of a box that just started was
// cut off; Recover makes it Interrupted.
const (
	Running     State = "running"
	Done        State = "done"
	Left        State = "left"        // the device went away before its time was up
	Interrupted State = "interrupted" // the box stopped in the middle
)

// Record is run.yaml.
type Record struct {
	ID       string    `yaml:"id"`
	State    State     `yaml:"state"`
	Why      string    `yaml:"why,omitempty"` // how it came to this state
	MAC      string    `yaml:"mac"`
	Plan     string    `yaml:"plan"`
	Profile  string    `yaml:"profile"`
	Operator string    `yaml:"operator,omitempty"`
	Label    string    `yaml:"label,omitempty"`
	Firmware string    `yaml:"firmware,omitempty"`
	Serial   string    `yaml:"serial,omitempty"`
	Started  time.Time `yaml:"started"`
	Ended    time.Time `yaml:"ended,omitempty"`
	Verdict  string    `yaml:"verdict,omitempty"`
	// Step is the step of the plan that was begun last, of Of; a box that stops in the
	// middle goes on with it. Cuts is how often that happened.
	Step int `yaml:"step,omitempty"`
	Of   int `yaml:"of,omitempty"`
	Cuts int `yaml:"cuts,omitempty"`
	// Kept says that retention must leave the run alone.
	Kept bool `yaml:"kept,omitempty"`
}

// The files of a run's folder.
const (
	recordFile   = "run.yaml"
	EvidenceFile = "evidence.pcapng"
	JSONFile     = "report.json"
	PageFile     = "report.html"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// recordLimit bounds run.yaml, in bytes.
const recordLimit = 64 << 10

func readRecord(folder string) (Record, error) {
	name := filepath.Join(folder, recordFile)
	text, err := os.ReadFile(name) //nolint:gosec // the name is made of the store's folder and an id
	if err != nil {
		return Record{}, fmt.Errorf("cannot read a run: %w", err)
	}
	if len(text) > recordLimit {
		return Record{}, fmt.Errorf("cannot read a run: %s is larger than %d bytes", name, recordLimit)
	}
	var r Record
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil {
		return Record{}, fmt.Errorf("cannot read a run: %s: %w", name, err)
	}
	if r.ID != filepath.Base(folder) {
		return Record{}, fmt.Errorf("cannot read a run: %s is about the run %q", name, r.ID)
	}
	return r, nil
}

func (r Record) write(folder string) error {
	text, err := yaml.Marshal(r)
	if err != nil {
		return err
	}
	return replace(filepath.Join(folder, recordFile), text)
}

// replace writes a file as a whole.
func replace(name string, text []byte) error {
	if err := renameio.WriteFile(name, text, fileMode); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}

// errGone says that a run is not there.
var errGone = errors.New("there is no such run")
