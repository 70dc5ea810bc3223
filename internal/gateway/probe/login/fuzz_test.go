package login

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func FuzzForm(f *testing.F) {
	f.Add(loginPage)
	f.Add("<form><form><input type=password name=\x00>")
	f.Fuzz(func(t *testing.T, body string) {
		if got, found := findForm(page{body: body}); found && got.secret == "" {
			t.Error("a form without a field for the password")
		}
	})
}

// FuzzPage: what is read off a page is in the page.
func FuzzPage(f *testing.F) {
	f.Add(`<meta http-equiv=refresh content="0;url='/in'"><script>x</script><p>Too many<a href="/log_out">x</a>`)
	f.Add("<title>a<table><b><select onclick=\xff>")
	f.Fuzz(func(t *testing.T, body string) {
		p := page{code: http.StatusOK, body: body}
		if p.nowSays(p, lockedWords) || p.nowSays(p, refusedWords) {
			t.Error("a page says more than itself")
		}
		if p.scripts() == 0 && p.isShell() {
			t.Error("a page without a program is made by one")
		}
		if len(p.leadsTo())+len(p.exit()) > 6*len(body) { // what is no UTF-8 grows
			t.Error("a page leads further than it says")
		}
	})
}

// said is a conversation in memory in which the other side said it all at once.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s said) Write(b []byte) (int, error) { return len(b), nil }

func (s said) SetReadDeadline(time.Time) error { return nil }

func FuzzServices(f *testing.F) {
	f.Add([]byte("\xff\xfd\x18login: "))
	f.Add([]byte("220-a\r\n220 b\r\n"))
	f.Add([]byte{connack, 2, 0, 0})
	f.Add([]byte{publish, 3, 0, 1, 'a', suback, 3, 0, 1, 0})
	f.Add([]byte("cam$ \r\ncam$ "))
	f.Add([]byte("RTSP/1.0 401 x\r\nWWW-Authenticate: Digest realm=\"\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		fresh := func() *talk {
			c := said{Reader: strings.NewReader(string(text))}
			return &talk{Conn: c, in: bufio.NewReaderSize(c, lineMost)}
		}
		heard, _ := fresh().hear(asksUser, asksSecret, waits)
		_, reply, _ := fresh().reply()
		body, _ := fresh().receive(connack)
		_, header, _ := fresh().describe("rtsp://x/", "", 1)
		_ = fresh().describesMedia(http.Header{"Content-Length": {"9999999999"}})
		subscribed, _ := fresh().receive(suback)
		_ = managed(text, time.Now())
		_, _ = stream{}.credentials(header, netip.AddrPort{}, "u", "s")
		if len(heard) > lineMost+1 || len(reply) > lineMost || len(body) > lineMost || len(subscribed) > lineMost {
			t.Errorf("%d, %d, %d bytes are kept", len(heard), len(reply), len(body))
		}
	})
}
