package rule

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

const (
	// gapless is the control that the engine adds where nothing seen would pass.
	gapless = "capture.gapless"
	// evidenceLimit is the most events that one finding carries.
	evidenceLimit = 40
)

// Judge gives one finding per rule, in order of the checks' ids. The same sheet
// gives the same findings.
func (b Book) Judge(sheet *fact.Sheet) []Finding {
	out := make([]Finding, 0, len(b.rules))
	for _, r := range b.rules {
		out = append(out, r.Judge(sheet))
	}
	return out
}

// Judge gives the finding of one rule. The Rule must come from a Book.
func (r Rule) Judge(sheet *fact.Sheet) Finding {
	held := map[Verdict]truth{}
	first := map[Verdict]branch{}
	for _, v := range order() {
		held[v], first[v] = weigh(sheet, r.verdicts[v])
	}
	switch {
	case held[NotApplicable] == yes:
		return r.finding(sheet, first[NotApplicable])
	case held[Fail] == yes:
		return r.finding(sheet, first[Fail])
	case held[Inconclusive] == yes:
		return r.finding(sheet, first[Inconclusive])
	case held[Partial] == yes && held[Fail] == no:
		return r.finding(sheet, first[Partial])
	case held[Pass] == yes && areAll(no, held[NotApplicable], held[Fail], held[Inconclusive], held[Partial]):
		return r.passing(sheet, first[Pass])
	default:
		return r.finding(sheet, r.otherwise)
	}
}

// weigh tells whether one of the branches holds (the first that does is
// returned), none does, or it cannot be known.
func weigh(sheet *fact.Sheet, list []branch) (truth, branch) {
	out := no
	for _, b := range list {
		switch b.when.on(sheet) {
		case yes:
			return yes, b
		case unknown:
			out = unknown
		case no:
		}
	}
	return out, branch{}
}

func areAll(want truth, list ...truth) bool {
	return !slices.ContainsFunc(list, func(t truth) bool { return t != want })
}

// passing gives the PASS, or says which control is missing for it.
func (r Rule) passing(sheet *fact.Sheet, b branch) Finding {
	var missing []string
	keys := evidenceKeys(b)
	for _, c := range r.controls {
		keys = append(keys, c.when.reads...)
		if c.when.on(sheet) != yes {
			missing = append(missing, c.what)
		}
	}
	if r.absence {
		keys = append(keys, gapless)
		if f, known := sheet.Get(gapless); !known || f.Value != true {
			missing = append(missing, "the evidence has no gaps")
		}
	}
	if len(b.evidence) == 0 || len(missing) > 0 {
		b.evidence = keys
	}
	if len(missing) == 0 && len(r.controls) > 0 {
		return r.finding(sheet, b)
	}
	return r.uncontrolled(sheet, keys, missing)
}

// uncontrolled is the finding for a PASS whose control is missing.
func (r Rule) uncontrolled(sheet *fact.Sheet, keys, missing []string) Finding {
	why := "Nothing speaks against it, but that is worth nothing without this control, which was not shown: " +
		strings.Join(missing, "; ") + "."
	return r.finding(sheet, branch{
		verdict:  Inconclusive,
		why:      sentence{why, []part{{text: why}}},
		needs:    r.otherwise.needs,
		evidence: keys,
	})
}

// evidenceKeys are the facts whose evidence a branch shows.
func evidenceKeys(b branch) []string {
	switch {
	case len(b.evidence) > 0:
		return slices.Clone(b.evidence)
	case b.when != nil:
		return slices.Clone(b.when.reads)
	default:
		return nil
	}
}

// finding fills in what a branch says about this device.
func (r Rule) finding(sheet *fact.Sheet, b branch) Finding {
	f := Finding{
		Check: r.ID, Family: r.Family, Title: r.Title, Ask: r.Ask, Mode: r.Mode,
		Verdict: b.verdict, Why: b.why.fill(sheet), Needs: b.needs.fill(sheet),
		Limits: r.Limits, Severity: r.Severity, References: slices.Clone(r.References),
	}
	if b.verdict == Inconclusive && b.needs.isEmpty() {
		f.Needs = r.otherwise.needs.fill(sheet)
	}
	if b.verdict == Fail || b.verdict == Partial {
		f.Advice, f.Fault = r.adviceFor(sheet, b), r.faultOf(b)
	}
	f.Because, f.Seen = gather(sheet, evidenceKeys(b))
	f.N = f.Seen
	if r.n != "" {
		f.N = observations(sheet, r.n)
	}
	return f
}

func (r Rule) adviceFor(sheet *fact.Sheet, b branch) string {
	if b.advice.isEmpty() {
		return r.advice.fill(sheet)
	}
	return b.advice.fill(sheet)
}

// faultOf names what was shown to be wrong. The rule's own words speak of a FAIL
// and would say too much of a PARTIAL.
func (r Rule) faultOf(b branch) string {
	if b.fault == "" && b.verdict == Fail {
		return r.Fault
	}
	return b.fault
}

func observations(sheet *fact.Sheet, key string) int {
	if f, known := sheet.Get(key); known {
		if n, isInt := f.Value.(int64); isInt {
			return int(n)
		}
	}
	return 0
}

// gather merges the evidence of facts: each event once, in order of its number,
// taken from the facts in turn so that a busy one does not crowd out the others.
// Seen is the number of events of the fact that rests on most, because facts
// share events and a sum would count them twice.
func gather(sheet *fact.Sheet, keys []string) (because []event.Event, seen int) {
	type identity struct {
		ref  event.Ref
		line string
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	taken := map[identity]bool{}
	for turn := range fact.RefLimit {
		for _, key := range keys {
			f, _ := sheet.Get(key)
			seen = max(seen, f.Seen)
			if turn >= len(f.Because) {
				continue
			}
			ev := f.Because[turn]
			id := identity{ev.Ref, describe(ev)}
			if !taken[id] {
				taken[id] = true
				because = append(because, ev)
			}
		}
	}
	seen = max(seen, len(because))
	because = because[:min(len(because), evidenceLimit)]
	slices.SortStableFunc(because, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), strings.Compare(describe(a), describe(b)))
	})
	return slices.Clip(because), seen
}

func describe(ev event.Event) string {
	if ev.Body == nil {
		return ""
	}
	return ev.Body.Describe()
}
