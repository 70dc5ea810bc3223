package page

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"

	"assay/internal/panel"
)

// get asks for a path and gives the code and the body.
func get(t *testing.T, server *httptest.Server, path string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(body), a.Header
}

// bare is a key of a text that stands where the text should.
var bare = regexp.MustCompile(`>\s*(?:now|runs|order|lamp|overall|state|did|report|compare|start|box|login|error|nav|why|doing|time)\.[a-zA-Z.]+\s*<`)

// TestEveryViewInEveryLanguage: each view is a whole page, with texts and no keys.
func TestEveryViewInEveryLanguage(t *testing.T) {
	_, server := opened(t)
	for _, code := range []string{"en", "nl"} {
		for _, v := range shown {
			status, body, head := get(t, server, v.path, "Accept-Language", code+"-XX,en;q=0.5")
			want := http.StatusOK
			if v.name == "missing" {
				want = http.StatusNotFound
			}
			if status != want || head.Get("Content-Language") != code {
				t.Errorf("%s in %s: %d in %q", v.path, code, status, head.Get("Content-Language"))
			}
			if key := bare.FindString(strings.ReplaceAll(body, "time.vendor.example", "")); key != "" {
				t.Errorf("%s in %s shows the key %s", v.path, code, key)
			}
			if strings.Contains(body, "%!") || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
				t.Errorf("%s in %s is not whole", v.path, code)
			}
		}
	}
}

var verb = regexp.MustCompile(`%[sd]`)

// TestLanguagesSayTheSame: every language has the same keys, with the same to be filled
// in.
func TestLanguagesSayTheSame(t *testing.T) {
	all, err := languages()
	if err != nil || len(all) < 2 || all[0].code != fallback {
		t.Fatal(all, err)
	}
	for _, l := range all[1:] {
		for key, text := range all[0].texts {
			if other, ok := l.texts[key]; !ok {
				t.Errorf("%s has no text for %s", l.code, key)
			} else if !slices.Equal(verb.FindAllString(text, -1), verb.FindAllString(other, -1)) {
				t.Errorf("%s: %s fills in other things: %q, %q", l.code, key, text, other)
			}
		}
		for key := range maps.Keys(l.texts) {
			if _, ok := all[0].texts[key]; !ok {
				t.Errorf("%s has %s, which nothing asks for", l.code, key)
			}
		}
	}
}

var asked = regexp.MustCompile(`\{\{-?\s*(?:if\s+)?t "([^"]+)"|\(t "([^"]+)"`)

// TestTheViewsAskForTextsThatAreThere
func TestTheViewsAskForTextsThatAreThere(t *testing.T) {
	all, err := languages()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = fs.WalkDir(viewFiles, "views", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(viewFiles, path)
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			key := m[1] + m[2]
			found++
			if _, ok := all[0].texts[key]; !ok {
				t.Errorf("%s asks for %q, which has no text", path, key)
			}
		}
		return err
	})
	if err != nil || found < 100 {
		t.Fatalf("only %d texts are asked for: %v", found, err)
	}
}

// TestHostileNamesAreText: nothing of a device's becomes markup, on any view.
func TestHostileNamesAreText(t *testing.T) {
	_, server := opened(t)
	for _, v := range shown {
		_, body, _ := get(t, server, v.path)
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				harmlessElement(t, v.path, n)
			}
		}
		if strings.ContainsAny(body, "\u202e\u2066\x1b") && !strings.Contains(v.path, "/runs/2") {
			t.Errorf("%s lets a character through that turns the writing or steers a terminal", v.path)
		}
	}
}

func harmlessElement(t *testing.T, path string, n *html.Node) {
	t.Helper()
	if n.Data == "script" && !strings.HasPrefix(attribute(n, "src"), "/static/") {
		t.Errorf("%s has a script that is not ours", path)
	}
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "src" || a.Key == "href") && strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
			t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestNoFormulaInTheTable: a spreadsheet takes no cell for a formula.
