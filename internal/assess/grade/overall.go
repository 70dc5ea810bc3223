package grade

import (
	"fmt"
	"strings"
)

// coverageLimit is the least share, in percent, of the applicable REQUIRED checks
// with a verdict for which an overall percentage is stated.
const coverageLimit = 80

// overall finds the word:
//
//   - DOES NOT MEET when a knock-out family has D or F,
//   - MEETS THE DEMAND when all families with a letter have A or B,
//   - MEETS WITH REMARKS when they have A, B or C,
//   - NOT PROVEN in every other case: something is open, nothing applied, or a
//     family that is no knock-out has D or F. The last is named in the reason; a
//     proven fault there must not look better than an open question.
func overall(list []Family) Overall {
	out := Overall{Score: overallScore(list)}
	open, partly := having(list, Open), having(list, C)
	faulty := having(list, D, F)
	knocked := knockouts(faulty)
	// A required check can be open beside a fault that gave its family a D.
	open = append(open, openBeside(faulty)...)
	switch {
	case len(knocked) > 0:
		out.Word, out.Why = DoesNotMeet, "A fault is proven where this profile allows none: "+named(knocked)+"."
	case len(faulty)+len(open) > 0:
		out.Word, out.Why = NotProven, notProven(faulty, open)
	case len(partly) > 0:
		out.Word, out.Why = MeetsWithRemarks, "Nothing required failed, but some of it passed only in part: "+named(partly)+"."
	case len(having(list, A, B)) > 0:
		out.Word, out.Why = Meets, "Every required check that applies passed in every family."
	default:
		out.Word, out.Why = NotProven, "No required check applied, so nothing was shown."
	}
	return out
}

func notProven(faulty, open []Family) string {
	var said []string
	if len(faulty) > 0 {
		said = append(said, "A fault is proven in "+named(faulty)+". This profile rejects no device for that alone, and accepts none with it.")
	}
	if len(open) > 0 {
		said = append(said, "Required checks have no verdict in: "+fewNames(open)+".")
	}
	return strings.Join(said, " ")
}

// fewNames is names cut short: beyond a few, their number says more.
func fewNames(list []Family) string {
	const most = 4
	if len(list) <= most+1 {
		return names(list)
	}
	return names(list[:most]) + fmt.Sprintf(" and %d other families", len(list)-most)
}

func having(list []Family, letters ...Letter) []Family {
	var out []Family
	for _, f := range list {
		for _, l := range letters {
			if f.Letter == l {
				out = append(out, f)
			}
		}
	}
	return out
}

func knockouts(list []Family) []Family {
	var out []Family
	for _, f := range list {
		if f.Knockout {
			out = append(out, f)
		}
	}
	return out
}

func openBeside(list []Family) []Family {
	var out []Family
	for _, f := range list {
		if len(f.Missing) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// named lists families with their letters.
func named(list []Family) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Name+" ("+string(f.Letter)+")")
	}
	return strings.Join(out, ", ")
}

func names(list []Family) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

// overallScore is the plain mean of the families' percentages: each family
// weighs the same, whatever the number of its checks.
func overallScore(list []Family) Score {
	var s Score
	sum, n := 0.0, 0
	for _, f := range list {
		s.Shown += f.Score.Shown
		s.Of += f.Score.Of
		if f.Score.Known {
			sum += float64(f.Score.Halves) * 100 / float64(2*f.Score.Shown)
			n++
		}
	}
	if s.Known = n > 0 && s.Shown*100 >= coverageLimit*s.Of; s.Known {
		s.Percent = int(sum / float64(n))
	}
	return s
}

// Coverage is "7 of 9".
func (s Score) Coverage() string { return fmt.Sprintf("%d of %d", s.Shown, s.Of) }
