package login

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// The bounds of one conversation.
const (
	patience  = 15 * time.Second
	pageMost  = 256 << 10 // bytes of a page
	lineMost  = 4096      // bytes of a line, a prompt or a packet
	linesMost = 64
)

// Secrets takes lines of a TLS key log, so that the evidence can be read. May be nil.
type Secrets func(line string)

// Write is one line of the log.
func (s Secrets) Write(b []byte) (int, error) {
	if s != nil {
		s(string(b))
	}
	return len(b), nil
}

// Clients are the protocols that know passwords, by the name of the service.
func Clients(s Secrets) map[string]Client {
	return map[string]Client{
		"http": web{}, "https": web{secure: true, secrets: s},
		"ssh": secureShell{}, "telnet": telnet{}, "ftp": fileTransfer{},
		"mqtt": messages{}, "mqtts": messages{secure: true, secrets: s},
		"rtsp": stream{}, "rtsps": stream{secure: true, secrets: s},
		"snmp": management{},
	}
}

// talk is one conversation with a deadline.
type talk struct {
	net.Conn
	in   *bufio.Reader
	end  time.Time // of its patience
	free func() bool
}

// Close ends it.
func (t *talk) Close() error {
	t.free()
	return t.Conn.Close()
}

// open connects, inside TLS where the service speaks that. The device's certificate is
// not relied on: it is what is under test.
func open(ctx context.Context, dial Dial, network string, to netip.AddrPort, secure bool, s Secrets) (*talk, error) {
	c, err := dial(ctx, network, to.String())
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(patience)
	if limit, ok := ctx.Deadline(); ok && limit.Before(end) {
		end = limit
	}
	if err := c.SetDeadline(end); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if secure {
		t := tls.Client(c, anyTLS(s))
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c = t
	}
	stopped := func() { _ = c.SetDeadline(time.Unix(1, 0)) } // a closed connection has none
	return &talk{Conn: c, in: bufio.NewReaderSize(c, lineMost), end: end, free: context.AfterFunc(ctx, stopped)}, nil
}

func anyTLS(s Secrets) *tls.Config {
	cfg := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, KeyLogWriter: s} //nolint:gosec // the device under test is not trusted with anything
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		cfg.CipherSuites = append(cfg.CipherSuites, suite.ID) // old devices have no other
	}
	return cfg
}

// line reads a line of at most lineMost bytes, without its end.
func (t *talk) line() (string, error) {
	text, err := t.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return string(text), errors.New("it sent a line without an end")
	}
	return strings.TrimRight(string(text), "\r\n"), err
}

// broken says how a conversation failed.
func broken(err error, began time.Time) Answer {
	a := Answer{Outcome: Failed, Why: "the conversation broke: " + plain(err.Error()), Took: time.Since(began)}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		a.Outcome, a.Why = Silent, "it did not answer in time"
	}
	return a
}

// answer is an outcome with what showed it.
func answer(o Outcome, why string, began time.Time) Answer {
	return Answer{Outcome: o, Why: plain(why), Took: time.Since(began)}
}

// plain keeps what can be shown of what a device said.
func plain(text string) string {
	const most = 160
	out := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, text)
	out = strings.Join(strings.Fields(out), " ")
	return out[:min(len(out), most)]
}

// without keeps the password out of what the device said, which follows a colon.
func (a Answer) without(secret string) Answer {
	const short = 2 // characters that words have anyway
	if ours, theirs, quoted := strings.Cut(a.Why, ": "); quoted && len(secret) > short {
		a.Why = ours + ": " + strings.ReplaceAll(theirs, secret, "…")
	}
	return a
}

// lockedWords are how services say that they take no more attempts.
var lockedWords = []string{"locked", "too many", "try again later", "temporarily", "blocked"}

// refusedWords are how they say no.
var refusedWords = []string{"incorrect", "denied", "invalid", "failed", "failure", "bad password", "wrong", "not allowed"}

func says(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
