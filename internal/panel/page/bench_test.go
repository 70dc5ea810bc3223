package page

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"assay/internal/panel"
)

// BenchmarkLive is what one change costs for one open page: everything is looked at and
// rendered anew, and what differs is sent. There are at most four changes a second.
func BenchmarkLive(b *testing.B) {
	s := newStage(b)
	p, err := New(Config{Source: s})
	if err != nil {
		b.Fatal(err)
	}
	l := p.languages[0]
	sent := map[string]string{}
	for i := 0; b.Loop(); i++ {
		s.change(func(live *panel.Live) {
			live.Runs = slices.Clone(live.Runs)
			live.Runs[0].Step.Done = i
		})
		view := p.look("")
		for _, name := range parts {
			html, err := p.render(l, "live-"+name, view)
			if err != nil {
				b.Fatal(err)
			}
			sent[name] = string(html)
		}
	}
}

// BenchmarkRuns is the list of two hundred runs.
func BenchmarkRuns(b *testing.B) {
	s := newStage(b)
	for len(s.kept) < 200 {
		s.kept = append(s.kept, s.kept[len(s.kept)%5])
	}
	benchmarkView(b, s, "/runs")
}

// BenchmarkReport is a report whose packets make five thousand events.
func BenchmarkReport(b *testing.B) {
	s := newStage(b)
	id := s.kept[0].ID
	r := s.reports[id]
	for n := 0; n < 5000; {
		for _, q := range s.reports[id].Packets {
			r.Packets = append(r.Packets, q)
			n += max(1, len(q.Events))
		}
	}
	s.reports[id] = r
	benchmarkView(b, s, "/runs/"+id)
}

func benchmarkView(b *testing.B, s *stage, path string) {
	b.Helper()
	p, err := New(Config{Source: s})
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}
