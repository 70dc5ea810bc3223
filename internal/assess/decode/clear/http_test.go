package clear

import (
	"fmt"
	"strings"
	"testing"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

func httpConversations() []conversation { return append(httpLogins(), httpFramings()...) }

// httpLogins are conversations with pages, logins and forms.
func httpLogins() []conversation {
	get := "GET / HTTP/1.1\r\nHost: cam.local\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
	page := "<!DOCTYPE html><html><body><form><input name=user><input type=\"password\" name=pw></form></body></html>"
	return []conversation{
		{"http-page", 80, nil, []turn{cl(get), sv(response("200 OK", "Server: lighttpd/1.4.59\r\nContent-Type: text/html\r\n", page))}},
		{"http-gzip-page", 80, nil, []turn{cl(get), sv(response("200 OK", "Content-Encoding: gzip\r\nContent-Type: text/html\r\n", packed(page)))}},
		{"http-basic", 8080, []string{"s3cret!pass", "YWRtaW46czNjcmV0IXBhc3M="}, []turn{
			cl("GET /cfg HTTP/1.1\r\nHost: cam\r\n\r\n"), sv("HTTP/1.1 401 Denied\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\", Basic realm=\"The camera\"\r\nContent-Length: 0\r\n\r\n"),
			cl("GET /cfg HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic YWRtaW46czNjcmV0IXBhc3M=\r\n\r\n"), sv("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"),
			cl("GET /cfg HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic YWRtaW46czNjcmV0IXBhc3M=\r\n\r\n"), sv(response("200 OK", "Content-Type: application/json\r\n", `{"ok":true}`)),
		}},
		{"http-digest", 80, nil, []turn{
			cl("GET /dir HTTP/1.1\r\nHost: www.nowhere.org\r\nAuthorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"\r\n\r\n"),
			sv("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		}},
		{"http-bearer", 80, []string{"mF_9.B5f-4.1JqM0aX7kQ2"}, []turn{
			cl("GET /res HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer mF_9.B5f-4.1JqM0aX7kQ2\r\n\r\n"), sv("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		}},
		{"http-raw-token", 80, []string{"9f86d081884c7d659a2feaa0c55ad015"}, []turn{
			cl("GET /res HTTP/1.1\r\nHost: api\r\nAuthorization: 9f86d081884c7d659a2feaa0c55ad015\r\n\r\n"), sv("HTTP/1.1 204 No Content\r\n\r\n"),
		}},
		{"http-query", 80, []string{"pw%3D1", "hunter2x", "tok9876543210"}, []turn{
			cl("GET /login.cgi?loginuse=admin&loginpas=hunter2x&page=3#x HTTP/1.1\r\nHost: cam\r\n\r\n"), sv("HTTP/1.0 302 Found\r\nLocation: http://admin:hunter2x@cam/main?token=tok9876543210&a=1\r\nSet-Cookie: SESSIONID=abcdef0123456789; Path=/\r\nContent-Length: 0\r\n\r\n"),
		}},
		{"http-userinfo", 3128, []string{"hunter2x"}, []turn{
			cl("GET http://joe:hunter2x@example.org/x?y=1 HTTP/1.1\r\n\r\n"), sv("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		}},
		{"http-form", 80, []string{"hunter2&x", "hunter2%26x"}, []turn{
			cl(post("/login?next=/", "Cookie: theme=dark1234; PHPSESSID=0123456789abcdef\r\n", "application/x-www-form-urlencoded", "username=admin&password=hunter2%26x&submit=Go")), sv("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		}},
		{"http-form-hashed", 80, []string{"5f4dcc3b5aa765d61d8327deb882cf99"}, []turn{
			cl(post("/login", "", "application/x-www-form-urlencoded", "user=admin&pwd=5f4dcc3b5aa765d61d8327deb882cf99")), sv(response("200 OK", "Content-Type: text/html\r\n", "result=0")),
		}},
		{"http-json", 80, []string{"hunter2x"}, []turn{
			cl(post("/api/login", "", "application/json; charset=utf-8", `{"method":"set","params":[{"a":[1,2]},{"userName":"admin","passWord":"hunter2x","ok":true}]}`)), sv(response("200 OK", "Content-Type: application/json\r\n", `{"stok":"x"}`)),
		}},
		{"http-wifi-setup", 80, []string{"correcthorsebattery"}, []turn{
			cl(post("/setup", "", "text/plain", `{"ssid":"planted-name","wpa_psk":"correcthorsebattery","mac":"70:EE:50:1A:2B:3C"}`)), sv("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		}},
	}
}

// httpFramings are the ways in which HTTP wraps what it carries, and what it carries.
func httpFramings() []conversation {
	get := "GET / HTTP/1.1\r\nHost: cam.local\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
	multipart := "--xyz\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nadmin\r\n--xyz\r\nContent-Disposition: form-data; name=\"passwd\"\r\n\r\nhunter2hunter\r\n--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\nxx\r\n--xyz--\r\n"
	return []conversation{
		{"http-multipart", 80, []string{"hunter2hunter"}, []turn{
			cl(post("/up", "", "multipart/form-data; boundary=xyz", multipart)), sv("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"),
		}},
		{"http-chunked-request", 80, nil, []turn{
			cl("POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"), sv("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
		}},
		{"http-pipelined", 80, nil, []turn{
			cl("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n"),
			sv("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"),
		}},
		{"http-until-close", 80, nil, []turn{
			cl("GET /fw.bin HTTP/1.0\r\n\r\n"), sv("HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n\x27\x05\x19\x56" + strings.Repeat("\x00\xa5", 5000)),
		}},
		{"http-connect", 3128, []string{"proxypw1"}, []turn{
			cl("CONNECT api.example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic dXNlcjpwcm94eXB3MQ==\r\n\r\n"), sv("HTTP/1.1 200 Connection established\r\n\r\n"),
			cl("GET /inside HTTP/1.1\r\nHost: tunnel\r\n\r\n"), sv("HTTP/1.1 204 No Content\r\n\r\n"),
		}},
		{"http-websocket", 80, nil, []turn{
			cl("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"), sv("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			cl(masked("\x81", `{"mail":"jan.jansen@voorbeeld.nl","x":1}`) + masked("\xc1", "planted-name is packed") + masked("\x82", strings.Repeat("z", 3000)+" planted-name ")),
			sv("\x81\x25{\"serial\":\"AB12345678\",\"name\":\"x\",\"y\":1}"),
		}},
		{"http-upgrade-refused", 80, nil, []turn{
			cl("GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n"), sv("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
			cl("GET /b HTTP/1.1\r\nHost: h\r\n\r\n"), sv("HTTP/1.1 204 No Content\r\n\r\n"),
		}},
		{"http-crl", 80, nil, []turn{
			cl("GET /ca.crl HTTP/1.1\r\nHost: crl\r\n\r\n"), sv(response("200 OK", "Content-Type: application/pkix-crl\r\n", "\x30\x82\x01\x00\x30\x81\xeb"+strings.Repeat("x", 60))),
		}},
		{"http-ocsp", 80, nil, []turn{
			cl("POST / HTTP/1.1\r\nHost: ocsp\r\nContent-Type: application/ocsp-request\r\nContent-Length: 5\r\n\r\n\x30\x03\x30\x01\x00"),
			sv(response("200 OK", "Content-Type: application/ocsp-response\r\n", "\x30\x82\x01\x0a\x0a\x01\x00\xa0\x82"+strings.Repeat("y", 30))),
		}},
		{"http-snapshot", 80, nil, []turn{
			cl("GET /snap.jpg HTTP/1.1\r\nHost: h\r\n\r\n"), sv(response("200 OK", "Content-Type: image/jpeg\r\n", "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01"+strings.Repeat("\x55", 3000))),
		}},
		{"http-page-with-authors", 80, nil, []turn{
			cl(get), sv(response("200 OK", "Content-Type: application/javascript\r\n", "// by jan.jansen@voorbeeld.nl\nvar api_key='9f86d081884c7d659a2feaa0c55ad015';")),
		}},
		{"http-bad-length", 80, nil, []turn{
			cl("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nzzz\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"), sv("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nrest of it all"),
		}},
		{"http-h2c", 8080, nil, []turn{
			cl(h2Preface + "\x00\x00\x12\x04\x00\x00\x00\x00\x00"), sv("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"), cl("\x00\x00\x20\x00\x01\x00\x00\x00\x01{\"mail\":\"jan.jansen@voorbeeld.nl\"}"),
		}},
	}
}

// masked makes a client's WebSocket frame (RFC 6455 section 5.3).
func masked(first, text string) string {
	frame := first + string([]byte{0x80 | byte(len(text))})
	if len(text) > 125 {
		frame = first + string([]byte{0x80 | 126, byte(len(text) >> 8), byte(len(text))})
	}
	mask := []byte{0x37, 0xfa, 0x21, 0x3d}
	out := []byte(frame + string(mask))
	for i := range len(text) {
		out = append(out, text[i]^mask[i&3])
	}
	return string(out)
}

func TestHTTPResumesAfterGap(t *testing.T) {
	k := newCore(t, 80)
	k.feed(event.FromClient, []byte("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"))
	k.feed(event.FromServer, []byte("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst"))
	k.stream.Gap(k, event.FromServer, 500)
	k.feed(event.FromServer, []byte(strings.Repeat("z", 495)+"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
	k.stream.Gap(k, event.FromServer, 700)
	k.feed(event.FromServer, []byte("tail of something\r\nHTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"))
	var got []string
	for _, b := range k.events {
		if r, ok := b.(event.HTTPResponse); ok {
			got = append(got, fmt.Sprint(r.Status, " ", r.Target))
		}
	}
	if want := "[200 /a 404  500 ]"; fmt.Sprint(got) != want {
		t.Errorf("responses %v, want %v", got, want)
	}
}

func TestRecogniseHTTP(t *testing.T) {
	for _, c := range []struct {
		from  event.Side
		first string
		want  wire.Match
	}{
		{event.FromClient, "G", wire.Maybe}, {event.FromClient, "GET / HT", wire.Maybe},
		{event.FromClient, "GET / HTTP/1.1\r\n", wire.Yes}, {event.FromClient, "PURGE /x HTTP/1.0\n", wire.Yes},
		{event.FromClient, "OPTIONS rtsp://h/ RTSP/1.0\r\n", wire.No}, {event.FromClient, "GET\r\n", wire.No},
		{event.FromClient, "\x16\x03\x01", wire.No}, {event.FromClient, "PRI * HTTP/2.0\r\n", wire.No},
		{event.FromServer, "HTT", wire.Maybe}, {event.FromServer, "HTTP/1.1 200 OK\r\n", wire.Yes},
		{event.FromServer, "HTTP/3 200\r\n", wire.No}, {event.FromServer, "220 ready\r\n", wire.No},
		{event.FromClient, "GET /" + strings.Repeat("a", lineLimit), wire.No},
	} {
		if got := recogniseHTTP(wire.Conn{ServerPort: 80}, c.from, []byte(c.first)); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.from, c.first[:min(len(c.first), 40)], got, c.want)
		}
	}
}

// TestBulkIsNotHeld sends a large body and watches that nothing stays buffered.
func TestBulkIsNotHeld(t *testing.T) {
	k := newCore(t, 80)
	k.feed(event.FromServer, []byte("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"))
	block := make([]byte, 1448)
	for range 1000 {
		k.feed(event.FromServer, block)
		if n := len(k.bufs[event.FromServer]); n > 0 {
			t.Fatalf("%d bytes held", n)
		}
	}
}

func BenchmarkHTTPBulk(b *testing.B) {
	block := make([]byte, 1448)
	b.SetBytes(int64(len(block)))
	k := newCore(b, 80)
	k.feed(event.FromServer, []byte("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000\r\n\r\n"))
	for b.Loop() {
		k.feed(event.FromServer, block)
	}
}

func BenchmarkHTTPSmall(b *testing.B) {
	turns := httpConversations()[0].turns
	for b.Loop() {
		k := newCore(b, 80)
		for _, tu := range turns {
			k.feed(tu.from, []byte(tu.text))
		}
		k.close()
	}
}
