package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/icholy/digest"
	"golang.org/x/net/html"
)

// web is HTTP with Basic (RFC 7617) and Digest (RFC 7616) authentication and forms.
type web struct {
	secure  bool
	secrets Secrets
}

// browser is one visit: its own connections and cookies.
type browser struct {
	*http.Client
	base *url.URL
	free func()
}

func (w web) visit(dial Dial, to netip.AddrPort) browser {
	scheme := "http"
	if w.secure {
		scheme = "https"
	}
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	direct := func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, to.String()) }
	transport := &http.Transport{DialContext: direct, TLSClientConfig: anyTLS(w.secrets), MaxResponseHeaderBytes: pageMost, ResponseHeaderTimeout: patience}
	jar, _ := cookiejar.New(nil) // it fails for no options
	b := browser{base: &url.URL{Scheme: scheme, Host: host, Path: "/"}, free: transport.CloseIdleConnections}
	b.Client = &http.Client{Transport: transport, Jar: jar, Timeout: patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 || r.URL.Host != host {
			return http.ErrUseLastResponse // nobody else is asked
		}
		return nil
	}}
	return b
}

// page is what was fetched.
type page struct {
	code   int
	header http.Header
	body   string
	at     *url.URL
}

func (b browser) fetch(ctx context.Context, method string, at *url.URL, form url.Values, authorise string) (p page, err error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return p, err
	}
	r.Header.Set("User-Agent", "assay")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorise != "" {
		r.Header.Set("Authorization", authorise)
	}
	a, err := b.Do(r)
	if err != nil {
		return p, err
	}
	defer func() { _ = a.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(a.Body, pageMost))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // what came is enough
	}
	return page{code: a.StatusCode, header: a.Header, body: string(text), at: a.Request.URL}, err
}

// Ask looks at the first page.
func (w web) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	b := w.visit(dial, to)
	defer b.free()
	p, err := b.fetch(ctx, http.MethodGet, b.base, nil, "")
	if err != nil {
		return "", broken(err, began)
	}
	how := p.asks()
	return how, answer(Unclear, fmt.Sprintf("the first page answers %d and asks by: %s", p.code, how), began)
}

// asks says how a page asks for a password.
func (p page) asks() string {
	if p.code == http.StatusUnauthorized {
		if c, err := digest.FindChallenge(p.header); err == nil && digest.CanDigest(c) {
			return "digest"
		}
		if says(strings.Join(p.header.Values("WWW-Authenticate"), "\n"), []string{"basic"}) {
			return "basic"
		}
	}
	if _, found := findForm(p); found {
		return "form"
	}
	return "none"
}

// Try makes one attempt.
func (w web) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	b := w.visit(dial, to)
	defer b.free()
	first, err := b.fetch(ctx, http.MethodGet, b.base, nil, "")
	if err != nil {
		return broken(err, began)
	}
	switch first.asks() {
	case "basic":
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, secret)
		return b.authorised(ctx, first.at, r.Header.Get("Authorization"))
	case "digest":
		return b.digested(ctx, first, user, secret)
	case "form":
		return w.formed(ctx, b, dial, to, first, user, secret)
	}
	if first.code == http.StatusTooManyRequests || first.code == http.StatusLocked || first.code == http.StatusForbidden {
		return answer(Locked, fmt.Sprintf("the first page answers %d and asks no more", first.code), began)
	}
	return answer(Unclear, fmt.Sprintf("the first page answers %d and does not ask for a password", first.code), began)
}

func (b browser) digested(ctx context.Context, first page, user, secret string) Answer {
	began := time.Now()
	c, err := digest.FindChallenge(first.header)
	if err != nil {
		return broken(err, began)
	}
	uri := first.at.RequestURI()
	credentials, err := digest.Digest(c, digest.Options{Username: user, Password: secret, Method: http.MethodGet, URI: uri, Count: 1})
	if err != nil {
		return broken(err, began)
	}
	return b.authorised(ctx, first.at, credentials.String())
}

// authorised asks for a page that was refused before, with credentials.
func (b browser) authorised(ctx context.Context, at *url.URL, authorise string) Answer {
	began := time.Now()
	p, err := b.fetch(ctx, http.MethodGet, at, nil, authorise)
	if err != nil {
		return broken(err, began)
	}
	why := fmt.Sprintf("the page that was refused with 401 answers %d", p.code)
	switch {
	case p.code >= 200 && p.code < 400:
		return answer(Accepted, why, began)
	case p.code == http.StatusUnauthorized || p.code == http.StatusForbidden:
		return answer(Refused, why, began)
	case p.code == http.StatusTooManyRequests || p.code == http.StatusLocked:
		return answer(Locked, why, began)
	}
	return answer(Unclear, why, began)
}

