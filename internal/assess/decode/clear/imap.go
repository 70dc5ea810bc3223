package clear

import (
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// imapLiterals is how many literals one command may have to be read.
const imapLiterals = 4

// imap reads mail access (RFC 9051, RFC 3501).
type imap struct {
	sasl     sasl
	tag      string // of the command that awaits its outcome
	verb     string
	pending  login
	begun    string // a command that goes on after a literal
	literals int
}

func newIMAP(p *scan.Patterns) wire.Stream { return newLines(p, "imap", &imap{}) }

func (s *imap) line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next {
	if from == event.FromServer {
		return s.reply(c, off, line)
	}
	var cred auth.Credential
	ok := false
	if s.sasl.mech != "" {
		cred, ok = s.sasl.next(line)
	} else {
		cred, ok = s.command(line)
	}
	if ok {
		s.pending = t.login(c, off, "imap", "", cred)
	}
	return wire.More
}

func (s *imap) command(line string) (auth.Credential, bool) {
	line, more := s.join(line)
	if more {
		return auth.Credential{}, false
	}
	tag, rest, _ := strings.Cut(line, " ")
	verb, args := command(rest)
	if verb != "LOGIN" && verb != "AUTHENTICATE" && verb != "STARTTLS" {
		return auth.Credential{}, false
	}
	s.tag, s.verb, s.pending = auth.Cut(tag, 32), verb, login{}
	first, args := imapWord(args)
	second, _ := imapWord(args)
	switch verb {
	case "LOGIN":
		return auth.Credential{User: auth.Name(first), Secret: auth.Secret(second)}, second != ""
	case "AUTHENTICATE":
		return s.sasl.begin(first, second)
	}
	return auth.Credential{}, false
}

// join puts a command together that was sent with literals, {5} at the end of a
// line and the text in the next (RFC 9051 section 4.3); the text is quoted then.
func (s *imap) join(line string) (whole string, more bool) {
	if s.begun != "" {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line)
		if open := strings.LastIndex(quoted, " {"); open > 0 && strings.HasSuffix(line, "}") {
			quoted = quoted[:open] + `" ` + quoted[open+1:]
		} else {
			quoted += `"`
		}
		line = s.begun + quoted
	}
	open := strings.LastIndexByte(line, '{')
	if open > 0 && strings.HasSuffix(line, "}") && s.literals < imapLiterals && len(line) < lineLimit {
		s.begun, s.literals = line[:open], s.literals+1
		return "", true
	}
	s.begun, s.literals = "", 0
	return line, false
}

// imapWord splits an atom or a quoted string off.
func imapWord(args string) (word, rest string) {
	args = strings.TrimLeft(args, " ")
	if !strings.HasPrefix(args, `"`) {
		word, rest, _ = strings.Cut(args, " ")
		return word, rest
	}
	var out strings.Builder
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == '\\' && i+1 < len(args):
			i++
			out.WriteByte(args[i])
		case args[i] == '"':
			return out.String(), args[i+1:]
		default:
			out.WriteByte(args[i])
		}
	}
	return out.String(), ""
}

func (s *imap) reply(c wire.Context, off int, line string) wire.Next {
	tag, rest, _ := strings.Cut(line, " ")
	if s.tag == "" || tag != s.tag {
		return wire.More
	}
	status, _ := command(rest)
	tls := s.verb == "STARTTLS" && status == "OK"
	switch status {
	case "OK":
		s.pending.answer(c, off, event.OutcomeAccepted)
	case "NO":
		s.pending.answer(c, off, event.OutcomeRefused)
	}
	s.tag, s.sasl = "", sasl{}
	if tls {
		return wire.Restart
	}
	return wire.More
}

func (s *imap) gap(event.Side) { *s = imap{} }

func recogniseIMAP(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromClient {
		return wire.No
	}
	best := wire.No
	for _, word := range []string{"* OK ", "* PREAUTH ", "* BYE ", "* OK\r\n"} {
		best = max(best, matchPrefix(first, word))
	}
	return best
}
