package clear

import (
	"strings"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

func textConversations() []conversation {
	return []conversation{
		{"ftp-login", 21, []string{"hunter2x", "wrongone"}, []turn{
			sv("220 (vsFTPd 3.0.3)\r\n"), cl("USER admin\r\n"), sv("331 Please specify the password.\r\n"),
			cl("PASS wrongone\r\n"), sv("530 Login incorrect.\r\n"),
			cl("USER admin\r\n"), sv("331 Please specify the password.\r\n"), cl("PASS hunter2x\r\n"), sv("230 Login successful.\r\n"),
			cl("STOR report.txt\r\n"), sv("150 Ok to send data.\r\n226 Transfer complete.\r\n"),
		}},
		{"ftp-neutral-greeting", 2121, []string{"hunter2x"}, []turn{
			sv("220-Welcome\r\n220 ready\r\n"), cl("USER bob\r\n"), sv("331 go on\r\n"), cl("PASS hunter2x\r\n"), sv("230-Hello\r\n230 in\r\n"),
		}},
		{"ftp-tls", 21, nil, []turn{
			sv("220 FTP server ready\r\n"), cl("AUTH TLS\r\n"), sv("234 Proceed with negotiation.\r\n"),
			cl("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"), sv("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03"),
		}},
		{"telnet-line", 23, []string{"xc3511"}, []turn{
			sv("\xff\xfd\x18\xff\xfb\x01\xff\xfa\x18\x01\xff\xf0\r\nBusyBox v1.19\r\n(none) login: "), cl("\xff\xfb\x18\xff\xfd\x01root\r\x00"), sv("root\r\nPassword: "),
			cl("xc3511\r\x00"), sv("\r\n\r\nBusyBox built-in shell\r\n# "), cl("ps\r\n"), sv("ps\r\n 1 init\r\n# "),
		}},
		{"telnet-characters", 2323, []string{"vizxv!!"}, []turn{
			sv("login: "), cl("a"), sv("a"), cl("x"), sv("x"), cl("\x7f"), sv("\b \b"), cl("dmin"), sv("dmin"), cl("\r\n"), sv("\r\nPassword: "),
			cl("v"), cl("izxv!!"), cl("\r\n"), sv("\r\nLogin incorrect\r\n\r\nlogin: "),
		}},
		{"telnet-other-port", 9527, []string{"pass1234"}, []turn{
			sv("Username:"), cl("admin\r\n"), sv("Password:"), cl("pass1234\r\n"), sv("\r\nUsername:"), cl("q\r\n"),
		}},
		{"rtsp-basic", 554, []string{"hunter2x"}, []turn{
			cl("OPTIONS rtsp://10.0.0.9/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"), sv("RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Hipcam RealServer/V1.0\r\n\r\n"),
			cl("DESCRIBE rtsp://10.0.0.9/live RTSP/1.0\r\nCSeq: 2\r\n\r\n"), sv("RTSP/1.0 401 Denied\r\nCSeq: 2\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n\r\n"),
			cl("DESCRIBE rtsp://10.0.0.9/live RTSP/1.0\r\nCSeq: 3\r\nAuthorization: Basic YWRtaW46aHVudGVyMng=\r\n\r\n"),
			sv("RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Type: application/sdp\r\nContent-Length: 31\r\n\r\nv=0\r\nm=video 0 RTP/AVP 96\r\n\r\n12"),
			cl("SETUP rtsp://10.0.0.9/live/t1 RTSP/1.0\r\nCSeq: 4\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"), sv("RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n"),
			sv("$\x01\x00\x08\x80\xc8\x00\x01abcd$\x00\x00\x14\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x67\x42\x00\x1f1234"),
			sv("$\x00\x00\x14\x80\x60\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x67\x42\x00\x1f1234RTSP/1.0 200 OK\r\nCSeq: 5\r\n\r\n"),
		}},
		{"rtsp-url-login", 554, []string{"hunter2x"}, []turn{
			cl("DESCRIBE rtsp://admin:hunter2x@10.0.0.9/h264?pwd=hunter2x RTSP/1.0\r\nCSeq: 2\r\n\r\n"), sv("RTSP/1.0 401 Denied\r\nCSeq: 2\r\n\r\n"),
		}},
		{"rtsp-digest-srtp", 8554, nil, []turn{
			cl("SETUP rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/SAVP/TCP;interleaved=0-1\r\nAuthorization: Digest username=\"u\", realm=\"r\", response=\"x\"\r\n\r\n"), sv("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"),
			sv("$\x00\x00\x14\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x67\x42\x00\x1f1234"),
		}},
		{"sip-register", 5060, nil, []turn{
			cl("\r\n\r\nREGISTER sip:ss2.biloxi.example.com SIP/2.0\r\nCall-ID: 1j9FpLxk3uxtm8tn@biloxi.example.com\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"),
			sv("SIP/2.0 401 Denied\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"),
			cl("REGISTER sip:ss2.biloxi.example.com SIP/2.0\r\nCSeq: 2 REGISTER\r\nAuthorization: Digest username=\"bob\", realm=\"atlanta.example.com\", nonce=\"ea9c8e88df84f1cec4341ae6cbe5a359\", uri=\"sips:ss2.biloxi.example.com\", response=\"dfe56131d1958046689d83306477ecc\"\r\nContent-Length: 0\r\n\r\n"),
			sv("SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\nContent-Length: 0\r\n\r\n"),
		}},
		{"xmpp-plain", 5222, []string{"r0m30myr0m30"}, []turn{
			cl("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='im.example.com' version='1.0'>"),
			sv("<?xml version='1.0'?><stream:stream from='im.example.com'><stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"),
			cl("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldAByMG0zMG15cjBtMzA=</auth>"), sv("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
		}},
		{"unknown-text", 9999, nil, []turn{
			cl("HELLO planted-name\n"), sv("{\"lat\": 52.370216, \"lon\": 4.895168}"), cl("bye, write to jan.jansen@voorbeeld.nl"),
		}},
		{"unknown-binary", 9998, nil, []turn{
			cl("\x01\x02\x70\xee\x50\x1a\x2b\x3c\x04\x05"), sv("\x00\x00\x00\x01\x67\x42\x00\x1f\xe9\x00\x00\x00\x01\x68\xce\x3c\x80"),
		}},
	}
}

func TestTelnetNeedsMoreThanText(t *testing.T) {
	for _, c := range []struct {
		port  uint16
		from  event.Side
		first string
		want  wire.Match
	}{
		{4000, event.FromServer, "Welcome\r\n", wire.No},
		{4000, event.FromServer, "device login: ", wire.Yes},
		{4000, event.FromClient, "device login: ", wire.No},
		{23, event.FromServer, "Welcome\r\n", wire.Yes},
		{23, event.FromServer, "\x16\x03\x01\x02", wire.No},
		{4000, event.FromServer, "\xff\xfd\x01", wire.Yes},
		{4000, event.FromServer, "\xff\xfd\xd9", wire.No},
		{4000, event.FromServer, "\xff\xd8\xff\xe0", wire.No},
		{4000, event.FromServer, "\xff", wire.Maybe},
	} {
		if got := recogniseTelnet(wire.Conn{ServerPort: c.port}, c.from, []byte(c.first)); got != c.want {
			t.Errorf("port %d %s %q: %v, want %v", c.port, c.from, c.first, got, c.want)
		}
	}
}

func TestLongLinesAreBounded(t *testing.T) {
	k := newCore(t, 21)
	k.feed(event.FromServer, []byte("220 FTP\r\n"))
	for range 100 {
		k.feed(event.FromClient, []byte(strings.Repeat("A", 4000)))
		if n := len(k.bufs[event.FromClient]); n > lineLimit {
			t.Fatalf("%d bytes held", n)
		}
	}
	k.feed(event.FromClient, []byte("\r\nUSER a\r\nPASS bcd\r\n"))
	if last := show(k.events[len(k.events)-1]); last != `login ftp plain user="a" secret=<bcd> where=""` {
		t.Errorf("after a long line: %s", last)
	}
}
