package rules_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/rule"
	"assay/rules"
)

// families are the folders of rules; a family alone is tested with, for example,
// -run /DS.
func families(t *testing.T) []string {
	t.Helper()
	entries, err := rules.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if len(e.Name()) == 2 {
			out = append(out, e.Name())
		}
	}
	return out
}

func load(t *testing.T, family string) (rule.Book, []rule.Case) {
	t.Helper()
	book, err := rule.Load(rules.FS, fact.Schema(), family)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := rule.Cases(rules.FS, book, fact.Schema())
	if err != nil {
		t.Fatal(err)
	}
	return book, cases
}

// eachCase calls f for every case of every rule.
func eachCase(t *testing.T, f func(*testing.T, rule.Rule, rule.Case)) {
	for _, family := range families(t) {
		t.Run(family, func(t *testing.T) {
			book, cases := load(t, family)
			for _, r := range book.Rules() {
				for _, c := range cases {
					if c.Rule == r.ID {
						f(t, r, c)
					}
				}
			}
		})
	}
}

// TestCases runs every test file and demands a case for every verdict.
func TestCases(t *testing.T) {
	for _, family := range families(t) {
		t.Run(family, func(t *testing.T) {
			book, _ := load(t, family)
			if err := rule.Check(rules.FS, book, fact.Schema()); err != nil {
				t.Error(err)
			}
			results, err := rule.RunTests(rules.FS, book, fact.Schema())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if !r.OK {
					t.Errorf("%s:%d: %s: %s", r.Case.File, r.Case.Line, r.Case.Name, r.Said)
				}
			}
		})
	}
}

// TestNoPassWithoutControl takes the facts of the control away one by one, and
// puts a gap into the evidence where a PASS rests on absence.
func TestNoPassWithoutControl(t *testing.T) {
	eachCase(t, func(t *testing.T, r rule.Rule, c rule.Case) {
		if c.Want != rule.Pass {
			return
		}
		for _, key := range r.Controls() {
			if got := r.Judge(c.Sheet.Without(key)); got.Verdict == rule.Pass {
				t.Errorf("%s:%d: %s: PASS without %s", c.File, c.Line, c.Name, key)
			}
		}
		if r.RestsOnAbsence() {
			gap := c.Sheet.Without()
			gap.Bool("capture.gapless", false, fact.Because{})
			if got := r.Judge(gap); got.Verdict == rule.Pass {
				t.Errorf("%s:%d: %s: PASS over a gap in the evidence", c.File, c.Line, c.Name)
			}
		}
	})
}

// TestNothingKnownIsNothingShown judges an empty sheet.
func TestNothingKnownIsNothingShown(t *testing.T) {
	for _, family := range families(t) {
		t.Run(family, func(t *testing.T) {
			book, _ := load(t, family)
			for _, got := range book.Judge(fact.NewSheet()) {
				if got.Verdict != rule.Inconclusive && got.Verdict != rule.NotTested {
					t.Errorf("%s: %s on an empty sheet", got.Check, got.Verdict)
				}
				if got.Why == "" || got.Needs == "" {
					t.Errorf("%s: no reason, or not how to get an answer", got.Check)
				}
			}
		})
	}
}

// TestForgettingNeverPasses removes facts at random from cases that do not pass.
func TestForgettingNeverPasses(t *testing.T) {
	eachCase(t, func(t *testing.T, r rule.Rule, c rule.Case) {
		if c.Want != rule.Fail && c.Want != rule.Inconclusive {
			return
		}
		var keys []string
		for _, f := range c.Sheet.All() {
			keys = append(keys, f.Key)
			if got := r.Judge(c.Sheet.Without(f.Key)); got.Verdict == rule.Pass {
				t.Errorf("%s:%d: %s: PASS without %s", c.File, c.Line, c.Name, f.Key)
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			var gone []string
			for _, key := range keys {
				if rapid.Bool().Draw(t, key) {
					gone = append(gone, key)
				}
			}
			if got := r.Judge(c.Sheet.Without(gone...)); got.Verdict == rule.Pass {
				t.Errorf("%s:%d: %s: PASS without %v", c.File, c.Line, c.Name, gone)
			}
		})
	})
}

// changed copies the rules with one file's text changed; an empty text removes it.
func changed(t *testing.T, file string, change func(string) string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(rules.FS, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(rules.FS, name)
		if name == file {
			text = []byte(change(string(text)))
		}
		if len(text) > 0 {
			out[name] = &fstest.MapFile{Data: text}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDamagedRulesAreRefused damages every rule in turn.
func TestDamagedRulesAreRefused(t *testing.T) {
	for _, family := range families(t) {
		t.Run(family, func(t *testing.T) {
			book, _ := load(t, family)
			for _, r := range book.Rules() {
				for name, change := range map[string]func(string) string{
					"the rule file is missing": func(string) string { return "" },
					"an unknown verdict":       func(s string) string { return strings.Replace(s, "verdict: ", "verdict: un", 1) },
					"a misspelt severity":      func(s string) string { return strings.Replace(s, "severity: ", "severity: un", 1) },
					"an unknown field":         func(s string) string { return s + "\npasses: true\n" },
				} {
					if _, err := rule.Load(changed(t, r.File, change), fact.Schema(), family); err == nil {
						t.Errorf("%s: loaded although there is %s", r.File, name)
					}
				}
			}
		})
	}
}

// TestProfilesNameEveryRule reads the profiles against the rules that are there,
// then misspells a level and removes a rule.
func TestProfilesNameEveryRule(t *testing.T) {
	book, err := rule.Load(rules.FS, fact.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range book.Rules() {
		ids = append(ids, r.ID)
	}
	profiles, err := grade.LoadProfiles(rules.FS, ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range profiles {
		file := "profiles/" + p.ID + ".yaml"
		misspelt := changed(t, file, func(s string) string { return strings.Replace(s, ": REQUIRED\n", ": REQUIRD\n", 1) })
		if _, err := grade.LoadProfiles(misspelt, ids); err == nil {
			t.Errorf("%s: a misspelt level was accepted", file)
		}
	}
	for i, id := range ids {
		if _, err := grade.LoadProfiles(rules.FS, slices.Delete(slices.Clone(ids), i, i+1)); err == nil {
			t.Errorf("the rule of %s is gone and nobody complains", id)
		}
	}
}

// TestEveryRuleNamesItsFault: the title of a FAIL says what is wrong, briefly.
func TestEveryRuleNamesItsFault(t *testing.T) {
	const longest = 72
	book, err := rule.Load(rules.FS, fact.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range book.Rules() {
		switch {
		case r.Fault == "" || r.Fault == r.Title:
			t.Errorf("%s: a FAIL would read %q, which says nothing of a fault", r.ID, r.Title)
		case len(r.Fault) > longest || strings.HasSuffix(r.Fault, "."):
			t.Errorf("%s: %q is no title: at most %d characters, without a full stop", r.ID, r.Fault, longest)
		}
	}
}
