package main

import (
	"os"
	"path/filepath"
	"strings"

	"assay/internal/run/plan"
	"assay/rules"
)

// loadSteps finds a plan by its id or file; that of watching alone has no steps.
func loadSteps(name string) (plan.Plan, error) {
	switch {
	case name == planObserve:
		return plan.Plan{ID: planObserve}, nil
	case strings.HasSuffix(name, ".yaml"):
		return readSteps(name)
	}
	list, err := plan.Load(rules.FS)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := plan.Find(list, name)
	if err != nil {
		return p, fail(exitUsage, "%w, and %s", err, planObserve)
	}
	return p, nil
}

func readSteps(name string) (plan.Plan, error) {
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return plan.Plan{}, fail(exitMissing, "cannot read the plan: %w", err)
	}
	p, err := plan.Read(name, text)
	if err != nil {
		return p, fail(exitData, "%w", err)
	}
	return p, nil
}