func TestNoFormulaInTheTable(t *testing.T) {
	_, server := opened(t)
	status, body, head := get(t, server, "/compare.csv")
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || status != http.StatusOK || len(lines) < 90 || !strings.Contains(head.Get("Content-Disposition"), "attachment") {
		t.Fatal(status, len(lines), err)
	}
	for _, c := range slices.Concat(lines...) {
		if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r|%") {
			t.Errorf("the cell %q is a formula", c)
		}
	}
	for text, want := range map[string]string{"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-2": "'-2", "plug": "plug", "": "", "＝1": "'＝1", "\t=1": "'\t=1"} {
		if got := harmless(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestTheInterfaceIsAsDescribed: the description names every path of the interface and
// no other, and each answer is as it says.
func TestTheInterfaceIsAsDescribed(t *testing.T) {
	_, server := opened(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(description))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct{ described, path, code string }{
		{"/api/runs", "/api/runs", "200"},
		{"/api/runs/{id}", "/api/runs/20261120-100000-careful-camera-0", "200"},
		{"/api/runs/{id}", "/api/runs/20261120-120000-hostile", "200"},
		{"/api/runs/{id}", "/api/runs/nobody", "404"},
		{"/api/runs/{id}/live", "/api/runs/now/live", "200"},
		{"/api/runs/{id}/live", "/api/runs/nobody/live", "404"},
		{"/api/openapi.json", "/api/openapi.json", "200"},
	} {
		status, body, head := get(t, server, ask.path)
		if fmt.Sprint(status) != ask.code || !strings.HasPrefix(head.Get("Content-Type"), "application/json") {
			t.Fatalf("%s: %d, %s", ask.path, status, head.Get("Content-Type"))
		}
		at := "openapi.json#/paths/" + url.PathEscape(strings.ReplaceAll(ask.described, "/", "~1")) + "/get/responses/" + ask.code + "/content/application~1json/schema"
		if ask.code == "404" {
			at = "openapi.json#/components/responses/Error/content/application~1json/schema"
		}
		s, err := c.Compile(at)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Errorf("%s: %v", ask.path, err)
		}
	}
}

// TestTheStreamTellsChanges: of what changes, the stream tells just that.
func TestTheStreamTellsChanges(t *testing.T) {
	s, server := opened(t)
	for _, path := range []string{"/live", "/api/events"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(a.Body)
		lines.Buffer(nil, 1<<20)
		if first := nextEvent(t, lines); first == "" {
			t.Errorf("%s tells nothing at first", path)
		}
		word := "nothing like it " + strings.ReplaceAll(path, "/", "-")
		s.change(func(l *panel.Live) {
			l.Runs = slices.Clone(l.Runs)
			l.Runs[0].Step.Words = word
		})
		text := nextEvent(t, lines)
		for text != "" && !strings.Contains(text, word) {
			text = nextEvent(t, lines)
		}
		if text == "" {
			t.Errorf("%s did not tell the change: %v", path, lines.Err())
		}
		_ = a.Body.Close()
	}
}

// nextEvent is the data of the next event of a stream, "" at its end.
func nextEvent(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		text, isData := strings.CutPrefix(lines.Text(), "data: ")
		if !isData {
			continue
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("the stream sends %q", text)
		}
		return text
	}
	return ""
}

// post sends a form and does not follow where it leads.
func post(t *testing.T, server *httptest.Server, path string, form url.Values) (code int, location, body string) {
	t.Helper()
	client := *server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Location"), string(text)
}

// TestTheStart: the form becomes an order, and what is wrong with it is told.
func TestTheStart(t *testing.T) {
	s, server := opened(t)
	code, to, _ := post(t, server, "/start", url.Values{"label": {" Candidate 3 "}, "plan": {"quick"}, "profile": {"internet-standards"}})
	if code != http.StatusSeeOther || to != "/start?done" || s.orders[0].Details.Label != "Candidate 3" || s.orders[0].Kind != panel.OrderStart {
		t.Errorf("start: %d to %s, %+v", code, to, s.orders)
	}
	for _, bad := range []url.Values{{"plan": {"none such"}}, {"tester": {"me"}}, {"label": {strings.Repeat("x", 201)}}} {
		code, _, body := post(t, server, "/start", bad)
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) || len(s.orders) != 1 {
			t.Errorf("%v is taken: %d, %d orders", bad, code, len(s.orders))
		}
	}
}

