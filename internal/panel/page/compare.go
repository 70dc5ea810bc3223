package page

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

// compareView is candidates times demands.
type compareView struct {
	Choices    []keptView // to choose from
	Chosen     map[string]bool
	Candidates []candidate
	Families   []familyRow
	Groups     []group
	Only       bool // only what differs
	Retest     bool // two runs of the same device
	Differ, Of int
}

// Columns is how many columns the table has.
func (v compareView) Columns() int {
	if v.Retest {
		return len(v.Candidates) + 2
	}
	return len(v.Candidates) + 1
}

// Link is the query of the same comparison, with or without what is equal.
func (v compareView) Link(only bool) template.URL {
	q := v.query()
	if only {
		q.Set("only", "differences")
	}
	return template.URL(q.Encode()) //nolint:gosec // Encode leaves nothing that has a meaning in a URL
}

// Sorted is the query of the same comparison, sorted by a check or the score.
func (v compareView) Sorted(by string) template.URL {
	q := v.query()
	q.Set("sort", by)
	if v.Only {
		q.Set("only", "differences")
	}
	return template.URL(q.Encode()) //nolint:gosec // as in Link
}

func (v compareView) query() url.Values {
	q := url.Values{}
	for _, c := range v.Candidates {
		q.Add("run", c.ID)
	}
	return q
}

type candidate struct {
	ID, Name, Firmware, Verdict, Tone string
	Percent                           *int
	Lamps                             []report.Lamp
	families                          map[string]report.Family
	findings                          map[string]report.Finding
}

type familyRow struct {
	Code, Name string
	Cells      []cell
}

type group struct {
	Code, Name string
	Rows       []row
}

type row struct {
	Check, Title, Level string
	Cells               []cell
	Differs             bool
	Change              string // better, worse, same; of a re-test
}

type cell struct{ Word, Tone, Why string }

// compareMost is how many candidates stand side by side.
const compareMost = 8

// compare shows candidates side by side.
func (p *Page) compare(w http.ResponseWriter, r *http.Request) {
	v, err := p.comparison(r)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "compare", "compare.title", v)
}

// comparison makes the view that a request asks for.
func (p *Page) comparison(r *http.Request) (v compareView, err error) {
	all, err := p.cfg.Source.Runs(r.Context())
	if err != nil && len(all) == 0 {
		return v, err
	}
	q := r.URL.Query()
	v.Only, v.Chosen = q.Get("only") != "", map[string]bool{}
	chosen := q["run"]
	if len(chosen) == 0 {
		chosen = latest(all)
	}
	for _, k := range all {
		if k.Graded {
			v.Choices = append(v.Choices, viewKept(k))
		}
	}
	for _, id := range chosen[:min(len(chosen), compareMost)] {
		if err := p.add(r.Context(), &v, all, id); err != nil {
			return v, err
		}
	}
	v.Retest = retest(all, v.Candidates)
	if v.Retest {
		slices.SortStableFunc(v.Candidates, func(a, b candidate) int { return started(all, a.ID).Compare(started(all, b.ID)) })
	} else {
		v.sort(q.Get("sort"))
	}
	v.rows()
	return v, nil
}

// latest are the last run of each device, those that a comparison begins with.
func latest(all []panel.Kept) (ids []string) {
	seen := map[string]bool{}
	for _, k := range all {
		name := cmp.Or(k.Details.Label, k.Device)
		if k.Graded && !seen[name] && len(ids) < compareMost {
			seen[name] = true
			ids = append(ids, k.ID)
		}
	}
	slices.Reverse(ids)
	return ids
}

// add puts a run beside the others; one that has no report is left out.
func (p *Page) add(ctx context.Context, v *compareView, all []panel.Kept, id string) error {
	at := slices.IndexFunc(all, func(k panel.Kept) bool { return k.ID == id })
	if at < 0 || v.Chosen[id] || !all[at].Graded {
		return nil
	}
	rep, err := p.cfg.Source.Report(ctx, id)
	if err != nil {
		return err
	}
	v.Chosen[id] = true
	v.Candidates = append(v.Candidates, newCandidate(all[at], rep))
	return nil
}

func newCandidate(k panel.Kept, rep report.Report) candidate {
	c := candidate{
		ID: k.ID, Name: visible(cmp.Or(k.Details.Label, rep.Device.Name, k.Device)), Firmware: visible(k.Details.Firmware),
		Verdict: rep.Overall.Verdict, Tone: overallTone(rep.Overall.Verdict), Percent: rep.Overall.Percent, Lamps: rep.Lamps,
		families: map[string]report.Family{}, findings: map[string]report.Finding{},
	}
	for _, f := range rep.Families {
		c.families[f.Code] = f
	}
	for _, f := range rep.Findings {
		c.findings[f.Check] = f
	}
	return c
}

