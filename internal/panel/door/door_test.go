package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// opened is a door before a page that says "page", and one that asks, which says
// "login" and why.
func opened(t *testing.T, cfg Config) (*Door, http.Handler) {
	t.Helper()
	if cfg.Folder == "" {
		cfg.Folder = t.TempDir()
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, text, Reason(r)) }
	}
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		say("login ")(w, r)
	})
	return d, d.Wrap(say("page"), login)
}

// ask sends one request as a browser at an address would.
func ask(h http.Handler, method, path, remote string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://192.0.2.1"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr, r.Host = remote, "192.0.2.1"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const reader = "198.51.100.7:40000"

// TestWhoHoldsTheKeyComesIn: and nobody else, by no path and no method.
func TestWhoHoldsTheKeyComesIn(t *testing.T) {
	_, h := opened(t, Config{})
	for _, path := range []string{"/", "/runs/x/evidence.pcapng", "/enter", "/order", "/static/../runs", "/leave"} {
		if w := ask(h, "GET", path, reader, nil, nil); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "page") {
			t.Errorf("%s without a key: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/api/runs", reader, nil, nil); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Errorf("a program without a session: %d", w.Code)
	}
	if w := ask(h, "GET", "/static/panel.css", reader, nil, nil); w.Code != http.StatusOK {
		t.Errorf("the login page has no style: %d", w.Code)
	}
}

// TestASession: the key gives a cookie that scripts and other pages do not get, and
// leaving ends it.
func TestASession(t *testing.T) {
	d, h := opened(t, Config{})
	w := ask(h, "POST", "/enter", reader, url.Values{"token": {strings.ToLower(d.Token())}}, nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("the right key: %d %v", w.Code, cookies)
	}
	c, value := cookies[0], cookies[0].Value
	c.Value, c.Raw, c.MaxAge = "", "", 0
	want := http.Cookie{Name: "__Host-assay", Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode}
	if diff := cmp.Diff(want, *c); diff != "" {
		t.Errorf("the cookie differs (-want +got):\n%s", diff)
	}
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c.Name, Value: value}) }
	if w := ask(h, "GET", "/", reader, nil, with); w.Body.String() != "page" {
		t.Errorf("with the cookie: %d %s", w.Code, w.Body)
	}
	if w := ask(h, "POST", "/leave", reader, nil, with); w.Code != http.StatusSeeOther {
		t.Errorf("leaving: %d", w.Code)
	}
	if w := ask(h, "GET", "/", reader, nil, with); w.Code != http.StatusUnauthorized {
		t.Errorf("the cookie works after leaving: %d", w.Code)
	}
}

// TestOtherPagesGiveNoOrders: what a reader's browser is made to send by another page
// does not pass.
func TestOtherPagesGiveNoOrders(t *testing.T) {
	d, h := opened(t, Config{})
	cookie, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		w := ask(h, "POST", "/order", reader, url.Values{"order": {"delete"}}, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: cookie})
			r.Header.Set(name, value)
		})
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %s passes: %d", name, value, w.Code)
		}
	}
	_, open := opened(t, Config{Open: true})
	for host, want := range map[string]int{"127.0.0.1:8642": 200, "localhost:8642": 200, "[::1]:8642": 200, "evil.example:8642": 421, "192.0.2.1": 421} {
		if w := ask(open, "GET", "/", reader, nil, func(r *http.Request) { r.Host = host }); w.Code != want {
			t.Errorf("a page called %s: %d", host, w.Code)
		}
	}
}

// TestGuessingIsSlow: five wrong keys from a place, fifty from all, then a minute's
// wait, in which the right key is not taken either.
func TestGuessingIsSlow(t *testing.T) {
	now := time.Unix(1700000000, 0)
	d, h := opened(t, Config{Now: func() time.Time { return now }})
	guess := func(from, token string) int {
		return ask(h, "POST", "/enter", from, url.Values{"token": {token}}, nil).Code
	}
	for i := range triesMost {
		if code := guess(reader, fmt.Sprint("guess ", i)); code != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", i, code)
		}
	}
	if code := guess(reader, d.Token()); code != http.StatusTooManyRequests {
		t.Errorf("after %d guesses: %d", triesMost, code)
	}
	if code := guess("198.51.100.8:1", d.Token()); code != http.StatusSeeOther {
		t.Errorf("somebody else: %d", code)
	}
	for i := range allTries {
		guess(fmt.Sprintf("[2001:db8:%x::1]:1", i), "wrong")
	}
	if code := guess("[2001:db8:ffff::1]:1", d.Token()); code != http.StatusTooManyRequests {
		t.Errorf("guesses from everywhere: %d", code)
	}
	now = now.Add(triesWindow)
	if code := guess(reader, d.Token()); code != http.StatusSeeOther {
		t.Errorf("a minute later: %d", code)
	}
}

func TestAnIPv6NetworkIsOnePlace(t *testing.T) {
	if a, b := prefixOf("[2001:db8::1]:1"), prefixOf("[2001:db8::2]:9"); a != b || a == prefixOf("[2001:db8:0:1::1]:1") {
		t.Error("it is not")
	}
}

// TestSessionsEnd: after twelve idle hours, after a week, and never more than there is
// room for.
func TestSessionsEnd(t *testing.T) {
	now := time.Unix(1700000000, 0)
	d, h := opened(t, Config{Now: func() time.Time { return now }})
	first, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	code := func(cookie string) int {
		return ask(h, "GET", "/", reader, nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: cookie}) }).Code
	}
	for range 15 {
		now = now.Add(idle - time.Minute)
		if got := code(first); got != http.StatusOK && now.Sub(time.Unix(1700000000, 0)) < longest {
			t.Fatalf("a session in use ended at %v", now)
		}
	}
	if got := code(first); got != http.StatusUnauthorized {
		t.Errorf("after a week: %d", got)
	}
}

