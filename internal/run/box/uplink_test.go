//go:build linux

package box

import (
	"fmt"
	"strings"
	"testing"

	"assay/internal/run/session"
	"assay/testbench/lab"
)

// TestUplinkVanishes: without the uplink the run goes on and DNS says SERVFAIL; when
// it is back so are the answers.
func TestUplinkVanishes(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.start()
	w.do(0, lease+visit)
	must(t, w.lab.Uplink(false))
	w.untilDNS("SERVFAIL")
	must(t, w.lab.Uplink(true))
	w.untilDNS("NOERROR")
	w.do(0, visit)
	if r := w.runs.of(""); len(r) != 1 || r[0].State != session.Observing {
		t.Errorf("the runs are %+v, want one that goes on", r)
	}
	w.stop()
	var said []string
	for _, e := range w.entries(w.places()[0]) {
		if e.Note.Kind == "uplink" {
			said = append(said, string(e.Note.Body))
		}
	}
	story := strings.Join(said, "\n")
	first, rest, _ := strings.Cut(story, `"up":false`)
	if !strings.Contains(first, `"up":true`) || !strings.Contains(rest, `"up":true`) {
		t.Errorf("the notes do not tell that the uplink went and came:\n%s", story)
	}
}

// untilDNS asks for a name that nobody has asked for before, until the answer has
// this code.
func (w *world) untilDNS(code string) {
	w.t.Helper()
	n, out := 0, ""
	w.until("DNS says "+code+", not:\n"+out, func() bool {
		n++
		out, _ = w.try(0, fmt.Sprintf("dig +tries=1 +time=5 @192.168.77.1 n%d.%s.cam.example", n, strings.ToLower(code)))
		return strings.Contains(out, "status: "+code) || code == "NOERROR" && strings.Contains(out, "status: NXDOMAIN")
	})
}
