package login

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // RFC 7616 has it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/icholy/digest"
	"golang.org/x/crypto/ssh"
)

// ours are the right ones of every server here.
const (
	ourUser   = "admin"
	ourSecret = "letmein"
)

func dialer(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// serve answers each connection with a function, on loopback.
func serve(t *testing.T, answer func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				answer(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func website(t *testing.T, h http.HandlerFunc, secure bool) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func basic(w http.ResponseWriter, r *http.Request) {
	if u, s, _ := r.BasicAuth(); u == ourUser && s == ourSecret {
		_, _ = io.WriteString(w, "settings")
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// digested is a server of RFC 7616 with its own arithmetic.
func digested(w http.ResponseWriter, r *http.Request) {
	sum := func(text string) string { d := md5.Sum([]byte(text)); return hex.EncodeToString(d[:]) } //nolint:gosec // as above
	c, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err == nil && c.Username == ourUser {
		a1, a2 := sum(ourUser+":camera:"+ourSecret), sum(r.Method+":"+c.URI)
		if c.Response == sum(fmt.Sprintf("%s:%s:%08x:%s:%s:%s", a1, c.Nonce, c.Nc, c.Cnonce, c.QOP, a2)) {
			return
		}
	}
	w.Header().Set("WWW-Authenticate", `Digest realm="camera", nonce="abc", qop="auth", algorithm=MD5`)
	w.WriteHeader(http.StatusUnauthorized)
}

const loginPage = `<html><form action="/do" method="POST"><input type="hidden" name="csrf" value="7"><input name="u"><input type="password" name="p"></form></html>`

// formed is a site with a form, a hidden field and a cookie.
func formed(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("in"); err == nil && c.Value == "yes" {
		_, _ = io.WriteString(w, "<html>settings</html>")
		return
	}
	if r.URL.Path == "/do" && r.PostFormValue("u") == ourUser && r.PostFormValue("p") == ourSecret && r.PostFormValue("csrf") == "7" {
		http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"}) //nolint:gosec // as cheap devices do
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	_, _ = io.WriteString(w, loginPage)
}

// terminal is a telnet service that negotiates first.
func terminal(c net.Conn) {
	in := bufio.NewScanner(c)
	_, _ = c.Write([]byte{iac, do, 24, iac, will, 1, iac, sb, 24, 1, iac, se})
	_, _ = io.WriteString(c, "\r\ncamera login: ")
	for range 3 {
		if !in.Scan() {
			return
		}
		user := clean(in.Text())
		_, _ = io.WriteString(c, "Password: ")
		if !in.Scan() {
			return
		}
		if user == ourUser && clean(in.Text()) == ourSecret {
			_, _ = io.WriteString(c, "\r\nLast failed login: yesterday\r\nBusyBox\r\n# ")
			for in.Scan() {
				_, _ = io.WriteString(c, "\r\n# ")
			}
			return
		}
		_, _ = io.WriteString(c, "\r\nLogin incorrect\r\ncamera login: ")
	}
}

// clean takes the answers to the negotiation away.
func clean(line string) string {
	if at := strings.LastIndexByte(line, 1); strings.HasPrefix(line, "\xff") && at >= 0 {
		line = line[at+1:]
	}
	return strings.TrimSpace(line)
}

func files(c net.Conn) {
	in := bufio.NewScanner(c)
	_, _ = io.WriteString(c, "220-hello\r\n220 camera\r\n")
	user := ""
	for in.Scan() {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		switch {
		case verb == "USER":
			user = rest
			_, _ = io.WriteString(c, "331 password\r\n")
		case verb == "PASS" && user == ourUser && rest == ourSecret:
			_, _ = io.WriteString(c, "230 in\r\n")
		default:
			_, _ = io.WriteString(c, "530 no\r\n")
		}
	}
}

// broker is MQTT; open lets everybody in.
func broker(open bool) func(net.Conn) {
	return func(c net.Conn) {
		t := &talk{Conn: c, in: bufio.NewReader(c)}
		body, err := t.receive(connect)
		if err != nil {
			return
		}
		code := byte(notAuthorised)
		if right := append(text16(ourUser), text16(ourSecret)...); open || strings.HasSuffix(string(body), string(right)) {
			code = connected
		}
		_, _ = c.Write(packet(connack, []byte{0, code}))
		if _, err := t.receive(subscribe); err == nil {
			_, _ = c.Write(packet(suback, []byte{0, 1, 0}))
		}
	}
}

// film is an RTSP server with Basic authentication.
func film(c net.Conn) {
	in := bufio.NewScanner(c)
	right := "Basic YWRtaW46bGV0bWVpbg=="
	for in.Scan() {
		authorise := ""
		for in.Scan() && in.Text() != "" {
			if v, ok := strings.CutPrefix(in.Text(), "Authorization: "); ok {
				authorise = v
			}
		}
		if authorise == right {
			_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n")
		} else {
			_, _ = io.WriteString(c, "RTSP/1.0 401 no\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n")
		}
	}
}

// shellServer is SSH; interactive asks by questions instead of taking a password.
func shellServer(t *testing.T, interactive bool) func(net.Conn) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	check := func(user, secret string) error {
		if user == ourUser && secret == ourSecret {
			return nil
		}
		return no
	}
	cfg := &ssh.ServerConfig{}
	if interactive {
		cfg.KeyboardInteractiveCallback = func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			said, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(said) != 1 {
				return nil, no
			}
			return nil, check(m.User(), said[0])
		}
	} else {
		cfg.PasswordCallback = func(m ssh.ConnMetadata, secret []byte) (*ssh.Permissions, error) {
			return nil, check(m.User(), string(secret))
		}
	}
	cfg.AddHostKey(signer)
	return func(c net.Conn) {
		conn, _, requests, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		_ = conn.Wait()
	}
}

// TestTheRightPasswordAndWrongOnes: each protocol finds out how it is asked, lets the
// right password in and says so with a reason, and refuses wrong ones.
func TestTheRightPasswordAndWrongOnes(t *testing.T) {
	clients := Clients(nil)
	for _, c := range []struct {
		name, service, how string
		at                 netip.AddrPort
	}{
		{"basic", "http", "basic", website(t, basic, false)},
		{"basic inside TLS", "https", "basic", website(t, basic, true)},
		{"digest", "http", "digest", website(t, digested, false)},
		{"form", "http", "form", website(t, formed, false)},
		{"telnet", "telnet", "prompt", serve(t, terminal)},
		{"ftp", "ftp", "protocol", serve(t, files)},
		{"mqtt", "mqtt", "protocol", serve(t, broker(false))},
		{"rtsp", "rtsp", "basic", serve(t, film)},
		{"ssh", "ssh", "protocol", serve(t, shellServer(t, false))},
		{"ssh by questions", "ssh", "protocol", serve(t, shellServer(t, true))},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := clients[c.service]
			how, a := client.Ask(t.Context(), dialer, c.at)
			if how != c.how || a.Open || a.Why == "" {
				t.Errorf("it asks by %q: %+v", how, a)
			}
			tried(t, client, c.at)
		})
	}
}

// tried makes the attempts; what showed the outcome never tells the password.
func tried(t *testing.T, client Client, at netip.AddrPort) {
	t.Helper()
	for _, try := range []struct {
		user, secret string
		want         Outcome
	}{{ourUser, "adm1n", Refused}, {"nobody", ourSecret, Refused}, {ourUser, ourSecret, Accepted}, {ourUser, "", Refused}} {
		a := client.Try(t.Context(), dialer, at, try.user, try.secret)
		if a.Outcome != try.want || a.Why == "" || try.secret != "" && strings.Contains(a.Why, try.secret) {
			t.Errorf("%s/%s: %+v", try.user, try.secret, a)
		}
	}
}

// TestOpenDoors: who lets everybody in is told as open, not as a password that works.
func TestOpenDoors(t *testing.T) {
	shell := func(c net.Conn) {
		for in := bufio.NewScanner(c); ; {
			if _, err := io.WriteString(c, "BusyBox\r\n# "); err != nil || !in.Scan() {
				return
			}
		}
	}
	media := func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nContent-Length: 19\r\n\r\nv=0\r\nm=video 0 RTP\r\n")
	}
	for service, at := range map[string]netip.AddrPort{"telnet": serve(t, shell), "mqtt": serve(t, broker(true)), "rtsp": serve(t, media)} {
		if how, a := Clients(nil)[service].Ask(t.Context(), dialer, at); how != "none" || !a.Open {
			t.Errorf("%s: %q %+v", service, how, a)
		}
	}
}
