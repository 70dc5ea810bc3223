package door

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAWrittenWayRound: a path that is public when it is decoded, and another one when
// it is not, gets nobody in (RFC 3986, section 2.2: "%2F" is no "/").
func TestAWrittenWayRound(t *testing.T) {
	mux := http.NewServeMux()
	for _, p := range []string{"GET /runs/{id}", "GET /runs/{id}/{file}", "GET /api/runs/{id}/live", "GET /"} {
		mux.HandleFunc(p, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) })
	}
	d, err := New(Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := d.Wrap(mux, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	for _, path := range []string{
		"/runs/x%2f..%2f..%2fstatic%2fy", "/runs/x%2F..%2F..%2Fstatic/y", "/api/runs/z%2f..%2f..%2f..%2fstatic/live",
		"/%73tatic/x", "/static/%2e%2e/runs", "/static/a%2fb", "/static//x", "/static/", "/static", "//static/x", "/./static/x", "/runs/../static/x",
	} {
		w := ask(h, "GET", path, reader, nil, nil)
		if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s without a key: %d %q", path, w.Code, w.Body)
		}
	}
}

// TestAPlantedCookie: a cookie that somebody else set is not made good by the key that
// the reader then enters.
func TestAPlantedCookie(t *testing.T) {
	d, h := opened(t, Config{})
	planted := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: "planted"}) }
	w := ask(h, "POST", "/enter", reader, url.Values{"token": {d.Token()}}, planted)
	if c := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(c) != 1 || c[0].Value == "planted" || len(c[0].Value) < 52 {
		t.Errorf("the new cookie: %d %v", w.Code, c)
	}
	if w := ask(h, "GET", "/", reader, nil, planted); w.Code != http.StatusUnauthorized {
		t.Errorf("the planted cookie: %d", w.Code)
	}
}

// TestOrdersOfOtherPages: what a browser says of where a request comes from decides
// (Fetch Metadata, section 2.3; RFC 6454), on each method that changes something.
func TestOrdersOfOtherPages(t *testing.T) {
	d, h := opened(t, Config{})
	_, open := opened(t, Config{Open: true})
	cookie, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		site, origin string
		passes       bool
	}{
		{"same-origin", "https://192.0.2.1", true},
		{"none", "", true},
		{"", "https://192.0.2.1", true},
		{"", "", true}, // a program
		{"same-site", "https://192.0.2.1:8080", false},
		{"cross-site", "", false},
		{"cross-site", "https://192.0.2.1", false},
		{"", "https://192.0.2.1:8080", false},
		{"", "https://192.0.2.10", false},
		{"", "null", false},
		{"", "https://192.0.2.1@evil.example", false},
		{"rubbish", "", false},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "QUERY"} {
			w := ask(h, method, "/order", reader, nil, func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: cookie})
				told(r, c.site, c.origin)
			})
			if passes := w.Code != http.StatusForbidden; passes != c.passes {
				t.Errorf("%s, site %q, origin %q: %d", method, c.site, c.origin, w.Code)
			}
			w = ask(open, method, "/order", reader, nil, func(r *http.Request) {
				r.Host = "127.0.0.1:8642"
				told(r, c.site, strings.ReplaceAll(c.origin, "192.0.2.1", "127.0.0.1:8642"))
			})
			if c.origin == "" && (w.Code != http.StatusForbidden) != c.passes || w.Code == http.StatusOK && !c.passes {
				t.Errorf("an open door: %s, site %q, origin %q: %d", method, c.site, c.origin, w.Code)
			}
		}
	}
}

// told is what a browser says of where a request comes from.
func told(r *http.Request, site, origin string) {
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
}

// TestNamesThatLeadHere: an open door answers to the names of this machine alone.
func TestNamesThatLeadHere(t *testing.T) {
	_, open := opened(t, Config{Open: true})
	for host, own := range map[string]bool{
		"localhost": true, "LocalHost:8642": true, "127.0.0.1": true, "127.0.0.2:1": true, "[::1]": true, "[::1]:8642": true,
		"": false, "evil.example": false, "localhost.evil.example:8642": false, "127.0.0.1.evil.example": false, "127.0.0.1@evil.example": false,
		"192.0.2.1:8642": false, "0.0.0.0:8642": false, "[::]:8642": false, "[::ffff:192.0.2.1]:1": false, "2130706433": false, "0x7f.1": false,
		"localhost:8642:1": false, "[localhost]": false,
	} {
		w := ask(open, "GET", "/", reader, nil, func(r *http.Request) { r.Host = host })
		if (w.Code == http.StatusOK) != own || w.Code != http.StatusOK && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("a page called %q: %d", host, w.Code)
		}
	}
}

