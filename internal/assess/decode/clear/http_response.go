package clear

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/clear/sniff"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// schemesLimit bounds the authentication schemes of one response.
	schemesLimit = 8
	// inflateLimit is how much of a compressed page is unpacked.
	inflateLimit = 16 << 10
)

// response starts a response.
func (s *httpStream) response(c wire.Context, off int, h *head) bool {
	version, status, ok := statusLine(h.first)
	if !ok || !isHTTP(version) {
		return false
	}
	side := &s.sides[event.FromServer]
	side.msg, side.body = message{}, bodyReader{}
	if status < 200 && status != 101 {
		return true // an interim response; the request still waits for its own
	}
	a := s.pop()
	s.held = false
	side.msg = newMessage(event.FromServer, h)
	side.msg.method = a.method
	side.msg.switches = status == 101 || isTunnel(&a, status)
	side.body = responseBody(h, &a, status)
	r := responseEvent(h, status, &a)
	side.msg.response = &r
	s.outcomes(c, off, status, h, &a)
	s.cookies(c, event.FromServer, off, h.all("set-cookie"))
	return true
}

// isTunnel: a CONNECT that succeeded (RFC 9110 section 9.3.6).
func isTunnel(a *asked, status int) bool { return a.method == "CONNECT" && status/100 == 2 }

// responseBody reads the framing of a response (RFC 9112 section 6.3); a length
// that makes no sense is taken for the rest of the connection.
func responseBody(h *head, a *asked, status int) bodyReader {
	bare := status < 200 || status == 204 || status == 304 || a.method == "HEAD" || isTunnel(a, status)
	body, ok := bodyOf(h, bare, true)
	if !ok {
		return bodyReader{framing: bodyUntilClose}
	}
	return body
}

func responseEvent(h *head, status int, a *asked) event.HTTPResponse {
	location, _, _ := auth.Target(h.get("location"))
	r := event.HTTPResponse{
		Status: status, Server: auth.Cut(h.get("server"), textLimit),
		ContentType: auth.Cut(h.get("content-type"), textLimit),
		Location:    auth.Cut(location, targetLimit),
		SetsCookie:  h.get("set-cookie") != "", BodyBytes: -1,
		Method: a.method, Host: a.host, Target: a.target,
	}
	if n, told, ok := contentLength(h); told && ok {
		r.BodyBytes = n
	}
	for _, value := range h.all("www-authenticate") {
		r.AuthSchemes = append(r.AuthSchemes, schemes(value)...)
		if r.Realm == "" {
			r.Realm = auth.Name(realmOf(value))
		}
	}
	r.AuthSchemes = r.AuthSchemes[:min(len(r.AuthSchemes), schemesLimit)]
	return r
}

// schemes are the authentication schemes of one WWW-Authenticate value, which
// may hold several challenges (RFC 9110 section 11.6.1).
func schemes(value string) []string {
	var names []string
	for part := range strings.SplitSeq(value, ",") {
		word, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
		if word == "" || strings.ContainsAny(word, "=\"") || strings.HasPrefix(strings.TrimSpace(rest), "=") {
			continue
		}
		names = append(names, auth.Cut(strings.ToLower(word), 32))
	}
	return names
}

func realmOf(value string) string {
	_, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	return auth.Param(rest, "realm")
}

// outcomes tells what the status says about the request's credentials.
func (s *httpStream) outcomes(c wire.Context, off, status int, h *head, a *asked) {
	if status/100 == 2 || status/100 == 3 {
		a.header.answer(c, off, event.OutcomeAccepted)
		return
	}
	if status != 401 && status != 403 && status != 407 {
		return
	}
	// A challenge goes on after a 401, and a stale nonce is no wrong password.
	stale := strings.EqualFold(auth.Param(realmRest(h), "stale"), "true")
	if !stale && a.header.scheme != event.LoginChallenge {
		a.header.answer(c, off, event.OutcomeRefused)
	}
	// A form's page may say no with any status; only these are clear.
	a.form.answer(c, off, event.OutcomeRefused)
}

func realmRest(h *head) string {
	_, rest, _ := strings.Cut(h.get("www-authenticate"), " ")
	return rest
}

// message is what is kept of a message while its body passes.
type message struct {
	method   string // of the request that a response answers
	switches bool   // what follows is another protocol
	unframed bool   // where the body ends is not known
	request  *event.HTTPRequest
	response *event.HTTPResponse
	ctype    string
	packed   bool // Content-Encoding: gzip
	want     int  // how much of the body's beginning is needed
	begin    []byte
	looked   int // how much was searched for exposed data
	depth    scan.Depth
	started  bool
	broken   bool // bytes of the body are missing
}

