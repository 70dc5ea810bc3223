package door

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
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
