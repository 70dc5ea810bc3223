// Package auth reads credentials out of the texts that carry them in HTTP and
// its relatives: Authorization fields, request targets, forms and JSON.
//
// It owns the names by which forms call passwords and users. What it finds is a
// Secret at once; it must not know conversations, nor whether a login succeeded.
package auth

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

const (
	// nameLimit is how much of a user name or realm is kept.
	nameLimit = 128
	// secretLimit is how much of a secret is kept.
	secretLimit = 256
	// tokenMin is the shortest text that counts as a token.
	tokenMin = 8
	// bareMin is the same where no scheme says that it is one.
	bareMin = 16
)

// Credential is one credential as it was sent.
type Credential struct {
	Scheme event.LoginScheme
	User   string
	Secret event.Secret // empty for digests and challenges
}

// Cut returns at most n bytes of s, without holding on to the rest.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(s[:n])
}

// Name bounds a user name, realm or topic.
func Name(s string) string { return Cut(s, nameLimit) }

// Secret wraps a secret, bounded.
func Secret(s string) event.Secret { return event.NewSecret(Cut(s, secretLimit)) }

// knownSchemes are the registered authentication schemes and those in wide use.
var knownSchemes = []string{
	"basic", "digest", "bearer", "ntlm", "negotiate", "kerberos", "scram-sha-1", "scram-sha-256", "hoba", "mutual",
	"oauth", "dpop", "gnap", "vapid", "token", "apikey", "api-key", "key", "jwt", "hawk", "hmac", "signature", "aws4-hmac-sha256",
}

// Scheme is the scheme of an Authorization value in lower case (RFC 9110 section
// 11.4), "other" when it is none that is known: a value may be a bare secret.
func Scheme(value string) string {
	name, _, found := strings.Cut(strings.TrimSpace(value), " ")
	name = strings.ToLower(name)
	switch {
	case name == "":
		return ""
	case found && slices.Contains(knownSchemes, name):
		return name
	default:
		return "other"
	}
}

// Authorization reads the value of an Authorization or Proxy-Authorization
// field. A signature over the request (Hawk, AWS) is no credential.
func Authorization(value string) (Credential, bool) {
	value = strings.TrimSpace(value)
	_, rest, _ := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch Scheme(value) {
	case "basic":
		return Basic(rest)
	case "digest":
		return Credential{Scheme: event.LoginDigest, User: Name(Param(rest, "username"))}, true
	case "ntlm", "negotiate", "scram-sha-1", "scram-sha-256", "kerberos":
		return Credential{Scheme: event.LoginChallenge}, rest != ""
	case "bearer", "token", "apikey", "api-key", "key", "oauth", "jwt":
		return Token(rest)
	case "other":
		if len(value) >= bareMin && !strings.ContainsAny(value, " ,=") && strings.ContainsAny(value, "0123456789") {
			return Token(value)
		}
	}
	return Credential{}, false
}

// Basic reads user and password of the Basic scheme (RFC 7617 section 2).
func Basic(value string) (Credential, bool) {
	text, ok := Base64(value)
	if !ok {
		return Credential{}, false
	}
	user, secret, found := strings.Cut(text, ":")
	return Credential{Scheme: event.LoginPlain, User: Name(user), Secret: Secret(secret)}, found
}

// Token wraps a bearer token or API key.
func Token(value string) (Credential, bool) {
	value = strings.Trim(value, " \t\"")
	if len(value) < tokenMin {
		return Credential{}, false
	}
	return Credential{Scheme: event.LoginToken, Secret: Secret(value)}, true
}

// Base64 decodes either alphabet, with or without padding, at most 4 KiB.
func Base64(value string) (string, bool) {
	value = strings.TrimRight(Cut(strings.TrimSpace(value), 4096), "=")
	value = strings.NewReplacer("-", "+", "_", "/").Replace(value)
	out, err := base64.RawStdEncoding.DecodeString(value)
	return string(out), err == nil
}

// Plain reads the SASL PLAIN message: authorisation identity, user and password,
// separated by zero bytes (RFC 4616 section 2).
func Plain(value string) (Credential, bool) {
	text, ok := Base64(value)
	parts := strings.Split(text, "\x00")
	if !ok || len(parts) != 3 {
		return Credential{}, false
	}
	return Credential{Scheme: event.LoginPlain, User: Name(parts[1]), Secret: Secret(parts[2])}, true
}

// Param reads one parameter of a list such as: realm="x", nonce="y", stale=true
// (RFC 9110 section 11.2). The name is compared without case.
func Param(list, name string) string {
	for rest := list; rest != ""; {
		var key, value string
		key, value, rest = nextParam(rest)
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// nextParam splits the first parameter off.
func nextParam(list string) (key, value, rest string) {
	list = strings.TrimLeft(list, " \t,;")
	end := strings.IndexAny(list, "=,;")
	if end < 0 {
		return strings.TrimSpace(list), "", ""
	}
	key = strings.TrimSpace(list[:end])
	if list[end] != '=' {
		return key, "", list[end+1:]
	}
	list = strings.TrimLeft(list[end+1:], " \t")
	if strings.HasPrefix(list, `"`) {
		return quotedParam(key, list[1:])
	}
	end = strings.IndexAny(list, ",;")
	if end < 0 {
		return key, strings.TrimSpace(list), ""
	}
	return key, strings.TrimSpace(list[:end]), list[end+1:]
}

func quotedParam(key, list string) (string, string, string) {
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\\':
			i++
		case '"':
			return key, list[:i], list[i+1:]
		}
	}
	return key, list, ""
}

// Unescape decodes percent-encoding and, in forms, "+" as a space; what is not
// well formed stays as it is.
func Unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, hexValue(s[i+1])<<4|hexValue(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isHex(b byte) bool { return bytes.IndexByte([]byte("0123456789abcdefABCDEF"), b) >= 0 }

func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}
