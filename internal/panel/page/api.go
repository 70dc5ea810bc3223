package page

import (
	_ "embed" // for the description of the interface
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

//go:embed openapi.json
var description []byte

// apiDescription is the OpenAPI description of the interface.
func (p *Page) apiDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(description) // a reader who left needs no answer
}

// apiRuns lists the runs.
func (p *Page) apiRuns(w http.ResponseWriter, r *http.Request) {
	all, err := p.cfg.Source.Runs(r.Context())
	if err != nil && len(all) == 0 {
		apiFailed(w, err)
		return
	}
	list := make([]summary, 0, len(all))
	for _, k := range all {
		list = append(list, summarise(k))
	}
	answer(w, http.StatusOK, map[string]any{"runs": list})
}

func summarise(k panel.Kept) summary {
	s := summary{
		ID: k.ID, State: k.State, Why: k.Why, Device: k.Device, Label: k.Details.Label, Serial: k.Details.Serial,
		Firmware: k.Details.Firmware, Operator: k.Details.Operator, Plan: k.Details.Plan, Profile: k.Details.Profile,
		Started: k.Started.UTC().Format(time.RFC3339), Verdict: k.Verdict, Lamps: k.Lamps, Kept: k.Keep, Bytes: k.Bytes,
	}
	if s.Lamps == nil {
		s.Lamps = []report.Lamp{}
	}
	if !k.Ended.IsZero() {
		s.Ended = k.Ended.UTC().Format(time.RFC3339)
	}
	return s
}

// apiRun is the report of a run, in the shape of report/schema.json.
func (p *Page) apiRun(w http.ResponseWriter, r *http.Request) {
	rep, err := p.cfg.Source.Report(r.Context(), r.PathValue("id"))
	if err == nil && rep.Schema == "" {
		err = panel.ErrUnknown
	}
	if err != nil {
		apiFailed(w, err)
		return
	}
	text, err := report.JSON(rep)
	if err != nil {
		apiFailed(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a reader who left needs no answer
}

// liveSummary is a run that goes on, as programs are given it.
type liveSummary struct {
	ID      string        `json:"id"`
	State   string        `json:"state"`
	Why     string        `json:"why"`
	Device  string        `json:"dut"`
	Label   string        `json:"label"`
	Trouble string        `json:"trouble"`
	Step    int           `json:"step"`
	Of      int           `json:"of"`
	Doing   string        `json:"doing"`
	Paused  bool          `json:"paused"`
	Left    float64       `json:"left_seconds"`
	Verdict string        `json:"verdict"`
	Lamps   []report.Lamp `json:"lamps"`
}

func summariseLive(r panel.Run) liveSummary {
	s := liveSummary{
		ID: r.ID, State: r.State, Why: r.Why, Device: r.Device, Label: r.Details.Label, Trouble: r.Trouble,
		Step: r.Step.Number, Of: r.Step.Of, Doing: r.Step.Words, Paused: r.Step.Paused, Left: r.Step.Left.Seconds(), Lamps: []report.Lamp{},
	}
	if r.Graded {
		s.Verdict, s.Lamps = r.Report.Overall.Verdict, r.Report.Lamps
	}
	return s
}

// apiLive is one run as it stands.
func (p *Page) apiLive(w http.ResponseWriter, r *http.Request) {
	for _, run := range p.cfg.Source.Live().Runs {
		if run.ID == r.PathValue("id") {
			answer(w, http.StatusOK, summariseLive(run))
			return
		}
	}
	apiFailed(w, panel.ErrUnknown)
}

// apiEvents streams each change of the runs that go on.
func (p *Page) apiEvents(w http.ResponseWriter, r *http.Request) {
	sent := map[string]string{}
	p.stream(w, r, func() (out []any) {
		for _, run := range p.cfg.Source.Live().Runs {
			s := summariseLive(run)
			text, err := json.Marshal(s)
			if err != nil || sent[s.ID] == string(text) {
				continue
			}
			sent[s.ID] = string(text)
			out = append(out, s)
		}
		return out
	})
}

// apiUnknown answers for paths that are none, in the form that programs expect.
func (p *Page) apiUnknown(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusNotFound, map[string]string{"error": "there is no such resource; see /api/openapi.json"})
}

func apiFailed(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if errors.Is(err, panel.ErrUnknown) {
		code = http.StatusNotFound
	}
	answer(w, code, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, code int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "cannot write the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // a reader who left needs no answer
}
