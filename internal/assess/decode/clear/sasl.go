package clear

import (
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/event"
)

// sasl follows one exchange of RFC 4422 as mail protocols and XMPP carry it: a
// mechanism, perhaps a first message, then Base64 lines.
type sasl struct {
	mech string // "" when none is going on
	user string // of LOGIN, once it is known
}

// begin starts an exchange; initial is the first message or "".
func (s *sasl) begin(mech, initial string) (auth.Credential, bool) {
	*s = sasl{mech: strings.ToUpper(auth.Cut(mech, 32))}
	if initial == "" || initial == "=" {
		return auth.Credential{}, false
	}
	return s.next(initial)
}

// next reads one line of the client; it returns the credential once it is whole.
func (s *sasl) next(line string) (auth.Credential, bool) {
	if line == "*" {
		s.mech = "" // the client gave up
	}
	text, ok := auth.Base64(line)
	if !ok || s.mech == "" {
		return auth.Credential{}, false
	}
	switch s.mech {
	case "PLAIN":
		s.mech = ""
		return auth.Plain(line)
	case "LOGIN":
		return s.userThenSecret(text)
	case "XOAUTH2", "OAUTHBEARER":
		s.mech = ""
		return bearer(text)
	}
	c := auth.Credential{Scheme: event.LoginChallenge, User: challengeUser(s.mech, text)}
	s.mech = ""
	return c, true
}

func (s *sasl) userThenSecret(text string) (auth.Credential, bool) {
	if s.user == "" {
		s.user = auth.Name(text)
		return auth.Credential{}, false
	}
	s.mech = ""
	return auth.Credential{User: s.user, Secret: auth.Secret(text)}, true
}

// challengeUser reads the user name of CRAM-MD5 (RFC 2195: "user digest") and of
// SCRAM (RFC 5802: "n,,n=user,r=nonce").
func challengeUser(mech, text string) string {
	switch {
	case mech == "CRAM-MD5":
		if i := strings.LastIndexByte(text, ' '); i >= 0 {
			return auth.Name(text[:i])
		}
	case strings.HasPrefix(mech, "SCRAM-"):
		_, rest, _ := strings.Cut(text, "n=")
		user, _, _ := strings.Cut(rest, ",")
		return auth.Name(user)
	}
	return ""
}

// bearer reads XOAUTH2 and OAUTHBEARER (RFC 7628): parts separated by ^A.
func bearer(text string) (auth.Credential, bool) {
	var c auth.Credential
	found := false
	for part := range strings.SplitSeq(text, "\x01") {
		if user, ok := strings.CutPrefix(part, "user="); ok {
			c.User = auth.Name(user)
		}
		if value, ok := strings.CutPrefix(part, "auth="); ok {
			token, has := auth.Authorization(value)
			c.Scheme, c.Secret, found = token.Scheme, token.Secret, has
		}
	}
	return c, found
}