// TestSessionsAreBounded: the one that was used least lately makes room.
func TestSessionsAreBounded(t *testing.T) {
	now := time.Unix(1700000000, 0)
	d, h := opened(t, Config{Now: func() time.Time { return now }})
	var first string
	for i := range sessionsMost + 1 {
		now = now.Add(time.Second)
		cookie, err := d.begin()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = cookie
		}
	}
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-assay", Value: first}) }
	if w := ask(h, "GET", "/", reader, nil, with); w.Code != http.StatusUnauthorized || len(d.sessions) != sessionsMost {
		t.Errorf("%d sessions, the oldest says %d", len(d.sessions), w.Code)
	}
	again, err := New(d.cfg)
	if err != nil || len(again.sessions) != sessionsMost {
		t.Errorf("a restart forgot sessions: %v", err)
	}
}

// TestTheKeyIsKeptNowhere: neither the key nor a cookie is found in the folder.
func TestTheKeyIsKeptNowhere(t *testing.T) {
	d, _ := opened(t, Config{})
	cookie, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{tokenFile, sessionsFile} {
		file := filepath.Join(d.cfg.Folder, name)
		text, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(text), cookie) || strings.Contains(string(text), d.fresh) {
			t.Errorf("%s holds a secret: %v", name, err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != private {
			t.Errorf("%s can be read by others: %v", name, err)
		}
	}
}

// TestTheKeyOutlivesARestart: but nobody can be told it again.
func TestTheKeyOutlivesARestart(t *testing.T) {
	d, _ := opened(t, Config{})
	again, err := New(d.cfg)
	if err != nil || again.Token() != "" || !again.knows(d.Token()) {
		t.Errorf("after a restart: %v", err)
	}
}

// TestTheFingerprintStays: it is that of the key, whatever the addresses are.
func TestTheFingerprintStays(t *testing.T) {
	folder := t.TempDir()
	var last string
	for _, a := range []string{"127.0.0.1", "::1", "192.0.2.1"} {
		id, err := LoadIdentity(folder, "box.example", []netip.Addr{netip.MustParseAddr(a)}, time.Now())
		if err != nil || len(strings.Fields(id.Fingerprint())) != 16 || last != "" && last != id.Fingerprint() {
			t.Fatalf("%q becomes %q: %v", last, id.Fingerprint(), err)
		}
		last = id.Fingerprint()
	}
	if err := os.WriteFile(filepath.Join(folder, keyFile), []byte("rubbish"), private); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(folder, "", nil, time.Now()); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a damaged key: %v", err)
	}
}

// overTLS is a page that is up on loopback, and a client that trusts its certificate.
func overTLS(t *testing.T, d *Door, h http.Handler) (*Server, *http.Client) {
	t.Helper()
	id, err := LoadIdentity(d.cfg.Folder, "", []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Serve(context.Background(), socket, h, &id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(id.paper.leaf)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(client.CloseIdleConnections)
	return s, client
}

// TestOverTLS: a real client enters by the key, over TLS 1.3.
func TestOverTLS(t *testing.T) {
	d, h := opened(t, Config{})
	s, client := overTLS(t, d, h)
	a, err := client.PostForm(s.Base()+"/enter", url.Values{"token": {d.Token()}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(a.Body)
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil || string(body) != "page" || a.TLS.Version != tls.VersionTLS13 {
		t.Errorf("over TLS: %q %v", body, err)
	}
}

// TestWithoutTLSOnThisMachineAlone
func TestWithoutTLSOnThisMachineAlone(t *testing.T) {
	socket, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Serve(context.Background(), socket, http.NotFoundHandler(), nil); err == nil {
		t.Error("the page is shown to everybody without TLS", s.Close())
	}
}

// TestTheLinkIsSquare: the picture is a square with a quiet zone, and the key stands
// behind the #.
func TestTheLinkIsSquare(t *testing.T) {
	d, _ := opened(t, Config{})
	link := d.Link("https://192.0.2.1:8643/")
	if path, key, ok := strings.Cut(link, "#"); !ok || path != "https://192.0.2.1:8643/enter" || !d.knows(key) {
		t.Fatal(link)
	}
	picture, err := QR(link)
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	if err != nil || len(lines) < 12 || len([]rune(lines[0])) > 2*len(lines)+1 || strings.Trim(lines[0], "█") != "" {
		t.Errorf("%v\n%s", err, picture)
	}
}

func FuzzKey(f *testing.F) {
	d, err := New(Config{Folder: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("AAAAA-BBBBB")
	f.Add(d.fresh)
	f.Add(" " + strings.ToLower(d.Token()) + "\u00a0\r\n")
	f.Add(strings.ReplaceAll(d.Token(), "-", "\u2013"))
	f.Add(d.fresh + "\x00")
	f.Add(strings.Repeat("-", 1000))
	f.Fuzz(func(t *testing.T, typed string) {
		only := strings.Map(func(r rune) rune {
			if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567", r) {
				return r
			}
			return -1
		}, typed)
		if d.knows(typed) != (strings.EqualFold(only, d.fresh) && strings.Map(plain, typed) == strings.ToUpper(only)) {
			t.Errorf("%q is taken for the key, or the key is not: %v", typed, d.knows(typed))
		}
	})
}
