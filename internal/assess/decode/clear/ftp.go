package clear

import (
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// ftp reads an FTP control connection (RFC 959, RFC 4217).
type ftp struct {
	user    string
	pending login
	tls     bool // AUTH TLS was asked
}

func newFTP(p *scan.Patterns) wire.Stream { return newLines(p, "ftp", &ftp{}) }

func (f *ftp) line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next {
	if from == event.FromServer {
		return f.reply(c, off, line)
	}
	switch verb, rest := command(line); verb {
	case "USER":
		f.user = auth.Name(rest)
	case "PASS":
		f.pending = t.login(c, off, "ftp", "", auth.Credential{User: f.user, Secret: auth.Secret(rest)})
	case "AUTH":
		f.tls = strings.HasPrefix(strings.ToUpper(rest), "TLS") || strings.EqualFold(rest, "SSL")
	}
	return wire.More
}

func (f *ftp) reply(c wire.Context, off int, line string) wire.Next {
	switch {
	case isReply(line, "230"):
		f.pending.answer(c, off, event.OutcomeAccepted)
	case isReply(line, "530"), isReply(line, "430"):
		f.pending.answer(c, off, event.OutcomeRefused)
	case isReply(line, "234") && f.tls:
		return wire.Restart
	}
	return wire.More
}

func (f *ftp) gap(event.Side) { *f = ftp{} }

func recogniseFTP(c wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer {
		return greeting220(c, first, "ftp", "smtp", 21)
	}
	return firstCommand(first, func(verb, rest string) bool {
		switch verb {
		case "USER":
			return rest != "" && !strings.Contains(rest, " ") && c.ServerPort != 110
		case "AUTH":
			return strings.EqualFold(rest, "TLS") || strings.EqualFold(rest, "SSL")
		}
		return verb == "FEAT" && rest == ""
	})
}
