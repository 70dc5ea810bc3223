package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"assay/internal/assess/fact"
)

// Book is a set of rules that were loaded without a single problem. The zero
// value holds none.
type Book struct {
	rules []Rule // in order of their ids
}

// Rule is one check as its file states it.
type Rule struct {
	ID         string // "DS-02"
	Family     string // "DS"
	File       string // path inside the rules folder
	Title      string
	Fault      string // what a FAIL shows, in a buyer's words; "" when the file has none
	Ask        string
	Mode       string // passive, gateway, active or lookup
	Severity   string // info, low, medium, high or critical
	References []string
	Advice     string
	Limits     string

	advice    sentence
	n         string // key of the fact that counts observations, or ""
	absence   bool   // a PASS rests on nothing bad seen
	controls  []control
	verdicts  map[Verdict][]branch
	otherwise branch
}

// control is a positive control: without it there is no PASS.
type control struct {
	when *condition
	what string
}

// branch is one way to reach a verdict. The otherwise branch has no condition.
type branch struct {
	verdict  Verdict
	when     *condition
	why      sentence
	needs    sentence
	fault    string // overrides the rule's, and gives a PARTIAL one
	advice   sentence
	evidence []string // keys of facts; empty for those that when reads
}

// Rules lists the rules in order of their ids.
func (b Book) Rules() []Rule { return append([]Rule{}, b.rules...) }

// Facts lists the facts that the rule reads, sorted.
func (r Rule) Facts() []string {
	seen := map[string]bool{}
	note := func(c *condition) {
		if c != nil {
			for _, key := range c.reads {
				seen[key] = true
			}
		}
	}
	for _, list := range r.verdicts {
		for _, b := range list {
			note(b.when)
		}
	}
	for _, c := range r.controls {
		note(c.when)
	}
	return sortedKeys(seen)
}

// Controls lists the facts that the rule's positive control reads, sorted; where
// a PASS rests on absence, capture.gapless is one of them.
func (r Rule) Controls() []string {
	seen := map[string]bool{}
	for _, c := range r.controls {
		for _, key := range c.when.reads {
			seen[key] = true
		}
	}
	if r.absence {
		seen[gapless] = true
	}
	return sortedKeys(seen)
}

// RestsOnAbsence says that a PASS rests on nothing bad seen, so that the evidence
// must have no gaps.
func (r Rule) RestsOnAbsence() bool { return r.absence }

// Reaches lists the verdicts that the rule can give, in the order in which they
// are tried.
func (r Rule) Reaches() []Verdict {
	var out []Verdict
	for _, v := range order() {
		if len(r.verdicts[v]) > 0 || r.otherwise.verdict == v {
			out = append(out, v)
		}
	}
	return out
}

// order is how verdicts are tried; NOT TESTED is only ever an otherwise.
func order() []Verdict {
	return []Verdict{NotApplicable, Fail, Inconclusive, Partial, Pass, NotTested}
}

// ParseVerdict is the inverse of Verdict.String for the six verdicts.
func ParseVerdict(s string) (Verdict, bool) {
	for _, v := range order() {
		if v.String() == s {
			return v, true
		}
	}
	return Unassessed, false
}

// Digest is the SHA-256, in hexadecimal, of every YAML file of a rules folder
// but the tests: what a report states as the rules it was made with.
func Digest(fsys fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yaml" || strings.HasSuffix(name, testSuffix) {
			return err
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot read the rules: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Load reads every rule of a rules folder (<FAMILY>/<ID>-<slug>.yaml) against
// the declared facts. Families names the only folders to read; none means all.
//
// It returns an empty Book and all problems at once, each a Problem with its
// place, when there is any.
func Load(fsys fs.FS, schema []fact.Decl, families ...string) (Book, error) {
	lang, err := newLanguage(schema)
	if err != nil {
		return Book{}, err
	}
	l := loader{fsys: fsys, lang: lang, byID: map[string]string{}}
	l.folders(families)
	if err := l.bad.err(); err != nil {
		return Book{}, err
	}
	return Book{l.rules}, nil
}
