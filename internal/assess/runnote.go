package assess

import (
	"encoding/json"
	"maps"
	"slices"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/report"
)

// The kinds of notes that an assessment itself reads. All others are events like
// any other.
const (
	NoteRun       = "run"       // body: RunNote
	NoteStatement = "statement" // body: StatementNote
)

// DefaultProfile judges where neither the caller nor the log names another.
const DefaultProfile = "internet-standards"

// RunNote is the record of a run that its log begins with, so that the log alone
// gives the report again. A later one corrects what the operator wrote; the device
// stays that of the first.
type RunNote struct {
	ID      string `json:"id"`
	Plan    string `json:"plan"`
	Profile string `json:"profile"`
	// DUT is the EUI-48 of the device under test in colon form.
	DUT string `json:"dut"`
	// What the operator wrote of the run and of the device.
	Operator string `json:"operator,omitempty"`
	Label    string `json:"label,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	Serial   string `json:"serial,omitempty"`
}

// StatementNote is something that the operator declared during a run.
type StatementNote struct {
	Key   string `json:"key"` // one of fact.Statements
	Value string `json:"value"`
}

// noted is what the log's own notes say of the run.
type noted struct {
	run        RunNote
	known      bool
	statements map[string]string
}

// add takes a note. One that cannot be read says nothing: the log is evidence,
// whoever wrote it.
func (n *noted) add(note evidence.Note) {
	switch note.Kind {
	case NoteRun:
		var r RunNote
		if json.Unmarshal(note.Body, &r) != nil {
			return
		}
		if n.known {
			r.DUT = n.run.DUT
		}
		n.run, n.known = r, true
	case NoteStatement:
		n.declare(note.Body)
	}
}

func (n *noted) declare(body json.RawMessage) {
	var s StatementNote
	known := func(k fact.Statement) bool { return k.Key == s.Key }
	if json.Unmarshal(body, &s) != nil || !slices.ContainsFunc(fact.Statements(), known) {
		return
	}
	if n.statements == nil {
		n.statements = map[string]string{}
	}
	n.statements[s.Key] = s.Value
}

// told lists what the operator wrote, fit to be shown.
func (n *noted) told() []report.Field {
	var out []report.Field
	for _, f := range []report.Field{
		{Name: report.ToldLabel, Value: n.run.Label}, {Name: "Firmware", Value: n.run.Firmware},
		{Name: report.ToldSerial, Value: n.run.Serial}, {Name: "Operator", Value: n.run.Operator},
	} {
		if f.Value != "" {
			out = append(out, report.Field{Name: f.Name, Value: event.Clean(f.Value)})
		}
	}
	return out
}

// statements are the caller's declarations and, before them, those of the log.
func (a *Assessor) statements() map[string]string {
	out := maps.Clone(a.about.Statements)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, a.noted.statements)
	return out
}

// plan is that of the log, else the caller's.
func (a *Assessor) plan() string {
	if a.noted.run.Plan != "" {
		return event.Clean(a.noted.run.Plan)
	}
	return a.about.Plan
}

// profile is the one that the caller names, else that of the log, else the
// default, else the only one there is.
func (a *Assessor) profile() grade.Profile {
	for _, id := range []string{a.about.Profile, a.noted.run.Profile, DefaultProfile} {
		if p, ok := grade.Find(a.book.Profiles, id); ok {
			return p
		}
	}
	return a.book.Profiles[0]
}

// device of the run's own record; ok is false when the log has none.
func (a *Assessor) recorded() (host fact.Host, why string, ok bool) {
	if !a.noted.known || a.noted.run.DUT == "" {
		return fact.Host{}, "", false
	}
	if h, seen := Find(a.Hosts(), a.noted.run.DUT); seen {
		return h, "The record of the run names it: the device at the port.", true
	}
	return fact.Host{}, "The record of the run names the device " + event.Clean(a.noted.run.DUT) + ", and no frame of it could be read yet.", true
}
