package clear

import (
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// smtp reads mail submission (RFC 5321, RFC 4954, RFC 3207).
type smtp struct {
	sasl    sasl
	pending login
	tls     bool
	content bool // between DATA and the line with one dot
}

func newSMTP(p *scan.Patterns) wire.Stream { return newLines(p, "smtp", &smtp{}) }

func (s *smtp) line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next {
	if from == event.FromServer {
		return s.reply(c, off, line)
	}
	if s.content {
		s.content = line != "."
		return wire.More
	}
	var cred auth.Credential
	ok := false
	if s.sasl.mech != "" {
		cred, ok = s.sasl.next(line)
	} else {
		cred, ok = s.command(line)
	}
	if ok {
		s.pending = t.login(c, off, "smtp", "", cred)
	}
	return wire.More
}

func (s *smtp) command(line string) (auth.Credential, bool) {
	switch verb, rest := command(line); verb {
	case "AUTH":
		mech, initial, _ := strings.Cut(rest, " ")
		return s.sasl.begin(mech, initial)
	case "STARTTLS":
		s.tls = true
	case "DATA":
		s.content = true
	}
	return auth.Credential{}, false
}

func (s *smtp) reply(c wire.Context, off int, line string) wire.Next {
	switch {
	case isReply(line, "235"):
		s.pending.answer(c, off, event.OutcomeAccepted)
	case isReply(line, "535"), isReply(line, "534"), isReply(line, "538"):
		s.pending.answer(c, off, event.OutcomeRefused)
		s.sasl = sasl{}
	case isReply(line, "220") && s.tls:
		return wire.Restart
	case strings.HasPrefix(line, "5"), strings.HasPrefix(line, "4"):
		s.sasl, s.tls, s.content = sasl{}, false, false
	}
	return wire.More
}

func (s *smtp) gap(event.Side) { *s = smtp{} }

func recogniseSMTP(c wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer {
		return greeting220(c, first, "smtp", "ftp", 25, 587, 2525)
	}
	return firstCommand(first, func(verb, rest string) bool {
		return (verb == "EHLO" || verb == "HELO" || verb == "LHLO") && rest != ""
	})
}

// pop3 reads mail collection (RFC 1939, RFC 2595, RFC 5034).
type pop3 struct {
	sasl    sasl
	user    string
	pending login
	// asked are the commands whose status has not come yet.
	asked []string
	lost  bool // which status answers which command is not known any more
	in    bool // logged in: nothing of interest follows
}

func newPOP3(p *scan.Patterns) wire.Stream { return newLines(p, "pop3", &pop3{}) }

func (s *pop3) line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next {
	if from == event.FromServer {
		return s.reply(c, off, line)
	}
	if s.in {
		return wire.More
	}
	if s.sasl.mech != "" {
		s.report(t, c, off, func() (auth.Credential, bool) { return s.sasl.next(line) })
		return wire.More
	}
	verb, rest := command(line)
	if len(s.asked) == pipelineLimit {
		s.asked, s.lost = nil, true
	}
	s.asked = append(s.asked, verb)
	s.report(t, c, off, func() (auth.Credential, bool) { return s.command(verb, rest) })
	return wire.More
}

func (s *pop3) report(t *lineStream, c wire.Context, off int, read func() (auth.Credential, bool)) {
	if cred, ok := read(); ok {
		s.pending = t.login(c, off, "pop3", "", cred)
	}
}

func (s *pop3) command(verb, rest string) (auth.Credential, bool) {
	first, second, _ := strings.Cut(rest, " ")
	switch verb {
	case "USER":
		s.user = auth.Name(rest)
	case "PASS":
		return auth.Credential{User: s.user, Secret: auth.Secret(rest)}, true
	case "APOP":
		return auth.Credential{Scheme: event.LoginDigest, User: auth.Name(first)}, second != ""
	case "AUTH":
		if first != "" {
			return s.sasl.begin(first, second)
		}
	}
	return auth.Credential{}, false
}

// reply takes a status line for the oldest command without one.
func (s *pop3) reply(c wire.Context, off int, line string) wire.Next {
	status, _ := command(line)
	if s.in || len(s.asked) == 0 || status != "+OK" && status != "-ERR" {
		return wire.More
	}
	verb, good := s.asked[0], status == "+OK"
	s.asked = s.asked[1:]
	if !good {
		s.sasl = sasl{}
	}
	if s.lost {
		return wire.More
	}
	switch verb {
	case "STLS":
		if good {
			return wire.Restart
		}
	case "PASS", "APOP", "AUTH":
		s.loggedIn(c, off, good)
	}
	return wire.More
}

func (s *pop3) loggedIn(c wire.Context, off int, good bool) {
	if good {
		s.in = s.pending.open
		s.pending.answer(c, off, event.OutcomeAccepted)
	} else {
		s.pending.answer(c, off, event.OutcomeRefused)
	}
}

func (s *pop3) gap(event.Side) { *s = pop3{lost: true} }

func recognisePOP3(c wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromClient {
		return wire.No
	}
	line, whole := firstLine(first)
	switch m := matchPrefix(first, "+OK"); {
	case m != wire.Yes:
		return m
	case !whole:
		return wire.Maybe
	case len(line) > 4 && line[3] == ' ' || c.ServerPort == 110:
		return wire.Yes
	}
	return wire.No
}
