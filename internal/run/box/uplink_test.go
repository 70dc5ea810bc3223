//go:build linux

package box

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/run/health"
	"assay/internal/run/session"
	"assay/testbench/internet"
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

// TestUplinkIsLentForATime: when the provider's DHCP falls silent the lease is held to
// its end and no longer, which the notes and the state of the machine tell; when it
// speaks again so does the uplink.
func TestUplinkIsLentForATime(t *testing.T) {
	lab.NeedProgram(t, "nft")
	w := newWorldWith(t, lab.Options{Switch: true}, internet.Options{NoIPv6: true, Lease: 30 * time.Second})
	w.start()
	w.do(0, lease+visit)
	begun := time.Now()
	w.filter("add table ip silent; add chain ip silent in { type filter hook input priority 0; }; add rule ip silent in udp dport 67 drop")
	w.untilNoWay()
	if held := time.Since(begun); held < 20*time.Second {
		t.Errorf("the lease of 30 s was given up after %s", held)
	}
	w.until("nothing is left of the lease", func() bool {
		s := w.box.uplink.State()
		return !s.Up && s.Carrier && len(s.Addresses)+len(s.Resolvers) == 0
	})
	w.untilDNS("SERVFAIL")
	w.filter("delete table ip silent")
	w.untilDNS("NOERROR")
	w.do(0, visit)
	if f := w.way(); f.State != health.Good {
		t.Errorf("the machine says %+v", f)
	}
	w.stop()
	if story := w.said("uplink"); !inOrder(story, `"up":true`, `"carrier":true,"up":false`, `"up":true`) {
		t.Errorf("the notes do not tell that the uplink went and came:\n%s", story)
	}
}

// filter changes the packet filter at the provider's end.
func (w *world) filter(words string) {
	w.t.Helper()
	out, err := w.lab.Internet.Command(w.t.Context(), "nft", words).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

// untilNoWay waits until a lease of 30 s is over.
func (w *world) untilNoWay() {
	w.t.Helper()
	for deadline := time.After(45 * time.Second); w.way().State != health.Remark; {
		select {
		case <-deadline:
			w.t.Fatalf("the uplink outlives its lease: %+v", w.box.uplink.State())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// way is what the machine's health says of the way to the internet.
func (w *world) way() health.Finding {
	list := func() ([]health.Port, error) { return health.ListPorts(lab.LANLink, lab.WANLink) }
	return health.Uplink(list).Look(w.t.Context())
}

// inOrder says that the words follow each other in a text.
func inOrder(text string, words ...string) bool {
	for _, word := range words {
		_, rest, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		text = rest
	}
	return true
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
