package grade

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"assay/internal/assess/rule"
)

// Level is how much a check counts in a profile. The zero value is not listed.
type Level uint8

// The levels.
const (
	Unlisted    Level = iota
	Optional          // informs
	Recommended       // tells A from B
	Required          // counts in the letter and in the percentage
)

// String is the level as profiles write it.
func (l Level) String() string {
	return [...]string{"UNLISTED", "OPTIONAL", "RECOMMENDED", "REQUIRED"}[min(int(l), 3)]
}

// Profile says which check counts how much for which buyer.
type Profile struct {
	ID, Title, Explanation string
	// Knockout are the families where a D or F decides the whole.
	Knockout []string
	// DNSSECByLadder says that the DNSSEC letter follows the ladder D0 to D3.
	DNSSECByLadder bool

	entries []entry // in order of the checks' ids
}

type entry struct {
	check string
	level Level
}

// NewProfile makes a profile from levels by check id.
func NewProfile(id, title, explanation string, knockout []string, byLadder bool, levels map[string]Level) Profile {
	p := Profile{ID: id, Title: title, Explanation: explanation, Knockout: slices.Clone(knockout), DNSSECByLadder: byLadder}
	for check, level := range levels {
		p.entries = append(p.entries, entry{check, level})
	}
	slices.SortFunc(p.entries, func(a, b entry) int { return strings.Compare(a.check, b.check) })
	return p
}

// Level is how much a check counts; Unlisted when the profile does not name it.
func (p Profile) Level(check string) Level {
	for _, e := range p.entries {
		if e.check == check {
			return e.level
		}
	}
	return Unlisted
}

// Checks lists the ids of all checks of the profile, sorted.
func (p Profile) Checks() []string {
	var out []string
	for _, e := range p.entries {
		out = append(out, e.check)
	}
	return out
}

// Find returns the profile with the given id.
func Find(list []Profile, id string) (Profile, bool) {
	i := slices.IndexFunc(list, func(p Profile) bool { return p.ID == id })
	if i < 0 {
		return Profile{}, false
	}
	return list[i], true
}

// LoadProfiles reads the folder "profiles" of a rules folder strictly: every
// profile must give a level to exactly the given checks. All mistakes are
// reported at once, each a rule.Problem with its place. Profiles come in order
// of their ids.
func LoadProfiles(fsys fs.FS, checkIDs []string) ([]Profile, error) {
	names, err := fs.Glob(fsys, "profiles/*.yaml")
	if err != nil || len(names) == 0 {
		return nil, rule.Problem{File: "profiles", Text: "cannot find a single profile: at least one *.yaml is needed"}
	}
	var out []Profile
	var all []error
	for _, name := range names {
		r := reader{file: name, checks: checkIDs}
		out = append(out, r.profile(fsys))
		all = append(all, r.errs...)
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return out, nil
}

// idOf is the id that a profile's file name demands.
func idOf(file string) string { return strings.TrimSuffix(path.Base(file), ".yaml") }
