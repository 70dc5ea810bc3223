package auth

import (
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// fieldKind is what a form field holds, by its name.
type fieldKind uint8

const (
	fieldOther fieldKind = iota
	fieldUser
	fieldSecret
	fieldToken
	fieldMaybe // a secret unless its value is only a switch
)

var (
	userNames   = []string{"user", "username", "login", "loginname", "loginuser", "loginuse", "usr", "usrname", "userid", "uid", "account", "email", "mail", "uname", "authuser", "adminname", "name"}
	secretNames = []string{"password", "passwd", "pwd", "pass", "passphrase", "psk", "passcode", "loginpas", "loginpass", "userpass", "adminpass", "pw", "passwort", "wpapsk", "wpa2psk", "wpakey", "wepkey", "wifikey", "wifipass", "presharedkey", "wlankey", "secret"}
	secretTails = []string{"password", "passwd", "passphrase", "pwd", "psk"}
	tokenNames  = []string{"apikey", "token", "accesstoken", "authtoken", "sessiontoken", "xapikey", "appkey", "clientsecret", "appsecret"}
	// notSecret begin names of buttons and switches about passwords.
	notSecret = []string{"show", "forgot", "remember", "reset", "has", "is", "enable", "save", "change", "min", "max", "no", "hide", "lost", "require", "empty"}
)

// kindOf classifies a field by its name: without case, separators, a path before
// it (admin[password], wifi.psk) and trailing digits (password2).
func kindOf(name string) fieldKind {
	if len(name) > 64 {
		return fieldOther
	}
	name = strings.Trim(strings.ToLower(name), "]\"' ")
	if i := strings.LastIndexAny(name, "[.:"); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimRight(strings.NewReplacer("_", "", "-", "").Replace(name), "0123456789")
	switch {
	case slices.Contains(secretNames, name):
		return fieldSecret
	case slices.Contains(userNames, name):
		return fieldUser
	case slices.Contains(tokenNames, name):
		return fieldToken
	}
	for _, tail := range secretTails {
		if strings.HasSuffix(name, tail) && !hasPrefix(name, notSecret) {
			return fieldMaybe
		}
	}
	return fieldOther
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func isSwitch(value string) bool {
	return slices.Contains([]string{"", "0", "1", "true", "false", "on", "off", "yes", "no", "null", "undefined"}, strings.ToLower(value))
}

// valueKind corrects what a field's name says by its value.
func valueKind(kind fieldKind, value string) fieldKind {
	switch {
	case value == "", kind == fieldMaybe && isSwitch(value), kind == fieldToken && len(value) < tokenMin:
		return fieldOther
	case kind == fieldMaybe:
		return fieldSecret
	}
	return kind
}

// fields collects what a form or a query said.
type fields struct {
	user   string
	secret string
	found  fieldKind // fieldSecret or fieldToken
	name   string
	digest bool // the secret is told to be a digest
}

// add takes one field; it returns whether its value is a credential.
func (f *fields) add(name, value string) bool {
	if strings.EqualFold(name, value) {
		return false // a placeholder
	}
	kind := valueKind(kindOf(name), value)
	if kind == fieldUser && f.user == "" {
		f.user = value
	}
	if kind != fieldSecret && kind != fieldToken {
		return false
	}
	// The first password counts, and before any token.
	if f.found == fieldOther || f.found == fieldToken && kind == fieldSecret {
		f.secret, f.found, f.name = value, kind, name
	}
	return true
}

// credential is what the fields make up. A password that the page hashed or
// encrypted is told as a digest or a challenge: what its value is worth depends
// on the page's script, so it does not count as readable.
func (f *fields) credential() (Credential, bool) {
	c := Credential{User: Name(f.user)}
	switch {
	case f.found == fieldOther:
		return Credential{}, false
	case f.found == fieldToken:
		c.Scheme, c.Secret = event.LoginToken, Secret(f.secret)
	case f.digest, isHash(f.secret) && !strings.HasSuffix(strings.ToLower(f.name), "psk"):
		c.Scheme = event.LoginDigest
	case isCiphertext(f.secret):
		c.Scheme = event.LoginChallenge
	default:
		c.Scheme, c.Secret = event.LoginPlain, Secret(f.secret)
	}
	return c, true
}

// isHash is true for the hexadecimal form of MD5, SHA-1, SHA-256 and SHA-512.
func isHash(s string) bool {
	if !slices.Contains([]int{32, 40, 64, 128}, len(s)) {
		return false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// isCiphertext is true for Base64 or hexadecimal of at least 64 bytes, the
// smallest RSA block that was ever common.
func isCiphertext(s string) bool {
	if len(s) < 86 {
		return false
	}
	_, ok := Base64(s)
	return ok
}
