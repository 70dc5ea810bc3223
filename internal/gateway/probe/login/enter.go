package login

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/icholy/digest"
	"golang.org/x/net/html"
)

// entrances are where a site asks for a password if its first page does not.
var entrances = []string{"/login", "/login.html", "/admin/"}

// Ask looks for the page that asks.
func (w web) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	b := w.visit(dial, to)
	defer b.free()
	p, err := b.enter(ctx)
	if err != nil {
		return "", broken(err, began)
	}
	how := p.asks()
	if how == "none" && p.isShell() {
		return "", answer(Unclear, "its page is made by a program in the page, which may ask for a password", began)
	}
	return how, answer(Unclear, fmt.Sprintf("the page %s answers %d and asks by: %s", p.at.Path, p.code, how), began)
}

// enter finds the page that asks for a password: the first one, where that leads, or
// one of the usual ones. When none does it is the first.
func (b browser) enter(ctx context.Context) (page, error) {
	first, err := b.get(ctx, b.base)
	if err != nil || first.asks() != "none" || first.code >= http.StatusBadRequest && first.code != http.StatusNotFound {
		return first, err
	}
	for _, path := range append([]string{first.leadsTo()}, entrances...) {
		p, err := b.enterAt(ctx, first.at, path)
		if err != nil {
			return first, context.Cause(ctx)
		}
		if p.asks() != "none" {
			return p, nil
		}
	}
	return first, nil
}

// enterAt fetches a page of the same site; none when the path is no such.
func (b browser) enterAt(ctx context.Context, from *url.URL, path string) (page, error) {
	at, err := from.Parse(path)
	if path == "" || err != nil || at.Host != b.base.Host {
		return page{}, nil
	}
	return b.get(ctx, at)
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
		return "protocol" // one that is not spoken here
	}
	if _, found := findForm(p); found {
		return "form"
	}
	return "none"
}

// leadsTo is where a page sends its reader by itself (HTML, "refresh").
func (p page) leadsTo() string {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return ""
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			if at := strings.Index(strings.ToLower(attribute(n, "content")), "url="); at >= 0 {
				return strings.Trim(attribute(n, "content")[at+len("url="):], " '\"")
			}
		}
	}
	return ""
}

// Try makes one attempt.
func (w web) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	b := w.visit(dial, to)
	defer b.free()
	first, err := b.enter(ctx)
	if err != nil {
		return broken(err, began)
	}
	v := visitor{browser: b, stranger: func() browser { return w.visit(dial, to) }}
	switch first.asks() {
	case "basic":
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, secret)
		return v.authorised(ctx, first.at, r.Header.Get("Authorization"))
	case "digest":
		return v.digested(ctx, first, user, secret)
	case "form":
		return v.formed(ctx, first, user, secret)
	}
	if first.code == http.StatusTooManyRequests || first.code == http.StatusLocked {
		return answer(Locked, fmt.Sprintf("the first page answers %d and asks no more", first.code), began)
	}
	return answer(Unclear, fmt.Sprintf("the first page answers %d and does not ask for a password", first.code), began)
}

// visitor is somebody who logs in, and can look at what strangers see.
type visitor struct {
	browser
	stranger func() browser
}

// isClosed says that a page is not shown to strangers.
func (v visitor) isClosed(ctx context.Context, at *url.URL) (bool, error) {
	b := v.stranger()
	defer b.free()
	p, err := b.get(ctx, at)
	if err != nil {
		return false, err
	}
	return p.code == http.StatusForbidden || p.asks() != "none", nil
}

func (v visitor) digested(ctx context.Context, first page, user, secret string) Answer {
	began := time.Now()
	c, err := digest.FindChallenge(first.header)
	if err != nil {
		return broken(err, began)
	}
	credentials, err := digest.Digest(c, digest.Options{Username: user, Password: secret, Method: http.MethodGet, URI: first.at.RequestURI(), Count: 1})
	if err != nil {
		return broken(err, began)
	}
	return v.authorised(ctx, first.at, credentials.String())
}

