package assess

import (
	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/report"
	"assay/internal/assess/rule"
)

// grade adds the findings up and puts the result into the report's terms.
func (a *Assessor) grade(findings []rule.Finding, sheet *fact.Sheet) report.Graded {
	result := grade.Grade(findings, a.profile())
	out := report.Graded{
		Overall: report.Overall{
			Verdict: result.Overall.Word.String(), Why: result.Overall.Why,
			Percent: percent(result.Overall.Score), Coverage: coverage(result.Overall.Score),
		},
		Ladders: ladders(grade.Ladders(findings, sheet)),
		Levels:  map[string]string{},
	}
	judged := map[string]bool{}
	for _, f := range findings {
		judged[f.Check] = true
	}
	for _, f := range result.Families {
		out.Families = append(out.Families, report.Family{
			Code: f.Code, Name: f.Name, Grade: string(f.Letter), Word: report.GradeWord(string(f.Letter)), Why: f.Why,
			Percent: percent(f.Score), Coverage: coverage(f.Score), KnockOut: f.Knockout,
		})
		for _, c := range f.Checks {
			out.Levels[c.Check] = c.Level.String()
			if !judged[c.Check] {
				out.Unjudged = append(out.Unjudged, report.NotTested{
					Check: c.Check, Level: c.Level.String(), Verdict: rule.Unassessed.String(),
					Why:   "The profile demands this check, and this set of rules does not hold it.",
					Needs: "A set of rules that holds these checks.",
				})
			}
		}
	}
	return out
}

func percent(s grade.Score) *int {
	if !s.Known {
		return nil
	}
	p := s.Percent
	return &p
}

func coverage(s grade.Score) report.Coverage { return report.Coverage{Shown: s.Shown, Of: s.Of} }

// ladders puts the steps into words. What a step rests on stands beside its
// meaning; for IPv6 the blame says who would have to move.
func ladders(r grade.Rungs) report.Ladders {
	return report.Ladders{DNSSEC: ladder(r.DNSSEC), IPv6: ladder(r.IPv6)}
}

func ladder(r grade.Rung) report.Ladder {
	meaning := r.Text
	if r.Why != "" {
		meaning += " " + r.Why
	}
	if r.Blame != "" {
		meaning += " What is in the way: " + r.Blame + "."
	}
	return report.Ladder{Level: r.Code, Meaning: meaning, Missing: r.Needs}
}
