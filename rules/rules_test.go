package rules_test

import (
	"testing"

	"assay/internal/assess/fact"
	"assay/internal/assess/rule"
	"assay/rules"
)

// TestCases runs every test file; a family alone runs with -run TestCases/DS.
func TestCases(t *testing.T) {
	entries, err := rules.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		family := e.Name()
		if len(family) != 2 {
			continue
		}
		t.Run(family, func(t *testing.T) {
			book, err := rule.Load(rules.FS, fact.Schema(), family)
			if err != nil {
				t.Fatal(err)
			}
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
