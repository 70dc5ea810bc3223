package clear

import (
	"bytes"
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// dialogue is a protocol of lines.
type dialogue interface {
	// line reads one line without its end; off is where it began.
	line(t *lineStream, c wire.Context, from event.Side, off int, line string) wire.Next
	// gap says that lines of a side are missing.
	gap(from event.Side)
}

// lineStream cuts both sides of a conversation into lines and looks through them.
type lineStream struct {
	talk
	name   string
	ends   byte // what ends a line
	says   dialogue
	named  bool
	inside [2]int // how much of a line that is too long was consumed
	greets bool   // the first line of the server is its banner
}

func newLines(p *scan.Patterns, name string, says dialogue) wire.Stream {
	return &lineStream{talk: newTalk(p, scanLimit), name: name, ends: '\n', says: says, greets: true}
}

// Data implements wire.Stream.
func (t *lineStream) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if !t.named {
		t.named = true
		c.Name(t.name)
	}
	at := 0
	for {
		i := bytes.IndexByte(data[at:], t.ends)
		if i < 0 {
			break
		}
		next := t.whole(c, from, at, data[at:at+i+1])
		at += i + 1
		if next != wire.More {
			return wire.Step{Consumed: at, Next: next}
		}
	}
	if len(data)-at > lineLimit || t.inside[from] > 0 && len(data) > at {
		t.look(c, from, at, data[at:], scan.Full)
		t.inside[from] += len(data) - at
		at = len(data)
	}
	return wire.Step{Consumed: at}
}

// whole takes one line with its end.
func (t *lineStream) whole(c wire.Context, from event.Side, off int, line []byte) wire.Next {
	next := wire.More
	if t.inside[from] == 0 && len(line) <= lineLimit {
		text := strings.TrimRight(string(line[:len(line)-1]), "\r")
		t.banner(c, from, off, text)
		next = t.says.line(t, c, from, off, text)
	}
	t.inside[from] = 0
	t.look(c, from, off, line, scan.Full)
	return next
}

// banner reports the first line of the server, unless the client spoke before.
func (t *lineStream) banner(c wire.Context, from event.Side, off int, text string) {
	if t.greets && from == event.FromServer && !c.Conn().Midway {
		c.Emit(off, event.ServiceBanner{Service: t.name, Text: auth.Cut(text, bannerLimit)})
	}
	t.greets = false
}

// Gap implements wire.Stream. What comes next begins within a line.
func (t *lineStream) Gap(_ wire.Context, from event.Side, _ int) {
	t.scanner.Gap(from)
	t.inside[from] = 1
	t.greets = false
	t.says.gap(from)
}

// Close implements wire.Stream.
func (t *lineStream) Close(c wire.Context, from event.Side) { t.endMessage(c, from, 0) }

// command splits "VERB rest" and puts the verb in capitals.
func command(line string) (verb, rest string) {
	verb, rest, _ = strings.Cut(line, " ")
	return strings.ToUpper(auth.Cut(verb, 32)), strings.TrimSpace(rest)
}

// firstLine is the first line of a side as far as it is there, at most 512 bytes.
func firstLine(first []byte) (line string, whole bool) {
	b, _, whole := bytes.Cut(first[:min(len(first), 512)], []byte("\n"))
	return strings.TrimRight(string(b), "\r"), whole || len(first) >= 512
}

// isReply is true for "ddd text" and "ddd-text" (RFC 959 section 4.2, RFC 5321
// section 4.2).
func isReply(line, code string) bool {
	return strings.HasPrefix(line, code) && (len(line) == len(code) || line[len(code)] == ' ' || line[len(code)] == '-')
}

// greeting220 recognises a server that greets with 220, as FTP and SMTP do: by a
// word in its greeting, else by its port, else not yet.
func greeting220(c wire.Conn, first []byte, mine, other string, ports ...uint16) wire.Match {
	line, whole := firstLine(first)
	if m := matchPrefix(first, "220"); m != wire.Yes {
		return m
	}
	low := strings.ToLower(line)
	switch {
	case len(line) > 3 && line[3] != ' ' && line[3] != '-' || strings.Contains(low, other):
		return wire.No
	case !whole:
		return wire.Maybe
	case strings.Contains(low, mine):
		return wire.Yes
	}
	for _, port := range ports {
		if c.ServerPort == port {
			return wire.Yes
		}
	}
	return wire.Maybe
}

// firstCommand recognises a client by its first line.
func firstCommand(first []byte, is func(verb, rest string) bool) wire.Match {
	line, whole := firstLine(first)
	for i := range len(line) {
		if line[i] < ' ' || line[i] > '~' {
			return wire.No
		}
	}
	switch verb, rest := command(line); {
	case whole && is(verb, rest):
		return wire.Yes
	case whole || len(verb) > 12:
		return wire.No
	}
	return wire.Maybe
}
