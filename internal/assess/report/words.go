package report

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/rule"
)

// tone is how a result is coloured; symbol and word always stand beside it.
type tone string

// The tones, from best to worst, then the two without a judgement.
const (
	toneGood     tone = "good"
	toneRemarks  tone = "remarks"
	toneBad      tone = "bad"
	toneCritical tone = "critical"
	toneUnknown  tone = "unknown"
	toneOff      tone = "off"
)

// symbol is the sign of a tone, told apart by shape.
func (t tone) symbol() string {
	switch t {
	case toneGood:
		return "✓"
	case toneRemarks:
		return "~"
	case toneBad:
		return "✗"
	case toneCritical:
		return "!"
	case toneUnknown:
		return "?"
	default:
		return "–"
	}
}

// verdictTone colours a check's verdict.
func verdictTone(verdict string) tone {
	switch verdict {
	case rule.Pass.String():
		return toneGood
	case rule.Partial.String():
		return toneRemarks
	case rule.Fail.String():
		return toneBad
	case rule.NotApplicable.String():
		return toneOff
	default:
		return toneUnknown
	}
}

// gradeTone colours a family's grade.
func gradeTone(grade string) tone {
	switch grade {
	case "A", "B":
		return toneGood
	case "C":
		return toneRemarks
	case "D":
		return toneBad
	case "F":
		return toneCritical
	case "?":
		return toneUnknown
	default:
		return toneOff
	}
}

// GradeWord says a grade in words.
func GradeWord(grade string) string {
	switch gradeTone(grade) {
	case toneGood:
		return "meets the demand"
	case toneRemarks:
		return "meets with remarks"
	case toneBad:
		return "does not meet"
	case toneCritical:
		return "critical fault"
	case toneUnknown:
		return "not proven"
	default:
		return "nothing to judge"
	}
}

// overallTone colours the overall words.
func overallTone(verdict string) tone {
	switch verdict {
	case "MEETS THE DEMAND":
		return toneGood
	case "MEETS WITH REMARKS":
		return toneRemarks
	case "DOES NOT MEET":
		return toneBad
	default:
		return toneUnknown
	}
}

// meaning says the overall verdict as a sentence about the device.
func (o Overall) meaning() string {
	switch overallTone(o.Verdict) {
	case toneGood:
		return "The device meets every demand of this profile."
	case toneRemarks:
		return "The device meets the demands of this profile, with remarks."
	case toneBad:
		return "The device does not meet the demands of this profile."
	default:
		return "This evidence does not prove that the device meets the demands of this profile."
	}
}

// String is "7 of 9".
func (c Coverage) String() string { return strconv.Itoa(c.Shown) + " of " + strconv.Itoa(c.Of) }

// percentText is "83 %", or a dash when nothing may be stated.
func percentText(p *int) string {
	if p == nil {
		return "–"
	}
	return strconv.Itoa(*p) + " %"
}

// when shows a moment to the second.
func when(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2 Jan 2006 15:04:05 UTC")
}

// lasted shows a period in words.
func lasted(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case from.IsZero() || d < 0:
		return "unknown"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " seconds"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " minutes"
	default:
		return strconv.FormatFloat(d.Hours(), 'f', 1, 64) + " hours"
	}
}

// size shows a count of bytes.
func size(n uint64) string {
	switch {
	case n < 1000:
		return strconv.FormatUint(n, 10) + " B"
	case n < 1_000_000:
		return strconv.FormatFloat(float64(n)/1e3, 'f', 1, 64) + " kB"
	default:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	}
}

// plural is "1 frame" or "2 frames".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// urgency sorts the findings a reader has to act on: the worst first.
func urgency(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(verdictRank(a.Verdict), verdictRank(b.Verdict)),
		cmp.Compare(levelRank(a.Level), levelRank(b.Level)),
		cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)),
		cmp.Compare(a.Check, b.Check),
	)
}

func verdictRank(v string) int {
	return slices.Index([]string{rule.Fail.String(), rule.Partial.String()}, v)
}

func levelRank(l string) int {
	return rankIn(l, "REQUIRED", "RECOMMENDED", "OPTIONAL")
}

func severityRank(s string) int {
	return rankIn(s, "critical", "high", "medium", "low", "info")
}

func rankIn(v string, order ...string) int {
	if i := slices.Index(order, v); i >= 0 {
		return i
	}
	return len(order)
}

// withVerdict picks findings by verdict, in their order.
func (r Report) withVerdict(verdicts ...rule.Verdict) []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if slices.ContainsFunc(verdicts, func(v rule.Verdict) bool { return v.String() == f.Verdict }) {
			out = append(out, f)
		}
	}
	return out
}

// attention lists the faults, the worst first.
func (r Report) attention() []Finding {
	out := r.withVerdict(rule.Fail, rule.Partial)
	slices.SortStableFunc(out, urgency)
	return out
}

// openGroup is what several checks without an answer have in common.
type openGroup struct {
	Needs  string
	Checks []NotTested
}

// openGroups gathers the checks without an answer by what an answer would take,
// in order of their first check.
func (r Report) openGroups() []openGroup {
	var out []openGroup
	for _, n := range r.NotTested {
		i := slices.IndexFunc(out, func(g openGroup) bool { return g.Needs == n.Needs })
		if i < 0 {
			out = append(out, openGroup{Needs: n.Needs})
			i = len(out) - 1
		}
		out[i].Checks = append(out[i].Checks, n)
	}
	return out
}

// frameFilter is a Wireshark display filter that shows the given frames.
func frameFilter(frames []event.Ref) string {
	switch len(frames) {
	case 0:
		return ""
	case 1:
		return "frame.number == " + refText(frames[0])
	}
	out := "frame.number in {"
	for i, f := range frames {
		if i > 0 {
			out += ", "
		}
		out += refText(f)
	}
	return out + "}"
}

func refText(r event.Ref) string { return strconv.FormatUint(uint64(r), 10) }

// refsText lists the first frames and says how many more there are.
func refsText(frames []event.Ref, limit int) string {
	out := ""
	for i, f := range frames {
		if i == limit {
			return out + " … (" + strconv.Itoa(len(frames)) + " in all)"
		}
		if i > 0 {
			out += ", "
		}
		out += refText(f)
	}
	return out
}
