package login

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
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

// said is a conversation in memory in which the other side said it all at once.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s said) Write(b []byte) (int, error) { return len(b), nil }

func FuzzServices(f *testing.F) {
	f.Add([]byte("\xff\xfd\x18login: "))
	f.Add([]byte("220-a\r\n220 b\r\n"))
	f.Add([]byte{connack, 2, 0, 0})
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
		_, _ = stream{}.credentials(header, netip.AddrPort{}, "u", "s")
		if len(heard) > lineMost+1 || len(reply) > lineMost || len(body) > lineMost {
			t.Errorf("%d, %d, %d bytes are kept", len(heard), len(reply), len(body))
		}
	})
}
