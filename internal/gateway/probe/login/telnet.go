package login

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// telnet is a terminal in clear (RFC 854). Every option is declined.
type telnet struct{}

// The commands of the protocol (RFC 854, "TELNET COMMAND STRUCTURE").
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250
	se   = 240
)

// What services ask, and how shells show that they wait.
var (
	asksUser   = regexp.MustCompile(`(?i)(login|user ?name|user|account)\s*:\s*$`)
	asksSecret = regexp.MustCompile(`(?i)pass(word|code|wd)?\s*:\s*$`)
	waits      = regexp.MustCompile(`[#$>%]\s*$`)
)

// hear reads until a pattern matches the end of what was said, and declines options.
func (t *talk) hear(patterns ...*regexp.Regexp) (said string, err error) {
	var text strings.Builder
	for text.Len() < lineMost {
		b, err := t.in.ReadByte()
		if err != nil {
			return text.String(), err
		}
		if b == iac {
			if err := t.decline(&text); err != nil {
				return text.String(), err
			}
			continue
		}
		if b != 0 && b != '\r' {
			text.WriteByte(b)
		}
		if t.in.Buffered() == 0 && anyMatch(patterns, text.String()) {
			return text.String(), nil
		}
	}
	return text.String(), errors.New("it talks without asking anything")
}

func anyMatch(patterns []*regexp.Regexp, text string) bool {
	if last := strings.LastIndexByte(text, '\n'); last >= 0 {
		text = text[last+1:]
	}
	for _, p := range patterns {
		if p.MatchString(text) {
			return true
		}
	}
	return false
}

// decline answers one command (RFC 855: WONT to DO, DONT to WILL) and skips
// subnegotiations.
func (t *talk) decline(text *strings.Builder) error {
	command, err := t.in.ReadByte()
	if err != nil {
		return err
	}
	switch command {
	case iac:
		text.WriteByte(iac)
	case do, will:
		option, err := t.in.ReadByte()
		if err != nil {
			return err
		}
		answer := map[byte]byte{do: wont, will: dont}[command]
		_, err = t.Write([]byte{iac, answer, option})
		return err
	case dont, wont:
		_, err = t.in.ReadByte()
		return err
	case sb:
		return t.skip()
	}
	return nil
}

// skip reads over a subnegotiation.
func (t *talk) skip() error {
	before := byte(0)
	for range lineMost {
		b, err := t.in.ReadByte()
		if err != nil {
			return err
		}
		if before == iac && b == se {
			return nil
		}
		before = b
	}
	return errors.New("it negotiates without an end")
}

// Ask waits for the first prompt.
func (telnet) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, false, nil)
	if err != nil {
		return "", broken(err, began)
	}
	defer func() { _ = t.Close() }() // it was only asked
	said, err := t.hear(asksUser, asksSecret, waits)
	switch {
	case err != nil:
		return "", broken(err, began)
	case waits.MatchString(said):
		a := answer(Accepted, "a shell waits without a password: "+tail(said), began)
		a.Open = true
		return "none", a
	}
	return "prompt", answer(Unclear, "it asks: "+tail(said), began)
}

// tail is the last line of what was said.
func tail(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return plain(lines[len(lines)-1])
}

// Try logs in.
func (telnet) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, false, nil)
	if err != nil {
		return broken(err, began)
	}
	defer func() { _ = t.Close() }() // what was learnt is learnt
	said, err := t.named(user)
	if err != nil {
		return closed(said, err, began)
	}
	if waits.MatchString(said) && !asksSecret.MatchString(said) {
		return answer(Accepted, "a shell waits after the name alone: "+tail(said), began)
	}
	began = time.Now()
	if _, err := io.WriteString(t, secret+"\r\n"); err != nil {
		return broken(err, began)
	}
	said, err = t.hear(asksUser, asksSecret, waits)
	switch {
	case err != nil || says(said, lockedWords) || says(said, refusedWords):
		return closed(said, err, began)
	case !waits.MatchString(said):
		return answer(Refused, "it asks again: "+tail(said), began)
	}
	return answer(Accepted, "a shell waits: "+tail(said), began)
}

// named gives the user's name where it is asked for, up to the next prompt.
func (t *talk) named(user string) (said string, err error) {
	said, err = t.hear(asksUser, asksSecret)
	if err != nil || !asksUser.MatchString(said) {
		return said, err
	}
	if _, err := io.WriteString(t, user+"\r\n"); err != nil {
		return said, err
	}
	return t.hear(asksSecret, waits)
}

// closed is a conversation that the service ended, or ends, with its last words.
func closed(said string, err error, began time.Time) Answer {
	switch {
	case says(said, lockedWords):
		return answer(Locked, "it says: "+tail(said), began)
	case says(said, refusedWords):
		return answer(Refused, "it says: "+tail(said), began)
	}
	return broken(err, began)
}
