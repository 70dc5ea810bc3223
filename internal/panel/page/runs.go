package page

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

// runsView lists the kept runs.
type runsView struct {
	Search string
	Runs   []keptView
	All    int
}

type keptView struct {
	panel.Kept
	Name, Tone string
}

// runs lists and searches the runs.
func (p *Page) runs(w http.ResponseWriter, r *http.Request) {
	all, err := p.cfg.Source.Runs(r.Context())
	if err != nil && len(all) == 0 {
		p.failed(w, r, err)
		return
	}
	v := runsView{Search: short(r.URL.Query().Get("q")), All: len(all)}
	for _, k := range all {
		if matches(k, v.Search) {
			v.Runs = append(v.Runs, viewKept(k))
		}
	}
	p.show(w, r, http.StatusOK, "runs", "runs.title", v)
}

func viewKept(k panel.Kept) keptView {
	k.Details = visibleDetails(k.Details)
	return keptView{Kept: k, Name: cmp.Or(k.Details.Label, k.Device), Tone: overallTone(k.Verdict)}
}

// matches says whether every word of a search stands somewhere in a run.
func matches(k panel.Kept, search string) bool {
	d := k.Details
	text := strings.ToLower(strings.Join([]string{
		k.ID, k.Device, k.State, k.Verdict, d.Label, d.Serial, d.Firmware, d.Operator, d.Plan, d.Profile, k.Started.Local().Format("2006-01-02 15:04"),
	}, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// longest is the most characters of anything that is typed into the page.
const longest = 200

func short(text string) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), longest)])
}

// reportView is one report with what can be taken along.
type reportView struct {
	ID      string
	Current bool
	Graded  bool
	Body    template.HTML
}

// report shows the report of a run.
func (p *Page) report(w http.ResponseWriter, r *http.Request) {
	v := reportView{ID: r.PathValue("id")}
	for _, run := range p.cfg.Source.Live().Runs {
		v.Current = v.Current || run.ID == v.ID && !run.Ended()
	}
	rep, err := p.cfg.Source.Report(r.Context(), v.ID)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	v.Graded = rep.Schema != ""
	if v.Graded {
		if v.Body, err = reportSection(rep); err != nil {
			p.failed(w, r, err)
			return
		}
	}
	p.show(w, r, http.StatusOK, "report", "report.title", v)
}

// kinds of the files of a run.
var kinds = map[string]string{
	"evidence.pcapng": "application/vnd.tcpdump.pcap",
	"report.json":     "application/json",
	"report.html":     "text/html; charset=utf-8",
}

// file hands out a file of a run, always to be saved: a report that is opened in the
// page's own origin would be a way in.
func (p *Page) file(w http.ResponseWriter, r *http.Request) {
	id, name := r.PathValue("id"), r.PathValue("file")
	kind, known := kinds[name]
	if !known {
		p.missing(w, r)
		return
	}
	f, changed, err := p.cfg.Source.Open(r.Context(), id, name)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fileName(id)+path.Ext(name)))
	http.ServeContent(w, r, "", changed, io.ReadSeeker(f))
}

// fileName is a run's id as a name that no system minds.
func fileName(id string) string {
	return "assay-" + strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
			return c
		}
		return '-'
	}, id)
}

// edit asks for what the operator says of a kept run.
func (p *Page) edit(w http.ResponseWriter, r *http.Request) { p.one(w, r, "edit", "runs.edit") }

// sure asks before a run is deleted.
func (p *Page) sure(w http.ResponseWriter, r *http.Request) { p.one(w, r, "sure", "order.delete") }

// one shows a view of one kept run.
func (p *Page) one(w http.ResponseWriter, r *http.Request, view, title string) {
	all, err := p.cfg.Source.Runs(r.Context())
	if err != nil && len(all) == 0 {
		p.failed(w, r, err)
		return
	}
	for _, k := range all {
		if k.ID == r.PathValue("id") {
			p.show(w, r, http.StatusOK, view, title, viewKept(k))
			return
		}
	}
	p.failed(w, r, panel.ErrUnknown)
}

// summary is a run as programs are given it.
type summary struct {
	ID       string        `json:"id"`
	State    string        `json:"state"`
	Why      string        `json:"why"`
	Device   string        `json:"dut"`
	Label    string        `json:"label"`
	Serial   string        `json:"serial"`
	Firmware string        `json:"firmware"`
	Operator string        `json:"operator"`
	Plan     string        `json:"plan"`
	Profile  string        `json:"profile"`
	Started  string        `json:"started"`
	Ended    string        `json:"ended,omitempty"`
	Verdict  string        `json:"verdict"`
	Lamps    []report.Lamp `json:"lamps"`
	Kept     bool          `json:"kept"`
	Bytes    int64         `json:"bytes"`
}
