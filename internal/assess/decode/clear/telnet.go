package clear

import (
	"bytes"
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// Commands of Telnet (RFC 854).
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWILL = 251
	telnetDONT = 254
	telnetIAC  = 255
)

// promptLimit is how much of the server's present line and of the client's is
// kept.
const promptLimit = 256

// telnet reads what is typed at the prompts of a Telnet server, line by line or
// character by character.
type telnet struct {
	talk
	named   bool
	strip   [2]telnetStrip
	text    [2][]byte // of the present line, for the scanner; at most promptLimit
	prompt  []byte    // the server's present line
	hello   []byte    // what the server said before the client typed
	greeted bool
	typed   []byte
	typing  bool // the client's present line has begun
	after   byte // the client's byte before
	wants   promptKind
	user    string
	pending login
}

// telnetStrip takes commands and options out of a byte stream.
type telnetStrip struct{ state telnetState }

type telnetState uint8

const (
	telnetText telnetState = iota
	telnetCommand
	telnetOption
	telnetSub
	telnetSubIAC
)

// text reports whether b is text and not part of a command (RFC 854, RFC 855).
func (s *telnetStrip) text(b byte) bool {
	switch s.state {
	case telnetText:
		if b != telnetIAC {
			return true
		}
		s.state = telnetCommand
	case telnetCommand:
		s.state = afterCommand(b)
	case telnetOption:
		s.state = telnetText
	case telnetSub:
		if b == telnetIAC {
			s.state = telnetSubIAC
		}
	case telnetSubIAC:
		s.state = telnetSub
		if b == telnetSE {
			s.state = telnetText
		}
	}
	return false
}

func afterCommand(b byte) telnetState {
	switch {
	case b == telnetSB:
		return telnetSub
	case b >= telnetWILL && b <= telnetDONT:
		return telnetOption
	}
	return telnetText
}

func newTelnet(p *scan.Patterns) wire.Stream {
	return &telnet{talk: newTalk(p, scan.Budget)}
}

// Data implements wire.Stream.
func (s *telnet) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if !s.named {
		s.named = true
		c.Name("telnet")
	}
	for i, b := range data {
		if !s.strip[from].text(b) {
			continue
		}
		if from == event.FromServer {
			s.shown(c, i, b)
		} else {
			s.key(c, i, b)
		}
		s.collect(c, from, i, b)
	}
	return wire.Step{Consumed: len(data)}
}

// collect looks through the text line by line: in it commands may stand between
// any two bytes.
func (s *telnet) collect(c wire.Context, from event.Side, off int, b byte) {
	s.text[from] = append(s.text[from], b)
	if b == '\n' || b == '\r' || len(s.text[from]) == promptLimit {
		s.lookAtText(c, from, off)
	}
}

func (s *telnet) lookAtText(c wire.Context, from event.Side, off int) {
	s.lookInside(c, from, off, s.text[from], scan.Full)
	s.text[from] = s.text[from][:0]
}

// shown takes one byte that the server shows.
func (s *telnet) shown(c wire.Context, off int, b byte) {
	if !s.greeted && len(s.hello) < bannerLimit {
		s.hello = append(s.hello, b)
	}
	switch {
	case b == '\n' || b == '\r':
		if isRefusal(s.prompt) {
			s.pending.answer(c, off, event.OutcomeRefused)
		}
		s.prompt = s.prompt[:0]
	case len(s.prompt) < promptLimit:
		s.prompt = append(s.prompt, b)
	}
}

// key takes one byte that the client typed.
func (s *telnet) key(c wire.Context, off int, b byte) {
	s.banner(c, off)
	before := s.after
	s.after = b
	if before == '\r' && (b == '\n' || b == 0) {
		return
	}
	if !s.typing {
		s.typing = true
		s.wants = promptOf(s.prompt)
		s.judge(c, off, s.wants)
	}
	switch {
	case b == '\r' || b == '\n':
		s.entered(c, off)
	case b == 0x7f || b == 0x08:
		s.typed = s.typed[:max(0, len(s.typed)-1)]
	case len(s.typed) < promptLimit:
		s.typed = append(s.typed, b)
	}
}

// entered ends the client's line.
func (s *telnet) entered(c wire.Context, off int) {
	if s.wants == promptUser {
		s.user = auth.Name(string(s.typed))
	}
	if s.wants == promptSecret {
		s.pending = s.login(c, off, "telnet", "", auth.Credential{User: s.user, Secret: auth.Secret(string(s.typed))})
		s.user = ""
	}
	clear(s.typed)
	s.typed, s.typing, s.prompt = s.typed[:0], false, s.prompt[:0]
}

