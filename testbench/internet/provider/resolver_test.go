package provider

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/miekg/dns"
)

func echo(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) }

func TestOverHTTPS(t *testing.T) {
	q := new(dns.Msg).SetQuestion("example.", dns.TypeA)
	q.Id = 0
	raw, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	get := "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString(raw)
	for _, c := range []struct {
		name, method, url, media string
		body                     []byte
		want                     int
	}{
		{"GET", http.MethodGet, get, "", nil, http.StatusOK},
		{"POST", http.MethodPost, "/dns-query", mediaType, raw, http.StatusOK},
		{"POST of something else", http.MethodPost, "/dns-query", "text/plain", raw, http.StatusUnsupportedMediaType},
		{"GET without a question", http.MethodGet, "/dns-query", "", nil, http.StatusBadRequest},
		{"GET with padding", http.MethodGet, get + "%3D", "", nil, http.StatusBadRequest},
		{"half a question", http.MethodPost, "/dns-query", mediaType, raw[:9], http.StatusBadRequest},
		{"PUT", http.MethodPut, "/dns-query", mediaType, raw, http.StatusMethodNotAllowed},
	} {
		r := httptest.NewRequest(c.method, c.url, bytes.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		w := httptest.NewRecorder()
		overHTTPS{echo}.ServeHTTP(w, r)
		m := new(dns.Msg)
		if ok := w.Code == http.StatusOK; w.Code != c.want || ok && (m.Unpack(w.Body.Bytes()) != nil || !m.Response) {
			t.Errorf("%s: %d %q", c.name, w.Code, w.Body)
		}
	}
}

// TestPlainLeavesTheQuestionAlone: what the client sent is not changed.
func TestPlainLeavesTheQuestionAlone(t *testing.T) {
	q := new(dns.Msg).SetQuestion("example.", dns.TypeA)
	q.SetEdns0(1232, true)
	q.CheckingDisabled = true
	var seen *dns.Msg
	Plain(func(m *dns.Msg) *dns.Msg { seen = m; return echo(m) })(q)
	if seen.IsEdns0() != nil || seen.CheckingDisabled || q.IsEdns0() == nil || !q.CheckingDisabled {
		t.Errorf("passed on\n%s\nof\n%s", seen, q)
	}
}