// TestEveryAnswerIsProtected: also those that refuse; and the key and the cookies stand
// in none of them.
func TestEveryAnswerIsProtected(t *testing.T) {
	d, h := opened(t, Config{})
	_, open := opened(t, Config{Open: true})
	cookie, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: cookie}) }
	far := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	key := url.Values{"token": {d.Token()}}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"login": ask(h, "GET", "/", reader, nil, nil), "program": ask(h, "GET", "/api/x", reader, nil, nil), "reader": ask(h, "GET", "/", reader, nil, with),
		"static": ask(h, "GET", "/static/x", reader, nil, nil), "refused": ask(h, "POST", "/x", reader, nil, far), "misdirected": ask(open, "GET", "/", reader, nil, nil),
		"wrong": ask(h, "POST", "/enter", reader, url.Values{"token": {d.Token() + "X"}}, nil), "in the address": ask(h, "POST", "/enter?token="+d.Token(), reader, nil, nil),
		"large": ask(h, "POST", "/enter", reader, url.Values{"token": {d.Token()}, "more": {strings.Repeat("x", 2*bodyMost)}}, nil),
		"entry": ask(h, "POST", "/enter", "192.0.2.9:1", key, nil), "leave": ask(h, "POST", "/leave", reader, nil, with),
	} {
		for header, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		said := answer(t, w)
		if strings.Contains(said, d.fresh) || strings.Contains(said, d.Token()) || strings.Contains(said, cookie) {
			t.Errorf("%s tells a secret: %s", name, said)
		}
		if in := strings.Contains(said, "__Host-assay"); in != (name == "entry" || name == "leave") {
			t.Errorf("%s sets a cookie: %v", name, in)
		}
	}
}

// answer is all that an answer says.
func answer(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var out strings.Builder
	if err := w.Result().Header.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String() + w.Body.String()
}

// TestASessionInUseOutlivesARestart, long after it began; and another key ends it, also
// on the disk.
func TestASessionInUseOutlivesARestart(t *testing.T) {
	now := time.Unix(1700000000, 0)
	d, h := opened(t, Config{Now: func() time.Time { return now }})
	cookie, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: cookie}) }
	for range 3 {
		now = now.Add(idle / 2)
		if w := ask(h, "GET", "/", reader, nil, with); w.Code != http.StatusOK {
			t.Fatalf("a session in use: %d", w.Code)
		}
	}
	d, err = New(d.cfg)
	if err != nil || len(d.sessions) != 1 {
		t.Fatalf("a restart put the reader out: %v", err)
	}
	if err := d.NewToken(); err != nil {
		t.Fatal(err)
	}
	if d, err = New(d.cfg); err != nil || len(d.sessions) != 0 {
		t.Errorf("a session outlives its key: %v", err)
	}
}

// TestAFullDisk locks nobody out who holds the key.
func TestAFullDisk(t *testing.T) {
	d, h := opened(t, Config{})
	d.cfg.Folder = filepath.Join(d.cfg.Folder, "gone")
	w := ask(h, "POST", "/enter", reader, url.Values{"token": {d.Token()}}, nil)
	if c := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(c) != 1 {
		t.Errorf("the right key: %d", w.Code)
	}
}

// FuzzCookie: whatever a browser sends for a cookie is no session, and breaks nothing.
func FuzzCookie(f *testing.F) {
	d, err := New(Config{Folder: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	cookie, err := d.begin()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("__Host-assay=" + cookie)
	f.Add("__Host-assay=; __Host-assay=" + cookie)
	f.Add("assay=" + cookie)
	f.Add(strings.Repeat("__Host-assay=x; ", 1000))
	f.Add("__Host-assay=\"" + digest(cookie) + "\"")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "https://192.0.2.1/", nil)
		r.Header.Set("Cookie", header)
		if d.let(r) && !strings.Contains(header, cookie) {
			t.Errorf("%q is a session", header)
		}
	})
}
