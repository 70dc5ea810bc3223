package scan

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

const (
	// mailMin is the shortest mail address that is believed, x@yy.nl.
	mailMin = 7
	// tokenMin is shorter than any JSON Web Token.
	tokenMin = 32
)

// free finds what tells itself without a key: tokens and mail addresses.
func (t *textScan) free(word []byte) (Found, bool) {
	if len(word) < mailMin {
		return Found{}, false
	}
	if alg, ok := tokenAlgorithm(word, t.long); ok && len(word) >= tokenMin {
		return Found{Kind: event.ExposedJWT, Sample: Cut(string(word)), Shown: alg}, true
	}
	if t.skipLine || t.inURL {
		return Found{}, false
	}
	if mail, ok := mailAddress(word); ok {
		return Found{Kind: event.ExposedEmail, Sample: Cut(mail)}, true
	}
	return Found{}, false
}

// tokenAlgorithm recognises a JSON Web Token (RFC 7519, RFC 7515 section 7.1):
// three Base64url parts, the first a JSON object with "alg", the second a JSON
// object. It returns the algorithm.
func tokenAlgorithm(word []byte, long bool) (alg string, ok bool) {
	at := bytes.Index(word, []byte("eyJ"))
	if at < 0 || at > 0 && word[at-1] != '/' {
		return "", false
	}
	first, rest, _ := bytes.Cut(word[at:], []byte("."))
	second, third, _ := bytes.Cut(rest, []byte("."))
	head, isHead := jsonPart(first)
	if _, isClaims := jsonPart(second); !isHead || !isClaims || bytes.IndexByte(third, '.') >= 0 {
		return "", false
	}
	alg, ok = algorithmOf(head)
	signed := long || alg == "none" || len(third) >= 22
	return alg, ok && signed
}

// jsonPart decodes the beginning of one Base64url part when it is a JSON object.
func jsonPart(part []byte) ([]byte, bool) {
	part = part[:min(len(part), 512)] // a multiple of four
	out := make([]byte, base64.RawURLEncoding.DecodedLen(len(part)))
	n, err := base64.RawURLEncoding.Decode(out, part)
	if err != nil || n < 2 || out[0] != '{' || out[1] != '"' && out[1] != '}' && out[1] != ' ' {
		return nil, false
	}
	return out[:n], true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func algorithmOf(head []byte) (string, bool) {
	at := bytes.Index(head, []byte(`"alg"`))
	if at < 0 {
		return "", false
	}
	rest := bytes.TrimLeft(head[at+5:], ": ")
	if len(rest) == 0 || rest[0] != '"' {
		return "", false
	}
	name, _, found := bytes.Cut(rest[1:], []byte(`"`))
	if !found || len(name) == 0 || len(name) > 16 {
		return "", false
	}
	for _, b := range name {
		if !isAlnum(b) && b != '-' {
			return "", false
		}
	}
	return string(name), true
}

// mailAddress recognises the one e-mail address that a word is, strictly: a
// plausible local part, a domain with an alphabetic top-level domain, nothing
// around it, and not an address that belongs to a role or a program.
func mailAddress(word []byte) (string, bool) {
	at := bytes.IndexByte(word, '@')
	skip := 1
	if at < 0 {
		at, skip = bytes.Index(word, []byte("%40")), 3
	}
	if at < 1 || at > 64 || len(word) > 254 {
		return "", false
	}
	local, domain := string(word[:at]), strings.TrimRight(string(word[at+skip:]), ".")
	if !isLocalPart(local) || !isMailDomain(domain) || isRole(local) || isProtocolName(domain) {
		return "", false
	}
	return local + "@" + domain, true
}

func isLocalPart(s string) bool {
	letters := 0
	for i := range len(s) {
		switch b := s[i]; {
		case isAlnum(b):
			letters += b2i(!isDigit(b))
		case strings.IndexByte("._+-", b) < 0:
			return false
		}
	}
	return letters > 0 && isAlnum(s[0]) && s[len(s)-1] != '.'
}

func isMailDomain(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 || len(labels) > 6 {
		return false
	}
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	top := strings.ToLower(labels[len(labels)-1])
	return len(labels[len(labels)-2]) >= 2 && isTop(top)
}

func isLabel(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	return s != "" && s[0] != '-' && s[len(s)-1] != '-'
}

// isTop leaves out names of files: icon@2x.png is no mail address.
func isTop(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	files := []string{"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "html", "htm", "php", "json", "xml", "ico", "mp", "bin", "zip", "local", "localdomain", "lan", "invalid", "service", "so", "conf", "txt"}
	return len(s) >= 2 && len(s) <= 12 && !slices.Contains(files, s)
}

func isRole(local string) bool {
	roles := []string{"support", "info", "webmaster", "admin", "postmaster", "noreply", "no-reply", "donotreply", "contact", "sales", "help", "abuse", "hostmaster", "security", "privacy", "root", "git", "mailer-daemon", "anonymous", "service", "office", "press", "legal"}
	return slices.Contains(roles, strings.ToLower(local))
}

// isProtocolName is true for the domains behind extension names such as
// hmac-sha2-256-etm@openssh.com (RFC 4251 section 6).
func isProtocolName(domain string) bool {
	names := []string{"openssh.com", "libssh.org", "ssh.com", "lysator.liu.se", "putty.projects.tartarus.org"}
	return slices.Contains(names, strings.ToLower(domain))
}