func newMessage(from event.Side, h *head) message {
	m := message{ctype: h.get("content-type"), packed: h.lists("content-encoding", "gzip")}
	m.depth = depthOf(from, m.ctype)
	switch {
	case from == event.FromServer:
		m.want = sniff.Head
	case auth.HasFields(m.ctype):
		m.want = auth.BodyLimit
	}
	return m
}

// depthOf: published files hold addresses and keys of their authors, pictures
// hold no text, everything else may be about somebody.
func depthOf(from event.Side, ctype string) scan.Depth {
	low := strings.ToLower(ctype)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("image/", "video/", "audio/", "multipart/x-mixed"):
		return scan.Media
	case has("json", "x-www-form", "multipart/form-data", "text/plain", "event-stream"):
		return scan.Full
	case from == event.FromServer && (low == "" || has("html", "javascript", "css", "font", "octet-stream", "pkix", "pkcs", "ocsp", "zip", "x-tar")):
		return scan.Marks
	default:
		return scan.Full
	}
}

// payload takes in one piece of a body.
func (s *httpStream) payload(c wire.Context, from event.Side, off int, piece []byte) {
	m := &s.sides[from].msg
	if !m.started {
		m.started = true
		if strings.Contains(strings.ToLower(m.ctype), "html") && piece[0] != '<' && piece[0] > ' ' {
			m.depth = scan.Full // many a device sends its settings as text/html
		}
	}
	if n := min(len(piece), scan.Budget-m.looked); n > 0 && !m.packed {
		m.looked += n
		s.look(c, from, off, piece[:n], m.depth)
	}
	if m.want == 0 || m.broken {
		return
	}
	m.begin = append(m.begin, piece[:min(len(piece), m.want-len(m.begin))]...)
	if len(m.begin) == m.want {
		s.judge(c, from, off)
	}
}

// judge uses the beginning of a body, once.
func (s *httpStream) judge(c wire.Context, from event.Side, off int) {
	m := &s.sides[from].msg
	begin := m.begin
	m.want, m.begin = 0, nil
	if m.packed {
		begin = inflate(begin)
		s.lookInside(c, from, off, begin, m.depth)
	}
	if from == event.FromServer {
		s.emitResponse(c, off, begin)
		return
	}
	if cred, ok := auth.Body(m.ctype, begin); ok && len(s.asked) > 0 {
		last := &s.asked[len(s.asked)-1]
		last.form = s.login(c, off, "http", pathOf(last.target), cred)
	} else if ok {
		s.login(c, off, "http", "", cred)
	}
}

func (s *httpStream) emitResponse(c wire.Context, off int, begin []byte) {
	m := &s.sides[event.FromServer].msg
	r := m.response
	if r == nil {
		return
	}
	m.response = nil
	r.Body, r.Signature = bodyName(r.ContentType, begin), sniff.Signature(begin)
	r.LoginForm = r.Body == "html" && sniff.LoginForm(begin)
	c.Emit(off, *r)
}

// bodyName is the format by its magic; revocation data of X.509 is told by its
// content type, since in DER it looks like a certificate.
func bodyName(ctype string, begin []byte) string {
	name := sniff.Format(begin)
	if name != "der" && name != "ocsp" {
		return name
	}
	switch low := strings.ToLower(ctype); {
	case strings.HasPrefix(low, "application/pkix-crl"), strings.HasPrefix(low, "application/x-pkcs7-crl"):
		return "der-crl"
	case strings.HasPrefix(low, "application/pkix-cert"), strings.HasPrefix(low, "application/x-x509"):
		return "der-certificate"
	case strings.HasPrefix(low, "application/ocsp-response"):
		return "ocsp"
	}
	return name
}

// endBody ends the present message of a side.
func (s *httpStream) endBody(c wire.Context, from event.Side, off int) {
	side := &s.sides[from]
	m := &side.msg
	if r := m.request; r != nil {
		m.request = nil
		r.BodyBytes = int(side.body.total)
		c.Emit(off, *r)
	}
	if m.want > 0 && len(m.begin) > 0 || m.response != nil {
		s.judge(c, from, off)
	}
	s.endMessage(c, from, off)
	side.phase, side.body = inHead, bodyReader{}
	side.msg = message{switches: m.switches}
}

// inflate unpacks the beginning of a gzip stream, as far as it goes.
func inflate(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	// A stream that was cut ends in an error; what came before it is good.
	out, _ := io.ReadAll(io.LimitReader(r, inflateLimit))
	return out
}
