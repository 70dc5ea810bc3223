package clear

import (
	"bytes"
	"strings"

	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// xmpp reads the beginning of a client's XMPP stream (RFC 6120): STARTTLS and
// SASL. Its "lines" are tags.
type xmpp struct {
	sasl    sasl
	begun   bool // the next text is the first message of the exchange
	pending login
	tls     bool
}

func newXMPP(p *scan.Patterns) wire.Stream {
	return &lineStream{talk: newTalk(p, scanLimit), name: "xmpp", ends: '>', says: &xmpp{}}
}

// line takes one tag without its ">", with the text before it.
func (s *xmpp) line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next {
	text, tag, _ := strings.Cut(line, "<")
	if from == event.FromServer {
		return s.reply(c, off, tag)
	}
	if text = strings.TrimSpace(text); s.begun && text != "" {
		if cred, ok := s.sasl.next(text); ok {
			s.pending = t.login(c, off, "xmpp", "", cred)
		}
	}
	s.begun = false
	switch name, _, _ := strings.Cut(tag, " "); name {
	case "starttls", "starttls/":
		s.tls = true
	case "auth":
		s.sasl.begin(attribute(tag, "mechanism"), "")
		s.begun = true
	case "response":
		s.begun = true
	}
	return wire.More
}

func (s *xmpp) reply(c wire.Context, off int, tag string) wire.Next {
	switch name, _, _ := strings.Cut(strings.TrimSuffix(tag, "/"), " "); name {
	case "proceed":
		if s.tls {
			return wire.Restart
		}
	case "success":
		s.pending.answer(c, off, event.OutcomeAccepted)
	case "failure":
		s.pending.answer(c, off, event.OutcomeRefused)
	}
	return wire.More
}

func (s *xmpp) gap(event.Side) { *s = xmpp{} }

// attribute is the value of an XML attribute, in either kind of quotes.
func attribute(tag, name string) string {
	_, rest, found := strings.Cut(tag, " "+name+"=")
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	value, _, _ := strings.Cut(rest[1:], rest[:1])
	return value
}

func recogniseXMPP(_ wire.Conn, from event.Side, first []byte) wire.Match {
	if from == event.FromServer {
		return wire.No
	}
	begins := max(matchPrefix(first, "<?xml"), matchPrefix(first, "<stream:stream"))
	if begins != wire.Yes {
		return begins
	}
	head := first[:min(len(first), 512)]
	switch {
	case bytes.Contains(head, []byte("http://etherx.jabber.org/streams")):
		return wire.Yes
	case len(first) >= 512 || bytes.Count(head, []byte(">")) > 1:
		return wire.No
	}
	return wire.Maybe
}
