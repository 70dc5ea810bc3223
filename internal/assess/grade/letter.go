package grade

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/assess/rule"
)

// recommendedShare is the least share, in percent, of the RECOMMENDED checks
// that must pass for an A.
const recommendedShare = 80

func gradeFamily(f family, p Profile, byCheck map[string]rule.Finding, rung Rung) Family {
	checks := standings(f.code, p, byCheck)
	out := Family{
		Code: f.code, Name: f.name, Headline: f.headline,
		Knockout: slices.Contains(p.Knockout, f.code), Checks: checks,
	}
	out.Score = score(checks)
	out.Missing = pick(checks, func(s Standing) bool { return s.Level == Required && isOpen(s.Verdict) })
	out.Letter, out.Why = letter(checks)
	if f.code == "DS" && p.DNSSECByLadder {
		out.Letter, out.Why = ladderLetter(checks, rung)
	}
	return out
}

// isOpen says that a verdict leaves the question open. Every value that is not
// one of the four settled ones does.
func isOpen(v rule.Verdict) bool {
	switch v {
	case rule.Pass, rule.Partial, rule.Fail, rule.NotApplicable:
		return false
	default:
		return true
	}
}

func pick(list []Standing, keep func(Standing) bool) []Standing {
	var out []Standing
	for _, s := range list {
		if keep(s) {
			out = append(out, s)
		}
	}
	return out
}

func with(level Level, v rule.Verdict) func(Standing) bool {
	return func(s Standing) bool { return s.Level == level && s.Verdict == v }
}

// letter grades a family by its checks. A proven fault beats an open question,
// and an open question beats everything good.
func letter(checks []Standing) (Letter, string) {
	critical := pick(checks, func(s Standing) bool { return s.Verdict == rule.Fail && s.Severity == "critical" })
	applies := pick(checks, func(s Standing) bool { return s.Level == Required && s.Verdict != rule.NotApplicable })
	failed := pick(applies, with(Required, rule.Fail))
	open := pick(applies, func(s Standing) bool { return isOpen(s.Verdict) })
	partial := pick(applies, with(Required, rule.Partial))
	switch {
	case len(critical) > 0:
		return F, "A critical fault is proven: " + ids(critical) + "."
	case len(failed) > 0:
		return D, "A required check failed: " + ids(failed) + "."
	case len(applies) == 0:
		return None, noneWhy(checks)
	case len(open) > 0:
		return Open, "No verdict on required checks: " + ids(open) + "."
	case len(partial) > 0:
		return C, "A required check passed only in part: " + ids(partial) + "."
	default:
		return goodLetter(checks)
	}
}

func noneWhy(checks []Standing) string {
	for _, s := range checks {
		if s.Level == Required {
			return "None of the required checks applies to this device."
		}
	}
	return "The profile requires no check of this family."
}

// goodLetter tells A from B by the RECOMMENDED checks that apply.
func goodLetter(checks []Standing) (Letter, string) {
	applies := pick(checks, func(s Standing) bool { return s.Level == Recommended && s.Verdict != rule.NotApplicable })
	passed := len(pick(applies, with(Recommended, rule.Pass)))
	why := fmt.Sprintf("All required checks that apply passed, and %d of %d recommended ones.", passed, len(applies))
	if passed*100 >= recommendedShare*len(applies) {
		return A, why
	}
	return B, why
}

// ladderLetter grades DNSSEC by its ladder: D3 and D2 give A or B when nothing
// else is wrong, D1 gives D, D0 gives F. Without a rung the checks decide.
func ladderLetter(checks []Standing, rung Rung) (Letter, string) {
	switch rung.Code {
	case "D2":
		l, why := letter(trusting(checks))
		return l, rung.Text + " " + why
	case "D1":
		return D, "The device relies on your resolver. " + rung.Why
	case "D0":
		return F, "The device goes its own way round your resolver. " + rung.Why
	default:
		return letter(checks)
	}
}

// trusting lets trust in the channel stand in for the device's own validation,
// unless it is open whether the device validates.
func trusting(checks []Standing) []Standing {
	out := slices.Clone(checks)
	for i := range out {
		if out[i].Check == checkOwn && !isOpen(out[i].Verdict) {
			out[i].Verdict = rule.Pass
		}
	}
	return out
}

// score adds up the REQUIRED checks that apply and have a verdict.
func score(checks []Standing) Score {
	var s Score
	for _, c := range checks {
		if c.Level != Required || c.Verdict == rule.NotApplicable {
			continue
		}
		s.Of++
		if isOpen(c.Verdict) {
			continue
		}
		s.Shown++
		switch c.Verdict {
		case rule.Pass:
			s.Halves += 2
		case rule.Partial:
			s.Halves++
		default:
		}
	}
	if s.Known = s.Shown > 0; s.Known {
		s.Percent = s.Halves * 100 / (2 * s.Shown)
	}
	return s
}

// ids lists checks for a sentence.
func ids(list []Standing) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Check)
	}
	return strings.Join(out, ", ")
}
