package probe

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// paths are harmless to ask for and known to give something away where they are open:
// settings, pictures, the list of what a device can do.
func paths() []string {
	return []string{
		"/", "/index.html", "/config", "/config.json", "/settings", "/api", "/api/config", "/status.json", "/system.ini",
		"/snapshot.jpg", "/image.jpg", "/description.xml",
	}
}

// page is one answer.
type page struct {
	status   int
	login    string // "basic", "digest", "form", "program" or "none"
	location string
	content  string
}

// get asks for every path of a web service, without a password.
func (p *Prober) get(ctx context.Context, s service) {
	for _, path := range paths() {
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		answer := p.exchange(ctx, &s, request(s.at, path), 5*time.Second)
		n := event.ProbeNote{Kind: event.ProbeGet, Server: s.at, Client: s.end, Service: s.name, Outcome: event.ProbeSilent, Took: time.Since(began)}
		if g, ok := understand(answer); ok {
			n.Outcome = event.ProbeAnswered
			n.Detail = map[string]string{"path": path, "status": strconv.Itoa(g.status), "login": g.login, "content": g.content}
			if g.location != "" {
				n.Detail["location"] = printable([]byte(g.location))
			}
		}
		p.note(n)
		if n.Outcome == event.ProbeSilent {
			return // it does not answer at all, and is left in peace
		}
	}
}

// understand reads an answer.
func understand(answer []byte) (page, bool) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return page{}, false
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, readLimit)) // what is cut off is judged by its beginning
	_ = r.Body.Close()                                       // it is in memory
	g := page{status: r.StatusCode, login: challenge(r, body), location: r.Header.Get("Location"), content: "nothing"}
	if r.StatusCode == http.StatusOK && g.login == "none" && len(body) > 0 {
		g.content = classify(r.Header.Get("Content-Type"), body)
	}
	return g, true
}

// challenge says how a page asks for a password.
func challenge(r *http.Response, body []byte) string {
	scheme := strings.ToLower(r.Header.Get("Www-Authenticate"))
	switch {
	case strings.HasPrefix(scheme, "basic"):
		return "basic"
	case strings.HasPrefix(scheme, "digest"):
		return "digest"
	case r.StatusCode == http.StatusOK && asksPassword(body):
		return "form"
	case r.StatusCode == http.StatusOK && isShell(r.Header.Get("Content-Type"), body):
		return "program"
	}
	return "none"
}

// isShell says that a page has nothing to read and a program that makes the rest, which
// may ask for a password.
func isShell(kind string, body []byte) bool {
	text := strings.ToLower(string(body))
	if !strings.Contains(text, "<script") || kind != "" && !strings.Contains(strings.ToLower(kind), "html") {
		return false
	}
	_, text, found := strings.Cut(text, "<body")
	const little = 600 // bytes of a page's body: room for a notice and the scripts' names
	return !found || len(text) < little
}

func asksPassword(body []byte) bool {
	text := strings.ToLower(string(body))
	return strings.Contains(text, `type="password"`) || strings.Contains(text, "type='password'") || strings.Contains(text, "type=password")
}

// classify says what an open answer holds. Settings are only said of an answer that
// holds the settings of a network or an account.
func classify(kind string, body []byte) string {
	kind = strings.ToLower(kind)
	switch {
	case strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "multipart/x-mixed-replace"):
		if len(body) > 2048 { // a picture, not an icon
			return "media"
		}
		return "page"
	case holdsSettings(strings.ToLower(string(body))):
		return "settings"
	}
	return "page"
}

// holdsSettings looks for what nobody shows to strangers: keys of networks and accounts,
// as data or as fields that can be filled in.
func holdsSettings(text string) bool {
	for _, word := range []string{
		`"password":`, `"psk":`, `"wifi_password`, `"ssid":`, "wpa_passphrase", "password=", "psk=", `name="ssid"`, `name="psk"`, `name="wifi`,
		`action="/reboot`, `action="/reset`, `action="/upgrade`, "<password>", "<ssid>",
	} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
