package fact

import (
	"encoding/hex"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// httpTalk is one conversation in which HTTP requests in clear were seen. What is
// readable in it decides: the worst request counts.
type httpTalk struct {
	requests int
	waiting  []requestKind // not answered yet, in order (RFC 9112 section 9.3.2)
	worst    clearKind
	spoiled  bool // a credential or personal data of the device was readable
	null     bool // TLS without encryption was agreed on
}

// requestKind is what a request may turn out to be, once it is answered.
type requestKind uint8

const (
	requestData   requestKind = iota // carries data of its own
	requestQuery                     // a GET with a query, or for an update: never a connectivity check
	requestBare                      // a GET without anything that identifies
	requestCheck                     // a connectivity check by its address
	requestStatus                    // certificate status or certificate by its form
)

// waitLimit bounds the requests of one conversation that wait for an answer.
const waitLimit = 32

// spoil notes that data of the device was readable.
func (t *httpTalk) spoil() { t.spoiled = true }

func (t *httpTalk) asked() bool { return t.requests > 0 }

func (t *httpTalk) ask(w *world, b event.HTTPRequest) {
	if b.Method == "CONNECT" {
		return // opens a tunnel: what goes through it decides
	}
	t.requests++
	kind := requestKindOf(w, b)
	switch {
	case kind == requestData:
		t.note(clearPlain)
	case kind == requestCheck:
		t.note(clearCheck)
	case len(t.waiting) >= waitLimit:
		t.note(clearUndecided)
		return
	}
	t.waiting = append(t.waiting, kind)
}

func (t *httpTalk) answer(b event.HTTPResponse) {
	if b.Status < 200 || len(t.waiting) == 0 || b.Method == "" {
		return // an interim answer, or one to a request that was not seen
	}
	kind := t.waiting[0]
	t.waiting = t.waiting[1:]
	t.note(answered(kind, b))
}

// note keeps the worst.
func (t *httpTalk) note(k clearKind) { t.worst = max(t.worst, k) }

// kind is the verdict at the end. What was not answered is undecided: an unseen
// answer could have made the request a connectivity check.
func (t *httpTalk) kind() clearKind {
	for _, k := range t.waiting {
		if k == requestBare || k == requestQuery {
			t.note(clearUndecided)
		}
		if k == requestStatus {
			t.note(clearStatus)
		}
	}
	if t.worst == clearSilent {
		return clearUndecided
	}
	return t.worst
}

// requestKindOf judges a request by itself.
func requestKindOf(w *world, b event.HTTPRequest) requestKind {
	path, query, hasQuery := strings.Cut(b.Target, "?")
	switch {
	case strings.EqualFold(b.ContentType, "application/ocsp-request"): // RFC 6960 appendix A
		return requestStatus
	case carriesData(b):
		return requestData
	case query == "" && isCheckAddress(b.Host, path):
		return requestCheck
	case hasIdentifier(w, b.Target):
		return requestData
	case hasQuery:
		return requestQuery
	case hasSuffixOf(path, ".crl", ".crt", ".cer", ".p7c", ".p7b"):
		return requestStatus
	case isUpdatePath(path):
		return requestQuery
	default:
		return requestBare
	}
}

// carriesData says whether a request does more than ask for a page.
func carriesData(b event.HTTPRequest) bool {
	asks := b.Method == "GET" || b.Method == "HEAD"
	return !asks || b.BodyBytes > 0 || b.AuthScheme != "" || b.Upgrade != "" || slices.Contains(b.HeaderNames, "cookie")
}

// shortBody is the longest answer to a connectivity check, in bytes.
const shortBody = 512

// answered judges a request by its answer.
func answered(kind requestKind, b event.HTTPResponse) clearKind {
	switch {
	case kind == requestData:
		return clearPlain
	case kind == requestCheck:
		return clearCheck
	case kind == requestStatus || isStatusAnswer(b):
		return clearStatus
	case b.Signature != "":
		return clearSigned
	case kind == requestBare && isShort(b):
		return clearCheck
	default:
		return clearPlain
	}
}

func isStatusAnswer(b event.HTTPResponse) bool {
	switch {
	case b.Body == "ocsp" || b.Body == "der-crl" || b.Body == "pem-crl":
		return true
	case strings.EqualFold(b.ContentType, "application/ocsp-response"),
		strings.EqualFold(b.ContentType, "application/pkix-crl"),
		strings.EqualFold(b.ContentType, "application/pkix-cert"):
		return b.Body == "der" || b.Body == "" || strings.HasPrefix(b.Body, "pem")
	default:
		return false
	}
}

func isShort(b event.HTTPResponse) bool {
	if b.SetsCookie {
		return false
	}
	return b.Status == 204 || b.BodyBytes >= 0 && b.BodyBytes <= shortBody
}

// checkAddresses are the addresses at which common systems test whether they are
// online, as host and path; host "" is any.
var checkAddresses = [][2]string{
	{"", "/generate_204"}, {"", "/gen_204"},
	{"captive.apple.com", "/hotspot-detect.html"}, {"captive.apple.com", "/"},
	{"www.apple.com", "/library/test/success.html"},
	{"www.msftconnecttest.com", "/connecttest.txt"}, {"ipv6.msftconnecttest.com", "/connecttest.txt"},
	{"www.msftncsi.com", "/ncsi.txt"}, {"ipv6.msftncsi.com", "/ncsi.txt"},
	{"detectportal.firefox.com", "/success.txt"}, {"detectportal.firefox.com", "/canonical.html"},
	{"nmcheck.gnome.org", "/check_network_status.txt"}, {"network-test.debian.org", "/nm"},
	{"connectivity-check.ubuntu.com", "/"}, {"fedoraproject.org", "/static/hotspot.txt"},
	{"ipv4.connman.net", "/online/status.html"}, {"ipv6.connman.net", "/online/status.html"},
	{"spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html"},
}

func isCheckAddress(host, path string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ":80")
	for _, c := range checkAddresses {
		if (c[0] == "" || c[0] == host) && c[1] == path {
			return true
		}
	}
	return false
}

func hasSuffixOf(path string, ends ...string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc(ends, func(e string) bool { return strings.HasSuffix(path, e) })
}

// hasIdentifier says whether a request target names one unit: the host's own
// address, or a run of eight or more hexadecimal digits, two of them decimal.
func hasIdentifier(w *world, target string) bool {
	bare := strip(target)
	if mac, ok := w.host.MAC(); ok && strings.Contains(bare, hex.EncodeToString(mac[:])) {
		return true
	}
	isOther := func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }
	for _, run := range strings.FieldsFunc(bare, isOther) {
		if len(run) >= 8 && countDigits(run) >= 2 {
			return true
		}
	}
	return false
}
