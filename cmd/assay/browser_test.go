package main

import (
	"bytes"
	_ "embed" // for the page that looks at the pages
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/report"
	"assay/internal/assess/rule"
)

// looker is a page that opens the report pages in frames of several widths and
// writes what it finds into its own text.
//
//go:embed testdata/browser/look.html
var looker string

// widths are those of a phone, a notebook and a large screen, in CSS pixels.
var widths = []int{360, 1280, 1920}

// seenPage is what the browser says of one page at one width.
type seenPage struct {
	Page        string
	Width       int
	InnerWidth  int
	ScrollWidth int
	Links       int
	DeadLinks   []string // hrefs that lead nowhere on the page
	Strange     []string // elements and attributes that no report page has
	HostileText int      // how often the hostile name stands there as text
}

const hostileName = `"><script>console.error("alive")</script><img src=x onerror=alert(1)>`

// hostilePage is a report in which every text of the device is hostile, before any
// cleaning: the page alone must withstand it.
func hostilePage(t *testing.T) string {
	t.Helper()
	long := strings.Repeat("w", 64<<10)
	name := hostileName + "\x1b[31m\u202egnp.exe\u2066 " + long
	at := event.Event{Ref: 7, At: time.Unix(1700000000, 0), Body: event.Login{Service: "http", User: name, Where: name}}
	page, err := report.HTML(report.Build(report.Input{
		Device: report.Device{Name: name, MAC: "02:00:00:00:00:01", Vendor: name, Addresses: []string{name}},
		Graded: report.Graded{
			Overall:  report.Overall{Verdict: "NOT PROVEN", Why: name},
			Families: []report.Family{{Code: "CR", Name: "Credentials", Grade: "F"}},
		},
		Findings: []rule.Finding{
			{Check: "CR-03", Family: "CR", Verdict: rule.Fail, Why: name, Title: name, Because: []event.Event{at}, Seen: 1},
			{Check: "CR-07", Family: "CR", Verdict: rule.NotTested, Why: name, Title: "x", Needs: name},
		},
		Destinations: []report.Destination{{Name: name, Address: long, Transport: name, Protocol: name, Protection: "clear"}},
		Evidence:     report.EvidenceFile{Name: name},
		Hosts:        []report.Host{{ID: "02:00:00:00:00:01", Names: []string{name, long}, Addresses: []string{long}, Role: name}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// browser finds the browser, or skips the test with a plain word. Where
// REQUIRE_BROWSER is set a missing browser is a failure.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_BROWSER") != "" {
		t.Fatal("no chromium is installed, and REQUIRE_BROWSER is set: install Debian's package chromium")
	}
	t.Skip("no chromium is installed: the pages are not looked at in a browser")
	return ""
}

// site serves the pages and is the browser's proxy as well, so that it sees every
// request that a page makes to anywhere.
type site struct {
	mu    sync.Mutex
	pages map[string]string
	alien []string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page, ours := s.pages[r.URL.Path]
	if !ours || r.Host != "report.test" {
		if !isOfBrowser(r.Host) {
			s.alien = append(s.alien, r.Method+" "+r.Host+r.URL.Path)
		}
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(page)) // the browser is gone when this fails
}

// isOfBrowser tells the hosts that the browser asks on its own account; here it gets
// no answer from them.
func isOfBrowser(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	return strings.HasSuffix(host, ".google.com") || strings.HasSuffix(host, ".googleapis.com")
}

// look opens the pages in the browser and returns what it saw and what its console
// said.
func look(t *testing.T, pages map[string]string) (seen []seenPage, console string, alien []string) {
	t.Helper()
	program := browser(t)
	s := &site{pages: map[string]string{"/look": strings.Replace(looker, "PLAN", planOf(t, pages), 1)}}
	for name, page := range pages {
		s.pages["/"+name] = page
	}
	server := httptest.NewServer(s)
	defer server.Close()
	profile := t.TempDir()
	var out, errs bytes.Buffer
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-extensions", "--disable-default-apps", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		"--proxy-server="+server.Listener.Addr().String(), "--enable-logging=stderr", "--timeout=30000", "--dump-dom", "http://report.test/look")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the browser ended with %v:\n%s", err, errs.String())
	}
	_, after, _ := strings.Cut(out.String(), `<script type="application/json" id="seen">`)
	text, _, found := strings.Cut(after, "</script>")
	if err := json.Unmarshal([]byte(text), &seen); err != nil || !found {
		t.Fatalf("the browser did not come to an end (%v):\n%s", err, errs.String())
	}
	for _, line := range strings.Split(errs.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console += line + "\n"
		}
	}
	return seen, console, s.alien
}

// planOf says which pages to open at which widths.
func planOf(t *testing.T, pages map[string]string) string {
	t.Helper()
	var list []seenPage
	for name := range pages {
		for _, w := range widths {
			list = append(list, seenPage{Page: name, Width: w})
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPagesInABrowser looks at real pages and at a hostile one: nothing is wider
// than the screen, every link leads somewhere, nothing is asked of anybody, and
// foreign text stays text.
func TestPagesInABrowser(t *testing.T) {
	pages := map[string]string{
		"plug":    gradeAs(t, "html", filepath.Join("testdata", "plug.pcapng")),
		"camera":  gradeAs(t, "html", filepath.Join("testdata", "camera.pcapng")),
		"hostile": hostilePage(t),
	}
	seen, console, alien := look(t, pages)
	if len(seen) != len(pages)*len(widths) {
		t.Errorf("the browser looked at %d pages, want %d", len(seen), len(pages)*len(widths))
	}
	if console != "" || len(alien) > 0 {
		t.Errorf("requests to elsewhere: %q; the console said:\n%s", alien, console)
	}
	for _, p := range seen {
		t.Run(fmt.Sprintf("%s at %d", p.Page, p.Width), func(t *testing.T) { p.check(t) })
	}
}

func (p seenPage) check(t *testing.T) {
	if p.InnerWidth != p.Width || p.ScrollWidth > p.InnerWidth {
		t.Errorf("the page is %d pixels wide on a screen of %d (of %d wanted)", p.ScrollWidth, p.InnerWidth, p.Width)
	}
	if p.Links < 10 || len(p.DeadLinks) > 0 {
		t.Errorf("%d links, of which these lead nowhere: %q", p.Links, p.DeadLinks)
	}
	if slices.Sort(p.Strange); len(p.Strange) > 0 {
		t.Errorf("things that no report page has: %q", slices.Compact(p.Strange))
	}
	if p.Page == "hostile" && p.HostileText < 5 {
		t.Errorf("the hostile name stands there as text %d times, want it wherever the device is named", p.HostileText)
	}
}
