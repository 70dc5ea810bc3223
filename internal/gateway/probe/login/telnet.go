package login

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
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

// settle is how long nothing more may come after what looks like the prompt of a shell:
// a banner may end as one does.
const settle = 700 * time.Millisecond

// commandsMost bounds the commands of one conversation that are answered.
const commandsMost = 256

// What services ask, and how shells show that they wait.
var (
	asksAny    = regexp.MustCompile(`(?i)user|login|name|pass|account|code|pin\b|key|secret`)
	asksUser   = regexp.MustCompile(`(?i)(login|user ?name|user|account)\s*:\s*$`)
	asksSecret = regexp.MustCompile(`(?i)pass(word|code|wd)?\s*:\s*$`)
	waits      = regexp.MustCompile(`[#$>%]\s*$`)
)

// hear reads until a pattern matches the end of what was said, and declines options.
func (t *talk) hear(patterns ...*regexp.Regexp) (said string, err error) {
	var text strings.Builder
	for commands := 0; text.Len() < lineMost && commands < commandsMost; {
		b, err := t.in.ReadByte()
		if err != nil {
			return text.String(), err
		}
		switch b {
		case 0, '\r':
		case iac:
			commands++
			if err := t.decline(&text); err != nil {
				return text.String(), err
			}
			continue
		default:
			text.WriteByte(b)
		}
		if t.in.Buffered() > 0 {
			continue
		}
		if said := escapes.ReplaceAllString(text.String(), ""); t.ends(said, patterns) {
			return said, nil
		}
	}
	return text.String(), errors.New("it talks without asking anything")
}

// escapes are what colours a terminal (ECMA-48, section 5.4): prompts may end in them.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// ends says that a text is one that waits for an answer.
func (t *talk) ends(text string, patterns []*regexp.Regexp) bool {
	return anyMatch(patterns, text) && (!waits.MatchString(text) || t.isQuiet())
}

// isQuiet says that nothing more comes.
func (t *talk) isQuiet() bool {
	if t.SetReadDeadline(time.Now().Add(settle)) != nil {
		return false
	}
	_, err := t.in.Peek(1)
	if t.SetReadDeadline(t.end) != nil {
		return false
	}
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// isShell says that a shell waits: its prompt asks for nothing, and comes again after
// an empty line.
func (t *talk) isShell(said string) bool {
	prompt := tail(said)
	if !waits.MatchString(said) || asksAny.MatchString(lastWord(prompt)) {
		return false
	}
	if _, err := io.WriteString(t, "\r\n"); err != nil {
		return false
	}
	again, err := t.hear(asksUser, asksSecret, waits)
	return err == nil && tail(again) == prompt
}

// lastWord is what a prompt asks for, if anything: a shell's often begins with the name of
// the user and the machine.
func lastWord(prompt string) string {
	if strings.ContainsAny(prompt, "@~/") {
		return ""
	}
	return prompt
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
	case waits.MatchString(said) && !t.isShell(said):
		return "", answer(Unclear, "it says what may be a prompt: "+tail(said), began)
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
	return telnet{}.enter(ctx, dial, to, user, secret).without(secret)
}

func (telnet) enter(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
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
	if waits.MatchString(said) {
		return t.entered(said, "after the name alone", began)
	}
	t.isQuiet() // as above
	began = time.Now()
	if _, err := io.WriteString(t, secret+"\r\n"); err != nil {
		return broken(err, began)
	}
	said, err = t.hear(asksUser, asksSecret, waits)
	switch {
	case err != nil:
		return closed(said, err, began)
	case waits.MatchString(said):
		return t.entered(said, "after the password", began)
	case says(said, lockedWords):
		return answer(Locked, "it says: "+tail(said), began)
	}
	return answer(Refused, "it asks again: "+tail(said), began)
}

// entered judges what looks like a shell. What shells greet with may speak of earlier
// logins that failed.
func (t *talk) entered(said, when string, began time.Time) Answer {
	took := time.Since(began)
	a := Answer{Outcome: Unclear, Why: "it says what may be a prompt " + when + ": " + tail(said), Took: took}
	if t.isShell(said) {
		a.Outcome, a.Why = Accepted, "a shell waits "+when+": "+tail(said)
		_, _ = io.WriteString(t, "exit\r\n") // it ends with the connection anyway
	}
	return a
}

// named gives the user's name where it is asked for, up to the next prompt.
func (t *talk) named(user string) (said string, err error) {
	said, err = t.hear(asksUser, asksSecret)
	if err != nil || !asksUser.MatchString(said) {
		return said, err
	}
	t.isQuiet() // who asks may throw away what was typed before it was ready to listen
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