// judge tells from the prompt after a login what came of it.
func (s *telnet) judge(c wire.Context, off int, now promptKind) {
	switch now {
	case promptUser, promptSecret:
		s.pending.answer(c, off, event.OutcomeRefused)
	case promptShell:
		s.pending.answer(c, off, event.OutcomeAccepted)
	default:
	}
}

// banner reports what the server said first, once the client types.
func (s *telnet) banner(c wire.Context, off int) {
	if s.greeted {
		return
	}
	s.greeted = true
	text := strings.Join(strings.Fields(string(s.hello)), " ")
	if text != "" && !c.Conn().Midway {
		c.Emit(off, event.ServiceBanner{Service: "telnet", Text: auth.Cut(text, bannerLimit)})
	}
	s.hello = nil
}

// Gap implements wire.Stream.
func (s *telnet) Gap(_ wire.Context, from event.Side, _ int) {
	s.scanner.Gap(from)
	s.strip[from] = telnetStrip{}
	s.prompt, s.typed, s.typing = s.prompt[:0], s.typed[:0], from == event.FromClient
	s.wants, s.pending = promptNone, login{}
}

// Close implements wire.Stream.
func (s *telnet) Close(c wire.Context, from event.Side) {
	s.lookAtText(c, from, 0)
	s.endMessage(c, from, 0)
	if from == event.FromServer {
		s.banner(c, 0)
		s.judge(c, 0, promptOf(s.prompt))
	}
}

// promptKind is what a server's unfinished line asks for.
type promptKind uint8

const (
	promptNone promptKind = iota
	promptUser
	promptSecret
	promptShell
)

func promptOf(line []byte) promptKind {
	text := strings.ToLower(strings.TrimSpace(string(line)))
	switch {
	case text == "":
		return promptNone
	case hasSuffix(text, "password:", "passwd:", "password :", "passcode:", "pass:", "password>"):
		return promptSecret
	case hasSuffix(text, "login:", "login :", "username:", "user name:", "user:", "account:", "username :", "userid:", "login>"):
		return promptUser
	case hasSuffix(text, "#", "$", ">") && len(text) < 80:
		return promptShell
	}
	return promptNone
}

func hasSuffix(s string, ends ...string) bool {
	for _, end := range ends {
		if strings.HasSuffix(s, end) {
			return true
		}
	}
	return false
}

func isRefusal(line []byte) bool {
	low := bytes.ToLower(line)
	for _, word := range []string{"incorrect", "login failed", "authentication failed", "invalid", "access denied", "bad password", "wrong password"} {
		if bytes.Contains(low, []byte(word)) {
			return true
		}
	}
	return false
}

// recogniseTelnet wants a negotiation, or a login prompt, or text on a port of
// Telnet: the protocol has no other beginning.
func recogniseTelnet(c wire.Conn, from event.Side, first []byte) wire.Match {
	if first[0] == telnetIAC {
		return recogniseIAC(first)
	}
	switch {
	case bytes.IndexFunc(first[:min(len(first), 512)], isNoTerminalText) >= 0:
		return wire.No
	case c.ServerPort == 23 || c.ServerPort == 2323:
		return wire.Yes
	case from == event.FromClient:
		return wire.No
	}
	last := first[bytes.LastIndexByte(first, '\n')+1:]
	kind := promptOf(last[:min(len(last), promptLimit)])
	switch {
	case kind == promptUser || kind == promptSecret:
		return wire.Yes
	case len(first) < 64 && len(last) > 0:
		return wire.Maybe // a prompt may be coming
	}
	return wire.No
}

// isNoTerminalText is true for what a terminal is not sent: controls other than
// ends of lines and escapes. A command may begin within the text.
func isNoTerminalText(r rune) bool {
	return r < ' ' && strings.IndexByte("\r\n\t\x1b\x00\a\b", byte(r)) < 0 || r == 0x7f
}

func recogniseIAC(first []byte) wire.Match {
	switch {
	case len(first) == 1:
		return wire.Maybe
	case first[1] < telnetSB || first[1] > telnetDONT:
		return wire.No
	case len(first) == 2:
		return wire.Maybe
	case first[2] > 49: // the options assigned by IANA, without the experimental ones
		return wire.No
	}
	return wire.Yes
}
