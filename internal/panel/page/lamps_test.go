package page

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/report"
	"assay/internal/panel"
	"assay/internal/panel/light"
)

// TestEveryPatternIsDrawn: whatever the lamps of the board do, the page draws them in a
// style of their own.
func TestEveryPatternIsDrawn(t *testing.T) {
	css, err := staticFiles.ReadFile("static/panel.css")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]bool{"lit-off": true} // dark is how a lamp is drawn anyhow
	for _, m := range regexp.MustCompile(`\.(lit-[a-z]+) \.led`).FindAllStringSubmatch(string(css), -1) {
		drawn[m[1]] = true
	}
	states := []report.LampState{"good", "remarks", "bad", "critical", "unknown", "off"}
	rapid.Check(t, func(t *rapid.T) {
		r := panel.Run{
			State: rapid.SampledFrom([]string{"waiting", "joined", "observing", "done"}).Draw(t, "state"), Graded: true,
			Trouble: rapid.SampledFrom([]string{"", "full"}).Draw(t, "trouble"), Step: panel.Step{Ask: rapid.SampledFrom([]string{"", "do it"}).Draw(t, "ask")},
			Report: report.Report{Lamps: []report.Lamp{{Name: "TLS", State: rapid.SampledFrom(states).Draw(t, "lamp")}}},
		}
		for _, l := range light.Lit(panel.Live{Runs: []panel.Run{r}}) {
			if !drawn[l.Pattern] {
				t.Fatalf("%s has no style", l.Pattern)
			}
		}
	})
}
