package report

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
	"assay/internal/assess/rule"
)

// pageView is a Report arranged for the page's template.
type pageView struct {
	Report
	Policy     string
	Style      template.CSS
	Meaning    string
	DeviceLine string
	LabelLine  string
	Attention  []Finding
	Top        []Finding // the worst of Attention
	Groups     []familyView
	Steps      []ladderView
	Open       []openGroup
	Tally      []tallyView
}

// topFaults is how many faults the first screen names.
const topFaults = 5

// familyView is one family with its findings: the faults, and what may be skipped.
type familyView struct {
	Family
	Faults, Rest []findingView
	RestSays     string // "3 PASS, 7 NOT TESTED"
}

// findingView is a finding with what was read from the frames it cites.
type findingView struct {
	Finding
	Unfold bool // a fault: shown unfolded
	Cited  []citedView
}

// citedView is one observation as a finding's evidence shows it.
type citedView struct {
	Frame event.Ref
	Time  string
	Seen
}

// ladderView is a ladder with all its steps.
type ladderView struct {
	Name string
	Ladder
	Word  string // the reached step in a few words
	Steps []stepView
}

type stepView struct {
	Level, Word, State string // State is "done", "here" or "ahead"
}

// tallyView counts the findings of one verdict.
type tallyView struct {
	Verdict string
	Count   int
}

func newPageView(r Report) pageView {
	attention := r.attention()
	return pageView{
		Report:     r,
		Policy:     policy(),
		Style:      template.CSS(pageStyle), //nolint:gosec // our own embedded file, no foreign text
		Meaning:    r.Overall.meaning(),
		DeviceLine: deviceLine(r.Device),
		LabelLine:  labelLine(r.Run.Told),
		Attention:  attention,
		Top:        attention[:min(len(attention), topFaults)],
		Groups:     familyViews(r),
		Steps:      ladderViews(r.Ladders),
		Open:       r.openGroups(),
		Tally:      tally(r),
	}
}

func tally(r Report) []tallyView {
	var out []tallyView
	for _, v := range []rule.Verdict{rule.Pass, rule.Partial, rule.Fail, rule.Inconclusive, rule.NotTested, rule.NotApplicable} {
		if n := len(r.withVerdict(v)); n > 0 {
			out = append(out, tallyView{v.String(), n})
		}
	}
	return out
}

func familyViews(r Report) []familyView {
	byFrame := map[event.Ref]Packet{}
	for _, p := range r.Packets {
		byFrame[p.Frame] = p
	}
	var out []familyView
	for _, f := range r.Families {
		v := familyView{Family: f}
		for _, x := range r.Findings {
			if x.Family == f.Code {
				v.add(viewOf(x, byFrame))
			}
		}
		slices.SortStableFunc(v.Faults, byVerdict)
		slices.SortStableFunc(v.Rest, byVerdict)
		v.RestSays = restSays(v.Rest)
		out = append(out, v)
	}
	return out
}

func (v *familyView) add(f findingView) {
	if f.Unfold {
		v.Faults = append(v.Faults, f)
	} else {
		v.Rest = append(v.Rest, f)
	}
}

// restSays counts findings by their verdicts; they are sorted by these.
func restSays(list []findingView) string {
	var parts []string
	for i := 0; i < len(list); {
		n := 1
		for i+n < len(list) && list[i+n].Verdict == list[i].Verdict {
			n++
		}
		parts = append(parts, strconv.Itoa(n)+" "+list[i].Verdict)
		i += n
	}
	return strings.Join(parts, ", ")
}

// byVerdict puts what a reader must see before what he may skip.
func byVerdict(a, b findingView) int {
	order := []string{"FAIL", "PARTIAL", "PASS", "INCONCLUSIVE", "NOT TESTED", "UNASSESSED", "NOT APPLICABLE"}
	return slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict)
}

func viewOf(f Finding, byFrame map[event.Ref]Packet) findingView {
	v := findingView{Finding: f, Unfold: f.Verdict == rule.Fail.String() || f.Verdict == rule.Partial.String()}
	for _, ref := range f.Evidence {
		p := byFrame[ref]
		for _, s := range p.Events {
			v.Cited = append(v.Cited, citedView{Frame: ref, Time: p.At.UTC().Format("15:04:05.000"), Seen: s})
		}
	}
	return v
}

// Ends tells between whom an observation was made, in one line.
func (s Seen) Ends() string {
	parts := []string{}
	for _, p := range [][2]string{{s.Client, s.Server}, {s.Device, s.Peer}} {
		switch {
		case p[0] != "" && p[1] != "":
			parts = append(parts, p[0]+" ↔ "+p[1])
		case p[0]+p[1] != "":
			parts = append(parts, p[0]+p[1])
		}
	}
	return strings.Join(parts, " · ")
}

// ladderViews lays the steps of both ladders out (catalogue of steps: Ladders).
func ladderViews(l Ladders) []ladderView {
	return []ladderView{
		newLadderView("DNSSEC", l.DNSSEC, []stepView{
			{Level: "D0", Word: "goes its own way"},
			{Level: "D1", Word: "relies on your resolver"},
			{Level: "D2", Word: "relies on a secured channel"},
			{Level: "D3", Word: "validates itself"},
		}),
		newLadderView("IPv6", l.IPv6, []stepView{
			{Level: "I0", Word: "no IPv6"},
			{Level: "I1", Word: "local only"},
			{Level: "I2", Word: "address and DNS"},
			{Level: "I3", Word: "reaches the internet"},
			{Level: "I4", Word: "works on IPv6 only"},
			{Level: "I5", Word: "proven in use"},
		}),
	}
}

func newLadderView(name string, l Ladder, steps []stepView) ladderView {
	reached := slices.IndexFunc(steps, func(s stepView) bool { return s.Level == l.Level })
	for i := range steps {
		switch {
		case i == reached:
			steps[i].State = "here"
		case i < reached:
			steps[i].State = "done"
		default:
			steps[i].State = "ahead"
		}
	}
	v := ladderView{Name: name, Ladder: l, Steps: steps}
	if reached >= 0 {
		v.Word = steps[reached].Word
	}
	return v
}