// formed fills a form in. It counts as accepted when the same page asks no more, and
// still does of somebody who comes without the cookie.
func (w web) formed(ctx context.Context, b browser, dial Dial, to netip.AddrPort, first page, user, secret string) Answer {
	f, _ := findForm(first)
	target, err := first.at.Parse(f.action)
	if err != nil || target.Host != b.base.Host {
		return answer(Unclear, "its form leads elsewhere", time.Now())
	}
	began := time.Now()
	p, err := b.fetch(ctx, f.method, f.target(target, user, secret), f.body(user, secret), "")
	if err != nil {
		return broken(err, began)
	}
	took := time.Since(began)
	a := judge(p)
	if a.Outcome == Unclear {
		a = w.compare(ctx, b, dial, to, first)
	}
	a.Took = took
	return a
}

// judge is what the answer to a form says by itself.
func judge(p page) Answer {
	why := fmt.Sprintf("the form was answered with %d", p.code)
	switch {
	case p.code == http.StatusTooManyRequests || p.code == http.StatusLocked || says(p.body, lockedWords) && p.code != http.StatusOK:
		return Answer{Outcome: Locked, Why: why}
	case p.code == http.StatusUnauthorized || p.code == http.StatusForbidden:
		return Answer{Outcome: Refused, Why: why}
	}
	return Answer{Outcome: Unclear, Why: why}
}

// compare looks at the first page again, with the cookies and without.
func (w web) compare(ctx context.Context, b browser, dial Dial, to netip.AddrPort, first page) Answer {
	inside, err := b.fetch(ctx, http.MethodGet, first.at, nil, "")
	if err != nil {
		return broken(err, time.Now())
	}
	if _, asks := findForm(inside); asks {
		return Answer{Outcome: Refused, Why: "the page asks for the password again"}
	}
	stranger := w.visit(dial, to)
	defer stranger.free()
	outside, err := stranger.fetch(ctx, http.MethodGet, first.at, nil, "")
	if err != nil {
		return broken(err, time.Now())
	}
	if _, asks := findForm(outside); asks && inside.code == http.StatusOK {
		return Answer{Outcome: Accepted, Why: "the page opens to who has the cookie of this login, and asks everybody else for the password"}
	}
	if says(inside.body, lockedWords) {
		return Answer{Outcome: Locked, Why: "the page says that it takes no more attempts"}
	}
	return Answer{Outcome: Unclear, Why: "the page asks nobody any more, so it cannot be told who was let in"}
}

// form is one that asks for a password.
type form struct {
	action, method, user, secret string
	rest                         url.Values
}

func (f form) body(user, secret string) url.Values {
	if f.method == http.MethodGet {
		return nil
	}
	return f.filled(user, secret)
}

func (f form) target(at *url.URL, user, secret string) *url.URL {
	if f.method != http.MethodGet {
		return at
	}
	out := *at
	out.RawQuery = f.filled(user, secret).Encode()
	return &out
}

func (f form) filled(user, secret string) url.Values {
	v := url.Values{}
	for key, list := range f.rest {
		v[key] = list
	}
	if f.user != "" {
		v.Set(f.user, user)
	}
	v.Set(f.secret, secret)
	return v
}

// findForm finds the first form of a page that has exactly one field for a password:
// with two, it sets one.
func findForm(p page) (f form, found bool) {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return f, false
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			if f, found = readForm(n); found {
				return f, true
			}
		}
	}
	return f, false
}

func readForm(n *html.Node) (f form, found bool) {
	f = form{action: attribute(n, "action"), method: http.MethodGet, rest: url.Values{}}
	if strings.EqualFold(attribute(n, "method"), "post") {
		f.method = http.MethodPost
	}
	secrets := 0
	for c := range n.Descendants() {
		if c.Type != html.ElementNode || c.Data != "input" || len(f.rest) > linesMost {
			continue
		}
		if f.take(c) {
			secrets++
		}
	}
	return f, secrets == 1 && f.secret != ""
}

// take reads one field, and says whether it is one for a password.
func (f *form) take(field *html.Node) (secret bool) {
	name := attribute(field, "name")
	switch strings.ToLower(attribute(field, "type")) {
	case "password":
		f.secret = name
		return true
	case "", "text", "email":
		f.user = cmp.Or(f.user, name)
	case "hidden":
		f.rest.Set(name, attribute(field, "value"))
	}
	return false
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
