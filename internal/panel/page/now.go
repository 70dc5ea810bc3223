package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

// liveView is what the live views show.
type liveView struct {
	Run    liveRun
	Any    bool
	Others []liveRun
	Kiosk  bool
}

type liveRun struct {
	panel.Run
	Name    string // "" when nobody named it
	Lamps   []lampView
	Overall string // key of its words
	Tone    string
	Percent int // of the plan
	Moments []moment
	Far     []far
	Series  string // of the chart, as JSON
	Ended   bool
	Elapsed time.Duration
	Shown   report.Coverage
}

type moment = panel.Moment

// lampView is one of the four lamps.
type lampView struct {
	Name    string
	State   string // good, remarks, ..., testing
	Grade   string
	Testing bool
	Shown   report.Coverage // of the demands it stands for
	Faults  int
}

// far is one far end in the traffic list.
type far struct {
	Name, Protocol, Protection string
	Sent, Received             uint64
	Width                      int // of its bar, 1 to 100
	Tone                       string
}

// The most that the live views list.
const (
	momentsShown = 40
	farShown     = 12
	othersShown  = 6
)

// look arranges what there is to see. id names the run that is looked at; "" is the
// one that goes on.
func (p *Page) look(id string) liveView {
	live := p.cfg.Source.Live()
	v := liveView{}
	for _, r := range live.Runs {
		switch {
		case !v.Any && (id == "" || r.ID == id):
			v.Run, v.Any = p.arrange(r), true
		case len(v.Others) < othersShown:
			v.Others = append(v.Others, p.arrange(r))
		}
	}
	return v
}

func (p *Page) arrange(r panel.Run) liveRun {
	r.Details = visibleDetails(r.Details)
	v := liveRun{Run: r, Name: nameOf(r), Ended: r.Ended(), Overall: "overall.running", Tone: "unknown", Percent: progress(r)}
	v.Elapsed = p.cfg.Now().Sub(r.Started)
	if r.Graded {
		v.Shown = r.Report.Overall.Coverage
		if v.Ended {
			v.Overall, v.Tone = "overall."+r.Report.Overall.Verdict, overallTone(r.Report.Overall.Verdict)
		}
	}
	v.Lamps = lampsOf(r, v.Ended)
	v.Moments = slices.Clone(r.Did)
	for i := range v.Moments {
		v.Moments[i].About = visible(v.Moments[i].About)
	}
	slices.Reverse(v.Moments)
	v.Moments = v.Moments[:min(len(v.Moments), momentsShown)]
	v.Far = farEnds(r.Report.Destinations)
	v.Series = series(r.Traffic)
	return v
}

// nameOf is what people call the device.
func nameOf(r panel.Run) string {
	return visible(cmp.Or(r.Details.Label, r.Report.Device.Name, r.Device))
}

// progress is how much of the plan is done, in percent.
func progress(r panel.Run) int {
	if r.Ended() {
		return 100
	}
	if r.Step.Of == 0 || r.Step.Number == 0 {
		return 0
	}
	part := 0.0
	if r.Step.All > 0 {
		part = min(1, float64(r.Step.Done)/float64(r.Step.All))
	}
	return min(99, int((float64(r.Step.Number-1)+part)/float64(r.Step.Of)*100))
}

// headlines are the lamps of a run that has no report yet.
var headlines = []string{"DNSSEC", "TLS", "IPv6", "Credentials"}

// lampsOf are the four lamps. What has no answer yet is being tested while the run
// goes on, and not proven after it.
func lampsOf(r panel.Run, ended bool) (out []lampView) {
	if !r.Graded {
		for _, name := range headlines {
			out = append(out, lampView{Name: name, State: "unknown", Testing: !ended})
		}
		return out
	}
	for _, l := range r.Report.Lamps {
		open := l.State == report.LampUnknown || l.State == report.LampOff
		v := lampView{Name: l.Name, State: string(l.State), Grade: l.Grade, Testing: open && !ended}
		v.count(r.Report, l.Families)
		out = append(out, v)
	}
	return out
}

// count sums up how far the families of a lamp have come.
func (v *lampView) count(r report.Report, families []string) {
	for _, f := range r.Families {
		if slices.Contains(families, f.Code) {
			v.Shown.Shown += f.Coverage.Shown
			v.Shown.Of += f.Coverage.Of
		}
	}
	for _, f := range r.Findings {
		if slices.Contains(families, f.Family) && f.Verdict == "FAIL" {
			v.Faults++
		}
	}
}

// farEnds are the destinations by what crossed, the busiest first.
func farEnds(list []report.Destination) (out []far) {
	byName := map[string]int{}
	for _, d := range list {
		name := visible(cmp.Or(d.Name, d.Address))
		protocol := cmp.Or(d.Protocol, strings.ToUpper(d.Transport)+" "+fmt.Sprint(d.Port))
		key := name + "\x00" + protocol + "\x00" + d.Protection
		at, known := byName[key]
		if !known {
			at = len(out)
			byName[key] = at
			out = append(out, far{Name: name, Protocol: protocol, Protection: d.Protection, Tone: protectionTone(d.Protection)})
		}
		out[at].Sent += d.Sent
		out[at].Received += d.Received
	}
	slices.SortStableFunc(out, func(a, b far) int { return cmp.Compare(b.Sent+b.Received, a.Sent+a.Received) })
	out = out[:min(len(out), farShown)]
	for i := range out {
		out[i].Width = max(1, int(100*(out[i].Sent+out[i].Received)/max(1, out[0].Sent+out[0].Received)))
	}
	return out
}

func protectionTone(protection string) string {
	switch protection {
	case "encrypted":
		return "good"
	case "clear":
		return "bad"
	}
	return "unknown"
}

// series is the traffic as the chart wants it: times, sent, received.
func series(list []panel.Second) string {
	data := [3][]int64{{}, {}, {}}
	for _, s := range list {
		data[0] = append(data[0], s.At)
		data[1] = append(data[1], int64(min(s.Sent, 1<<60)))
		data[2] = append(data[2], int64(min(s.Received, 1<<60)))
	}
	text, err := json.Marshal(data)
	if err != nil { // numbers can always be written
		return "[]"
	}
	return string(text)
}

// now shows what goes on.
func (p *Page) now(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "now", "now.title", p.look(r.URL.Query().Get("run")))
}

// kiosk shows the same for a room.
func (p *Page) kiosk(w http.ResponseWriter, r *http.Request) {
	v := p.look("")
	v.Kiosk = true
	p.show(w, r, http.StatusOK, "kiosk", "now.title", v)
}
