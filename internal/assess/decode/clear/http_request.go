package clear

import (
	"strings"
	"time"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// targetLimit is how much of a request target is kept.
	targetLimit = 1024
	// namesLimit is how many header field names are kept.
	namesLimit = 64
)

// keyFields are header fields that carry an API key or token by themselves.
var keyFields = []string{"x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-token", "private-token", "x-session-token"}

// request starts a request.
func (s *httpStream) request(c wire.Context, off int, h *head) bool {
	method, target, version, ok := requestLine(h.first)
	if !ok || !isHTTP(version) {
		return false
	}
	clean, inTarget, hasCred := auth.Target(target)
	r := event.HTTPRequest{
		Method: method, Host: hostOf(h, clean), Target: auth.Cut(clean, targetLimit),
		UserAgent:   auth.Cut(h.get("user-agent"), textLimit),
		ContentType: auth.Cut(h.get("content-type"), textLimit),
		AuthScheme:  auth.Scheme(h.get("authorization")),
		HeaderNames: fieldNames(h),
		Upgrade:     auth.Cut(strings.ToLower(h.get("upgrade")), textLimit),
	}
	side := &s.sides[event.FromClient]
	body, framed := bodyOf(h, false, false)
	side.body = body
	r.BodyBytes = int(body.left)
	side.msg = newMessage(event.FromClient, h)
	side.msg.unframed = !framed
	if body.framing == bodyChunked {
		side.msg.request = &r // its size is told when it has ended
	} else {
		c.Emit(off, r)
	}
	if at, err := time.Parse(time.RFC1123, h.get("date")); err == nil {
		c.Emit(off, event.ClockShown{Time: at.UTC()})
	}
	// Copies: parts of the head would keep all of it.
	a := asked{method: strings.Clone(method), host: strings.Clone(r.Host), target: strings.Clone(r.Target)}
	a.header = s.headerLogins(c, off, h, pathOf(r.Target))
	if hasCred && !a.header.open {
		a.header = s.login(c, off, "http", pathOf(r.Target), inTarget)
	}
	s.cookies(c, event.FromClient, off, h.all("cookie"))
	s.push(a)
	s.held = body.framing == bodyNone && (method == "CONNECT" || r.Upgrade != "")
	return true
}

// hostOf is the Host field, or the authority of an absolute target or CONNECT.
func hostOf(h *head, target string) string {
	host := h.get("host")
	if _, rest, found := strings.Cut(target, "://"); found && host == "" {
		host, _, _ = strings.Cut(rest, "/")
	}
	return auth.Cut(host, textLimit)
}

// pathOf is a target without query.
func pathOf(target string) string {
	if _, rest, found := strings.Cut(target, "://"); found {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			target = rest[i:]
		}
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

func fieldNames(h *head) []string {
	names := make([]string, 0, min(len(h.fields), namesLimit))
	for _, f := range h.fields[:min(len(h.fields), namesLimit)] {
		names = append(names, auth.Cut(f.name, 64))
	}
	return names
}

// headerLogins reports the credentials of the header fields; it returns the one
// whose outcome the response's status tells.
func (s *httpStream) headerLogins(c wire.Context, off int, h *head, path string) login {
	var first login
	keep := func(cred auth.Credential) {
		l := s.login(c, off, "http", path, cred)
		if !first.open {
			first = l
		}
	}
	for _, name := range []string{"authorization", "proxy-authorization"} {
		for _, value := range h.all(name) {
			if cred, ok := auth.Authorization(value); ok {
				keep(cred)
			}
		}
	}
	for _, name := range keyFields {
		if cred, ok := auth.Token(h.get(name)); ok {
			keep(cred)
		}
	}
	return first
}

// cookieNames are parts of the names of cookies that stand for a session.
var cookieNames = []string{"sess", "sid", "token", "auth", "jwt"}

// cookies reports cookies that look like sessions.
func (s *httpStream) cookies(c wire.Context, from event.Side, off int, values []string) {
	for _, list := range values {
		if from == event.FromServer {
			list, _, _ = strings.Cut(list, ";") // the rest are attributes
		}
		for pair := range strings.SplitSeq(list, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if isSession(strings.ToLower(name), strings.Trim(value, `"`)) {
				s.expose(c, off, s.scanner.Report(from, event.ExposedCookie, value, auth.Cut(name, 32), 0))
			}
		}
	}
}

func isSession(name, value string) bool {
	if len(value) < 8 || strings.Contains(name, "csrf") || strings.Contains(name, "xsrf") || value == "deleted" {
		return false
	}
	for _, part := range cookieNames {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