// retest says whether the two are the same device, tested twice.
func retest(all []panel.Kept, list []candidate) bool {
	if len(list) != 2 {
		return false
	}
	var same [2]string
	for i, c := range list {
		k := all[slices.IndexFunc(all, func(k panel.Kept) bool { return k.ID == c.ID })]
		same[i] = cmp.Or(k.Details.Serial, k.Device)
	}
	return same[0] != "" && same[0] == same[1]
}

func started(all []panel.Kept, id string) (at time.Time) {
	for _, k := range all {
		if k.ID == id {
			return k.Started
		}
	}
	return at
}

// sort orders the candidates: by "score" or by the verdict on one check.
func (v *compareView) sort(by string) {
	if by == "" {
		return
	}
	slices.SortStableFunc(v.Candidates, func(a, b candidate) int {
		if by == "score" {
			return cmp.Compare(score(b), score(a))
		}
		return cmp.Compare(rank(a.findings[by].Verdict), rank(b.findings[by].Verdict))
	})
}

func score(c candidate) int {
	if c.Percent == nil {
		return -1
	}
	return *c.Percent
}

// ranks orders verdicts from the best to what says least.
var ranks = []string{"PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "NOT TESTED", "NOT APPLICABLE", ""}

func rank(verdict string) int { return slices.Index(ranks, verdict) }

// rows lays the demands out.
func (v *compareView) rows() {
	if len(v.Candidates) == 0 {
		return
	}
	for _, f := range v.families() {
		fr := familyRow{Code: f.Code, Name: f.Name}
		for _, c := range v.Candidates {
			of := c.families[f.Code]
			fr.Cells = append(fr.Cells, cell{Word: cmp.Or(of.Grade, "–"), Tone: gradeTone(of.Grade), Why: of.Word})
		}
		v.Families = append(v.Families, fr)
		g := group{Code: f.Code, Name: f.Name}
		for _, id := range v.checks(f.Code) {
			row := v.row(id)
			v.Of++
			if row.Differs {
				v.Differ++
			}
			if row.Differs || !v.Only {
				g.Rows = append(g.Rows, row)
			}
		}
		if len(g.Rows) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
}

func gradeTone(grade string) string {
	switch grade {
	case "A", "B":
		return "good"
	case "C":
		return "remarks"
	case "D":
		return "bad"
	case "F":
		return "critical"
	case "?":
		return "unknown"
	}
	return "off"
}

// families are those of any candidate, in the order of the reports.
func (v *compareView) families() (out []report.Family) {
	seen := map[string]bool{}
	for _, c := range v.Candidates {
		for _, f := range c.families {
			if !seen[f.Code] {
				seen[f.Code] = true
				out = append(out, f)
			}
		}
	}
	slices.SortFunc(out, func(a, b report.Family) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// checks are those of any candidate in one family.
func (v *compareView) checks(family string) (out []string) {
	seen := map[string]bool{}
	for _, c := range v.Candidates {
		for id, f := range c.findings {
			if f.Family == family && !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (v *compareView) row(id string) row {
	out := row{Check: id}
	for _, c := range v.Candidates {
		f, known := c.findings[id]
		out.Title, out.Level = cmp.Or(out.Title, f.Title), cmp.Or(out.Level, f.Level)
		if !known {
			f.Verdict = "–"
		}
		out.Cells = append(out.Cells, cell{Word: f.Verdict, Tone: verdictTone(f.Verdict), Why: visible(f.Why)})
		out.Differs = out.Differs || f.Verdict != out.Cells[0].Word
	}
	if v.Retest {
		out.Change = change(out.Cells[0].Word, out.Cells[1].Word)
	}
	return out
}

// change compares two verdicts; only between verdicts that judge is there a better
// and a worse.
func change(before, after string) string {
	a, b := rank(before), rank(after)
	const judged = 2 // the last of ranks that is a judgement
	switch {
	case before == after:
		return "same"
	case a < 0 || b < 0 || a > judged || b > judged:
		return ""
	case b < a:
		return "better"
	}
	return "worse"
}

// percentNumber is a score as a number of a table.
func percentNumber(p *int) string {
	if p == nil {
		return ""
	}
	return strconv.Itoa(*p)
}