// authorised asks for a page that was refused before, with credentials. A redirection
// is no proof by itself: what it leads to must be closed to strangers.
func (v visitor) authorised(ctx context.Context, at *url.URL, authorise string) Answer {
	began := time.Now()
	p, err := v.fetch(ctx, http.MethodGet, at, nil, authorise)
	if err != nil {
		return broken(err, began)
	}
	a := answer(p.verdict(), fmt.Sprintf("the page that was refused with 401 answers %d", p.code), began)
	a.Took = p.took
	if a.Outcome == Accepted && p.at.Path != at.Path {
		closed, err := v.isClosed(ctx, p.at)
		if err != nil || !closed {
			a.Outcome = Unclear
		}
		a.Why += " and leads to " + plain(p.at.Path)
	}
	return a
}

// verdict is what the answer to credentials says by itself.
func (p page) verdict() Outcome {
	switch {
	case p.code == http.StatusUnauthorized:
		return Refused
	case p.code == http.StatusTooManyRequests || p.code == http.StatusLocked:
		return Locked
	case p.code >= 200 && p.code < 300 && p.asks() == "none":
		return Accepted
	}
	return Unclear
}

// formed fills a form in.
func (v visitor) formed(ctx context.Context, first page, user, secret string) Answer {
	f, _ := findForm(first)
	target, err := first.at.Parse(f.action)
	if err != nil || target.Host != v.base.Host || target.Scheme != v.base.Scheme {
		return answer(Unclear, "its form leads elsewhere", time.Now())
	}
	began := time.Now()
	p, err := v.fetch(ctx, f.method, f.target(target, user, secret), f.body(user, secret), "")
	if err != nil {
		return broken(err, began)
	}
	a := judge(p, first)
	if a.Outcome == Unclear {
		a, err = v.compare(ctx, first, p, target)
	}
	if err != nil {
		return broken(err, began)
	}
	if a.Outcome == Refused && first.isProgrammed() {
		a = Answer{Outcome: Unclear, Why: a.Why + ", but a program in the page may have to change the password before it is sent"}
	}
	a.Took = p.took
	return a
}

// judge is what the answer to a form says by itself.
func judge(p, first page) Answer {
	why := fmt.Sprintf("the form was answered with %d", p.code)
	switch {
	case p.code == http.StatusTooManyRequests || p.code == http.StatusLocked || p.nowSays(first, lockedWords):
		return Answer{Outcome: Locked, Why: why + ", and takes no more attempts"}
	case p.code == http.StatusUnauthorized:
		return Answer{Outcome: Refused, Why: why}
	}
	return Answer{Outcome: Unclear, Why: why}
}

// compare looks at the first page again, or at where the answer to the form led: a
// password counts as accepted only when a page opens that is closed to strangers still.
func (v visitor) compare(ctx context.Context, first, p page, target *url.URL) (Answer, error) {
	inside, err := v.get(ctx, first.at)
	if err != nil {
		return Answer{}, err
	}
	again := inside.asks() != "none"
	switch {
	case inside.nowSays(first, lockedWords):
		return Answer{Outcome: Locked, Why: "the page says that it takes no more attempts"}, nil
	case again && (p.asks() != "none" || p.nowSays(first, refusedWords)):
		return Answer{Outcome: Refused, Why: "the page asks for the password again"}, nil
	case again && p.at.Path != target.Path:
		if inside, err = v.get(ctx, p.at); err != nil {
			return Answer{}, err
		}
	}
	return v.opened(ctx, first, inside)
}

// opened judges a page that may have opened.
func (v visitor) opened(ctx context.Context, first, inside page) (Answer, error) {
	if inside.code != http.StatusOK || inside.asks() != "none" || inside.nowSays(first, refusedWords) {
		return Answer{Outcome: Unclear, Why: fmt.Sprintf("the page answers %d, and neither asks for the password again nor opens", inside.code)}, nil
	}
	closed, err := v.isClosed(ctx, inside.at)
	if err != nil {
		return Answer{}, err
	}
	v.leave(ctx, inside)
	if !closed {
		return Answer{Outcome: Unclear, Why: "the page asks nobody any more, so it cannot be told who was let in"}, nil
	}
	return Answer{Outcome: Accepted, Why: "the page " + plain(inside.at.Path) + " opens to who has the cookie of this login, and is closed to everybody else"}, nil
}

// leave logs out by the link of the page for it, where there is one.
func (v visitor) leave(ctx context.Context, inside page) {
	at, err := inside.at.Parse(inside.exit())
	if err == nil && at.Host == v.base.Host && at.String() != inside.at.String() {
		_, _ = v.get(ctx, at) // nothing depends on it: the session ends by itself
	}
}
