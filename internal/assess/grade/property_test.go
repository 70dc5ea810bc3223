package grade

import (
	"math/rand"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/rule"
)

var verdicts = []rule.Verdict{rule.Unassessed, rule.Pass, rule.Partial, rule.Fail, rule.Inconclusive, rule.NotTested, rule.NotApplicable}

// goodness orders letters by what they claim; D, F, "?" and "-" claim nothing good.
func goodness(l Letter) int {
	return map[Letter]int{A: 3, B: 2, C: 1}[l]
}

// claim orders the overall words by what they claim.
func claim(w Word) int {
	return map[Word]int{Meets: 2, MeetsWithRemarks: 1}[w]
}

func drawProfile(t *rapid.T) Profile {
	levels := map[string]Level{}
	for _, check := range []string{"DS-01", "DS-02", "DS-06", "DS-08", "DN-03", "TC-01", "TC-02", "TC-03", "V6-01", "V6-02", "CR-01", "MU-01"} {
		levels[check] = rapid.SampledFrom([]Level{Required, Required, Recommended, Optional}).Draw(t, check)
	}
	return NewProfile("p", "", "", []string{"TC", "CR"}, rapid.Bool().Draw(t, "ladder"), levels)
}

// drawFindings has at most one finding per check; PASS is likely, so that good
// results are reached.
func drawFindings(t *rapid.T, p Profile) []rule.Finding {
	var out []rule.Finding
	for _, check := range p.Checks() {
		v := rule.Pass
		if rapid.IntRange(0, 3).Draw(t, check+" deviates") == 0 {
			v = rapid.SampledFrom(verdicts).Draw(t, check+" verdict")
		}
		if v == rule.Unassessed && rapid.Bool().Draw(t, check+" missing") {
			continue
		}
		out = append(out, rule.Finding{Check: check, Verdict: v, Severity: rapid.SampledFrom([]string{"low", "critical"}).Draw(t, check+" severity")})
	}
	return out
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		list := append(drawFindings(t, p), drawFindings(t, p)...) // two per check
		want := Grade(list, p)
		shuffled := append([]rule.Finding{}, list...)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		if got := Grade(shuffled, p); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestOpenRequiredIsNeverGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		result := Grade(drawFindings(t, p), p)
		anyOpen := false
		for _, f := range result.Families {
			for _, s := range f.Checks {
				if s.Level == Required && isOpen(s.Verdict) {
					anyOpen = true
					if goodness(f.Letter) > 0 {
						t.Errorf("%s: %s while %s is open", f.Code, f.Letter, s.Check)
					}
				}
			}
		}
		if anyOpen && claim(result.Overall.Word) > 0 {
			t.Errorf("%s with an open required check", result.Overall.Word)
		}
	})
}

func TestFailBeatsOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		result := Grade(drawFindings(t, p), p)
		for _, f := range result.Families {
			if f.Code == "DS" && p.DNSSECByLadder && result.DNSSEC.Code == "D2" {
				continue // the one place where the ladder outweighs a failed check
			}
			if len(pick(f.Checks, with(Required, rule.Fail))) > 0 && !isFault(f.Letter) {
				t.Errorf("%s: %s although a required check failed", f.Code, f.Letter)
			}
		}
	})
}

func isFault(l Letter) bool { return l == D || l == F }

func TestFaultsNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		result := Grade(drawFindings(t, p), p)
		knocked := false
		for _, f := range result.Families {
			if isFault(f.Letter) && claim(result.Overall.Word) > 0 {
				t.Errorf("%s with %s in %s", result.Overall.Word, f.Letter, f.Code)
			}
			knocked = knocked || f.Knockout && isFault(f.Letter)
		}
		if knocked != (result.Overall.Word == DoesNotMeet) {
			t.Errorf("%s, and it is %v that a knock-out family has a fault", result.Overall.Word, knocked)
		}
	})
}

// TestWorseNeverHelps turns one PASS into something else, or removes a finding
// that is no fault: a fault that is not found any more does not count.
func TestWorseNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		list := drawFindings(t, p)
		if len(list) == 0 {
			return
		}
		i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
		worse := append([]rule.Finding{}, list...)
		switch {
		case worse[i].Verdict == rule.Fail:
			return
		case worse[i].Verdict == rule.Pass && rapid.Bool().Draw(t, "turn"):
			worse[i].Verdict = rapid.SampledFrom(verdicts).Draw(t, "into")
		default:
			worse = append(worse[:i], worse[i+1:]...)
		}
		before, after := Grade(list, p), Grade(worse, p)
		for k := range before.Families {
			b, a := before.Families[k], after.Families[k]
			if goodness(a.Letter) > goodness(b.Letter) {
				t.Errorf("%s rose from %s to %s", a.Code, b.Letter, a.Letter)
			}
		}
		if claim(after.Overall.Word) > claim(before.Overall.Word) {
			t.Errorf("the word rose from %s to %s", before.Overall.Word, after.Overall.Word)
		}
	})
}

// TestNothingShownIsNothing: no findings, or only such without a verdict.
func TestNothingShownIsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		var list []rule.Finding
		for _, check := range p.Checks() {
			v := rapid.SampledFrom([]rule.Verdict{rule.Unassessed, rule.Inconclusive, rule.NotTested, rule.Verdict(99)}).Draw(t, check)
			list = append(list, rule.Finding{Check: check, Verdict: v})
		}
		for _, result := range []Result{Grade(nil, p), Grade(list, p)} {
			if result.Overall.Word != NotProven || result.Overall.Score.Known {
				t.Errorf("overall: %+v", result.Overall)
			}
			for _, f := range result.Families {
				if f.Letter != Open && f.Letter != None || f.Score.Known {
					t.Errorf("%s: %s %+v", f.Code, f.Letter, f.Score)
				}
			}
		}
	})
}
