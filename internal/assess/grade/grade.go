// Package grade adds findings up: a letter and a percentage per family, the four
// overall words, and the ladders for DNSSEC and IPv6, each with its reason.
//
// A profile says how much each check counts; it is data under rules/profiles. The
// package must not know how a finding was reached (package rule) nor how a result
// is shown (package report).
package grade

import (
	"cmp"
	"slices"

	"assay/internal/assess/rule"
)

// Letter is the grade of a family.
type Letter string

// The letters. The empty letter is never given.
const (
	A Letter = "A" // all applicable REQUIRED checks pass, and 80 % of the RECOMMENDED ones
	B Letter = "B" // all applicable REQUIRED checks pass
	C Letter = "C" // a REQUIRED check passes in part, none fails
	D Letter = "D" // a REQUIRED check fails
	F Letter = "F" // a check of critical severity fails, whatever its level
	// Open is "not proven": a REQUIRED check has no verdict, and none fails.
	Open Letter = "?"
	// None is given when no REQUIRED check applies. It neither meets nor fails and
	// takes no part in the overall result.
	None Letter = "-"
)

// Word is the overall result. The zero value is NotProven.
type Word uint8

// The four words, from no claim to the strongest one but for DoesNotMeet, which
// is a proven fault.
const (
	NotProven Word = iota
	DoesNotMeet
	MeetsWithRemarks
	Meets
)

// String is the word as reports print it.
func (w Word) String() string {
	switch w {
	case Meets:
		return "MEETS THE DEMAND"
	case MeetsWithRemarks:
		return "MEETS WITH REMARKS"
	case DoesNotMeet:
		return "DOES NOT MEET"
	default:
		return "NOT PROVEN"
	}
}

// Score is a percentage with what it covers.
type Score struct {
	// Percent is points over the REQUIRED checks that have a verdict (PASS 1,
	// PARTIAL 0.5, FAIL 0), rounded down; it means nothing unless Known.
	Percent int
	Known   bool
	// Halves are the points in half points: PASS 2, PARTIAL 1, FAIL 0.
	Halves int
	// Shown of Of applicable REQUIRED checks have a verdict.
	Shown, Of int
}

// Standing is how one check stands in a profile.
type Standing struct {
	Check    string
	Title    string
	Level    Level
	Verdict  rule.Verdict // Unassessed when there was no finding
	Severity string
	Needs    string // how to get a verdict, when there is none
}

// Family is the result of one family.
type Family struct {
	Code, Name string
	Headline   bool
	Knockout   bool
	Letter     Letter
	Why        string // the letter's reason in words
	Score      Score
	// Missing are the applicable REQUIRED checks without a verdict.
	Missing []Standing
	// Checks are all checks of the family in order of their ids.
	Checks []Standing
}

// Overall is the result of the whole.
type Overall struct {
	Word Word
	Why  string // the reason in words
	// Score.Percent is the plain mean of the families' percentages; it is Known
	// only when at least 80 % of the applicable REQUIRED checks have a verdict.
	Score Score
}

// Result is what Grade says.
type Result struct {
	Overall  Overall
	Families []Family // in the order of the catalogue
	DNSSEC   Rung
}

// Grade adds up the findings as the profile demands. A check of the profile
// without a finding counts as one without a verdict, a finding that the profile
// does not name counts nothing, and of two findings on one check the worse counts.
// The order of the findings does not matter.
func Grade(findings []rule.Finding, p Profile) Result {
	byCheck := index(findings)
	out := Result{DNSSEC: dnssecRung(byCheck)}
	for _, f := range families() {
		out.Families = append(out.Families, gradeFamily(f, p, byCheck, out.DNSSEC))
	}
	out.Overall = overall(out.Families)
	return out
}

// index keeps one finding per check, the one that claims least.
func index(findings []rule.Finding) map[string]rule.Finding {
	out := map[string]rule.Finding{}
	for _, f := range findings {
		old, twice := out[f.Check]
		if !twice || compareClaims(f, old) < 0 {
			out[f.Check] = f
		}
	}
	return out
}

// compareClaims orders findings on one check from a proven fault to a pass, and
// by their words to the end that the order of arrival never matters.
func compareClaims(a, b rule.Finding) int {
	claims := []rule.Verdict{rule.Fail, rule.Unassessed, rule.NotTested, rule.Inconclusive, rule.Partial, rule.NotApplicable, rule.Pass}
	severity := []string{"critical", "high", "medium", "low", "info"}
	return cmp.Or(
		cmp.Compare(slices.Index(claims, a.Verdict), slices.Index(claims, b.Verdict)),
		cmp.Compare(slices.Index(severity, a.Severity), slices.Index(severity, b.Severity)),
		cmp.Compare(a.Title, b.Title), cmp.Compare(a.Needs, b.Needs),
	)
}

// standings lists how the checks of a family stand, in order of their ids.
func standings(code string, p Profile, byCheck map[string]rule.Finding) []Standing {
	var out []Standing
	for _, e := range p.entries {
		if familyOf(e.check) != code {
			continue
		}
		f := byCheck[e.check]
		out = append(out, Standing{e.check, f.Title, e.level, f.Verdict, f.Severity, f.Needs})
	}
	return out
}
