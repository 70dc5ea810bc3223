package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// service is what an open port turned out to speak.
type service struct {
	at     netip.AddrPort
	name   string // "" when it cannot be told
	banner string
	tls    bool
	udp    bool
	end    netip.AddrPort // of the box, in the conversation that told
}

// greeting is how long a service is given to speak first.
const greeting = 2 * time.Second

// readLimit bounds what is read of an answer.
const readLimit = 64 << 10

// identify finds out what speaks at an open port: it listens, then asks what a web
// browser, a camera viewer and a message client would, in the clear and inside TLS.
func (p *Prober) identify(ctx context.Context, at netip.AddrPort) service {
	s := service{at: at}
	for _, ask := range []func(context.Context, *service) bool{p.listens, p.speaksTLS, p.speaksHTTP, p.speaksRTSP, p.speaksMQTT} {
		if ctx.Err() != nil || ask(ctx, &s) {
			break
		}
	}
	p.tellService(s)
	return s
}

func (p *Prober) tellService(s service) {
	n := event.ProbeNote{Kind: event.ProbeService, Server: s.at, Client: s.end, Service: s.name, Outcome: event.ProbeAnswered, Detail: map[string]string{"tls": "no"}}
	if s.tls {
		n.Detail["tls"] = "yes"
	}
	if s.banner != "" {
		n.Detail["banner"] = s.banner
	}
	if s.name == "" && s.banner == "" {
		n.Outcome = event.ProbeSilent
	}
	p.note(n)
}

// exchange sends a question, if any, and reads what comes within the time.
func (p *Prober) exchange(ctx context.Context, s *service, question string, within time.Duration) []byte {
	c, err := p.open(ctx, s)
	if err != nil {
		return nil
	}
	defer func() { _ = c.Close() }() // it was only read
	if question != "" {
		if _, err := io.WriteString(c, question); err != nil {
			return nil
		}
	}
	return readFor(c, within)
}

// open connects to the service, inside TLS where it speaks that.
func (p *Prober) open(ctx context.Context, s *service) (net.Conn, error) {
	c, err := p.dial(ctx, "tcp", s.at.String())
	if err != nil {
		return nil, err
	}
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		s.end = a.AddrPort()
	}
	if !s.tls {
		return c, nil
	}
	t := tls.Client(c, p.anyTLS(tls.VersionTLS10))
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return t, nil
}

// anyTLS takes whatever the device has: its certificate is what is examined, not relied on.
func (p *Prober) anyTLS(least uint16) *tls.Config {
	cfg := &tls.Config{InsecureSkipVerify: true, MinVersion: least} //nolint:gosec // the device under test is not trusted with anything
	if p.cfg.Secrets != nil {
		cfg.KeyLogWriter = lines(p.cfg.Secrets)
	}
	return cfg
}

type lines func(string)

func (l lines) Write(b []byte) (int, error) {
	l(string(b))
	return len(b), nil
}

// readFor reads until nothing has come for a moment, the time is over, or enough is there.
func readFor(c net.Conn, within time.Duration) (out []byte) {
	buffer := make([]byte, 4096)
	end := time.Now().Add(within)
	for len(out) < readLimit {
		if c.SetReadDeadline(end) != nil {
			return out
		}
		n, err := c.Read(buffer)
		out = append(out, buffer[:n]...)
		if err != nil {
			return out
		}
		if moment := time.Now().Add(300 * time.Millisecond); moment.Before(end) {
			end = moment
		}
	}
	return out
}

// listens hears what a service says unasked.
func (p *Prober) listens(ctx context.Context, s *service) bool {
	said := p.exchange(ctx, s, "", greeting)
	if len(said) == 0 {
		return false
	}
	s.banner, s.name = printable(said), greeted(said, s.at.Port())
	return true
}

// greeted names the service that greets so.
func greeted(said []byte, port uint16) string {
	text := strings.ToLower(string(said))
	for _, g := range []struct{ begin, service string }{
		{"ssh-", "ssh"}, {"\xff", "telnet"}, {"rfb 00", "vnc"}, {"cnxn", "adb"}, {"auth\x00", "adb"}, // 0xff is IAC, RFC 854
	} {
		if strings.HasPrefix(text, g.begin) || strings.HasPrefix(string(said), g.begin) {
			return g.service
		}
	}
	switch {
	case strings.HasPrefix(text, "220"):
		return transfer(text)
	case strings.Contains(text, "login:") || strings.Contains(text, "username:") || port == 23 || port == 2323:
		return "telnet"
	}
	return ""
}

// transfer tells the two protocols apart that greet with 220 (RFC 959, RFC 5321).
func transfer(text string) string {
	if strings.Contains(text, "smtp") {
		return "smtp"
	}
	return "ftp"
}

func (p *Prober) speaksTLS(ctx context.Context, s *service) bool {
	try := service{at: s.at, tls: true}
	c, err := p.open(ctx, &try)
	s.end = try.end
	if err != nil {
		return false
	}
	_ = c.Close() // it was only opened
	s.tls = true
	return false // what is inside is asked next
}

func (p *Prober) speaksHTTP(ctx context.Context, s *service) bool {
	answer := p.exchange(ctx, s, request(s.at, "/"), 5*time.Second)
	if !bytes.HasPrefix(answer, []byte("HTTP/")) {
		return false
	}
	s.name, s.banner = named("http", s.tls), ""
	if r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil); err == nil {
		s.banner = printable([]byte(r.Header.Get("Server")))
		_ = r.Body.Close() // it is in memory
	}
	return true
}

func (p *Prober) speaksRTSP(ctx context.Context, s *service) bool {
	answer := p.exchange(ctx, s, "OPTIONS rtsp://"+s.at.String()+"/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 3*time.Second)
	if !bytes.HasPrefix(answer, []byte("RTSP/")) {
		return false
	}
	s.name, s.banner = named("rtsp", s.tls), ""
	return true
}

// speaksMQTT sends a CONNECT of MQTT 3.1.1 (section 3.1) with an empty client identifier.
func (p *Prober) speaksMQTT(ctx context.Context, s *service) bool {
	answer := p.exchange(ctx, s, "\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00", 3*time.Second)
	if len(answer) < 4 || answer[0] != 0x20 || answer[1] < 2 || answer[1] > 40 {
		if s.tls && s.name == "" {
			s.name = "tls"
		}
		return s.tls
	}
	s.name = "mqtt"
	if s.tls {
		s.name = "mqtts"
	}
	return true
}

func named(name string, tls bool) string {
	if tls {
		return name + "s"
	}
	return name
}

// request is a harmless one: nothing is changed by it.
func request(at netip.AddrPort, path string) string {
	host := at.Addr().WithZone("").String()
	if at.Addr().Is6() {
		host = "[" + host + "]"
	}
	return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: assay\r\nAccept: */*\r\nConnection: close\r\n\r\n"
}

// printable keeps the first printable bytes of what a device said.
func printable(said []byte) string {
	const most = 120
	var b strings.Builder
	for _, c := range said {
		if b.Len() == most {
			break
		}
		if c >= 0x20 && c < 0x7f {
			b.WriteByte(c)
		} else if c == '\n' || c == '\r' {
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}