// TestOrders: buttons become orders, and none leads away from the box.
func TestOrders(t *testing.T) {
	s, server := opened(t)
	for back, want := range map[string]string{"/runs": "/runs", "//elsewhere.example": "/", "https://elsewhere.example": "/", `/\elsewhere`: "/", "": "/"} {
		code, to, _ := post(t, server, "/order", url.Values{"order": {"end"}, "run": {"now"}, "back": {back}})
		if code != http.StatusSeeOther || to != want {
			t.Errorf("back to %q: %d to %q", back, code, to)
		}
	}
	if len(s.orders) != 5 || s.orders[0].Kind != panel.OrderEnd || s.orders[0].Run != "now" {
		t.Errorf("the orders are %+v", s.orders)
	}
	if code, _, _ := post(t, server, "/order", url.Values{"order": {"explode"}}); code != http.StatusConflict {
		t.Errorf("an order that nobody knows: %d", code)
	}
	s.refuse = fmt.Errorf("%w: there is no board", panel.ErrImpossible)
	if code, _, body := post(t, server, "/order", url.Values{"order": {"lamps"}}); code != http.StatusConflict || !strings.Contains(body, "there is no board") {
		t.Errorf("a refused order: %d %s", code, body)
	}
}

// TestFilesAreForTaking: files are never opened in the page's own place.
func TestFilesAreForTaking(t *testing.T) {
	_, server := opened(t)
	for _, name := range []string{"evidence.pcapng", "report.json", "report.html"} {
		code, body, head := get(t, server, "/runs/20261120-120000-hostile/"+name)
		if code != http.StatusOK || body != "the file "+name || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment;") {
			t.Errorf("%s: %d %q %v", name, code, body, head)
		}
	}
	for _, name := range []string{"run.yaml", "..%2Fsecret", "evidence.pcapng%00"} {
		if code, _, _ := get(t, server, "/runs/20261120-120000-hostile/"+name); code != http.StatusNotFound {
			t.Errorf("%s: %d", name, code)
		}
	}
}

// TestARetestTellsBetterAndWorse: only between verdicts that judge.
func TestARetestTellsBetterAndWorse(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"FAIL", "PASS", "better"}, {"PASS", "FAIL", "worse"}, {"PARTIAL", "FAIL", "worse"}, {"PASS", "PASS", "same"},
		{"INCONCLUSIVE", "PASS", ""}, {"PASS", "NOT TESTED", ""}, {"–", "PASS", ""},
	} {
		if got := change(c.before, c.after); got != c.want {
			t.Errorf("%s to %s is %q", c.before, c.after, got)
		}
	}
	_, server := opened(t)
	_, body, _ := get(t, server, "/compare?run=20261120-100000-careful-camera-1&run=20261120-100000-careful-camera-0")
	if !strings.Contains(body, "The same device, tested again") || strings.Index(body, "careful-camera-0") > strings.Index(body, "careful-camera-1") && !strings.Contains(body, "1.0") {
		t.Error("two runs of one device are not shown as a re-test, the earlier first")
	}
}

// TestNothingSeenIsNeverGreen: a run without a report has no lamp that says anything.
func TestNothingSeenIsNeverGreen(t *testing.T) {
	for _, ended := range []bool{false, true} {
		for _, l := range lampsOf(panel.Run{}, ended) {
			if l.State != "unknown" || l.Testing == ended {
				t.Errorf("ended %v: %+v", ended, l)
			}
		}
	}
}

// TestTwoHundredRuns: the list of a busy lab stays usable.
func TestTwoHundredRuns(t *testing.T) {
	s, server := opened(t)
	for len(s.kept) < 200 {
		s.kept = append(s.kept, s.kept[len(s.kept)%5])
	}
	status, body, _ := get(t, server, "/runs?q=careful+2026")
	if status != http.StatusOK || strings.Count(body, "<tr") < 50 || strings.Contains(body, "Careless") || len(body) > 200_000 {
		t.Errorf("%d, %d bytes, %d rows", status, len(body), strings.Count(body, "<tr"))
	}
}
