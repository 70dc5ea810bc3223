package scan

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"assay/internal/assess/event"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var mac = [6]byte{0x70, 0xee, 0x50, 0x1a, 0x2b, 0x3c}

// The token of RFC 7519 section 3.1.
const rfcToken = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func look(text string, depth Depth) []Found {
	s := New(Compile([]string{"Grandma's Küche", "planted-name"}), Budget)
	s.Own(event.HostByMAC(mac), event.HostID{})
	finds := s.Feed(event.FromClient, []byte(text), depth)
	return append(finds, s.Flush(event.FromClient)...)
}

func kinds(finds []Found) string {
	var out []string
	for _, f := range finds {
		out = append(out, string(f.Kind))
	}
	return strings.Join(out, ", ")
}

func TestFinds(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"mac colon", "id=70:EE:50:1a:2b:3c", "own MAC address"},
		{"mac dash", "id=70-ee-50-1a-2b-3c", "own MAC address"},
		{"mac plain upper", "/reg?m=70EE501A2B3C", "own MAC address"},
		{"mac dots", "70ee.501a.2b3c", "own MAC address"},
		{"mac percent", "mac=70%3AEE%3A50%3A1A%3A2B%3A3C", "own MAC address"},
		{"mac binary", "\x00\x01\x70\xee\x50\x1a\x2b\x3c\x99", "own MAC address"},
		{"e-mail", `{"mail":"jan.jansen@voorbeeld.nl"}`, "e-mail address"},
		{"e-mail in a form", "a=1&email=jan.jansen%40voorbeeld.nl&b=2", "e-mail address"},
		{"e-mail in binary", "\x0a\x18jan.jansen@voorbeeld.com\x12\x00", "e-mail address"},
		{"position json", `{"lat": 52.370216, "lon": 4.895168}`, "geographic position"},
		{"position query", "/weather?latitude=-33.8688&longitude=151.2093&x=1", "geographic position"},
		{"position xml", "<latitude>52.3702</latitude><longitude>4.8952</longitude>", "geographic position"},
		{"jwt", "Authorization: Bearer " + rfcToken + "\r\n", "JSON Web Token"},
		{"api key", `{"api_key": "9f86d081884c7d659a2feaa0c55ad015"}`, "API key or token"},
		{"bearer", "authorization: Bearer mF_9.B5f-4.1JqM0aX7kQ2\r\n", "API key or token"},
		{"uuid token", "token=3f2504e0-4f89-11d3-9a0c-0305e82c3301&x", "API key or token"},
		{"serial", `{"serial":"ABC-1234567","v":1}`, "serial number"},
		{"serial xml", "<serialNumber>20231100042</serialNumber>", "serial number"},
		{"sn", "sn=G090LF1234567&fw=1", "serial number"},
		{"ssid", `{"ssid":"HomeNet","rssi":-50}`, "Wi-Fi name or key"},
		{"psk", "ssid_x=1&wpa_psk=correcthorse&z=1", "Wi-Fi name or key"},
		{"person", `{"first_name":"Johanna"}`, "personal name"},
		{"canary", "hello GRANDMA'S KüCHE", "planted canary"},
		{"canary url", "name=Grandma%27s%20K%C3%BCche", "planted canary"},
		{"canary form", "name=Grandma%27s+K%c3%bcche", "planted canary"},
		{"canary json", `"Grandma's K\u00fcche"`, "planted canary"},
		{"canary utf-16", "\x00p\x00l\x00a\x00n\x00t\x00e\x00d\x00-\x00n\x00a\x00m\x00e\x00", "planted canary"},
		{"canary base64 0", "cGxhbnRlZC1uYW1l", "planted canary"},
		{"canary base64 1", "eHBsYW50ZWQtbmFtZXg=", "planted canary"},
		{"canary base64 2", "eHhwbGFudGVkLW5hbWV4", "planted canary"},
		{"jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "JPEG image"},
		{"exif", "xx\xff\xd8\xff\xe1\x00\x18Exif\x00\x00", "JPEG image"},
		{"h264", "\x00\x00\x00\x01\x67\x42\x00\x1f\xe9\x00\x00\x00\x01\x68\xce\x3c\x80", "H.264 or H.265 video"},
		{"h265", "\x00\x00\x00\x01\x42\x01\x01\x01\x60\x00\x00\x00\x01\x44\x01\xc1", "H.264 or H.265 video"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kinds(look(c.text, Full)); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestLeavesAlone(t *testing.T) {
	for _, text := range []string{
		"GET /img/icon@2x.png HTTP/1.1\r\nHost: cdn.example.org\r\n",
		"git clone git@github.com:someone/thing.git",
		"hmac-sha2-256-etm@openssh.com,umac-64-etm@openssh.com",
		"rtsp://admin:secret@camera.example.com/stream1 is the address",
		"http://user@host.example.com/path is the address",
		"REGISTER sip:alice@atlanta.example.com SIP/2.0",
		"Message-ID: <20231123.1234.abc@mail.example.com>\r\n",
		"Digest realm=\"http-auth@example.org\", nonce=\"x\"",
		"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n",
		"please write to support@vendor.com about this",
		"latency: 12.3456, longer: 3.4567",
		`{"lat": 52.370216, "altitude": 4.895168}`,
		`{"lat": 52, "lon": 4}`, `{"lat": 0.000, "lon": 0.000}`, `{"lat": 98.12345, "lon": 4.12345}`,
		"eyJhbGciOiJIUzI1NiJ9.notjson.abcdefghijklmnopqrstuvwxyz",
		"eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1",
		"token=page-navigation-button-next-item", "token=aaaaaaaaaaaaaaaaaaaaaaaa", "api_key=YOUR_API_KEY_GOES_HERE",
		"token: https://example.org/0123456789abcdef", `"token":"","x":"9f86d081884c7d659a2feaa0c55ad015"`,
		"etag: 9f86d081884c7d659a2feaa0c55ad015\r\n", "sha256=9f86d081884c7d659a2feaa0c55ad015",
		"serial: none\r\nversion=1.2.3", "<SN>17430</SN> is a sequence number", "serialised: 12345678x", "serial=3.14159265",
		`<label for="ssid">Network</label>`, `{"ssid":"","psk":""}`, "ssid=null&x=12345678", "psk=required&x=123456",
		`<input id="password" name="psk" type="password">`,
		"\x00\x00\x00\x01\x67\x42\x00\x1f\xe9 no picture parameter set", "\xff\xd8\xff no jpeg header here at all",
		"70:ee:50:1a:2b:3d is a neighbour's address", "\x01@\x02.\x03a@b.cc\x00",
		"Date: Mon, 23 Nov 2026 18:00:00 GMT\r\nServer: nginx/1.22.1\r\nETag: \"5f3c-1a2b\"\r\n",
		"name=planted", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
	} {
		if got := look(text, Full); len(got) > 0 {
			t.Errorf("%q: found %s", text, kinds(got))
		}
	}
}

func TestMarksOnly(t *testing.T) {
	text := "jan.jansen@voorbeeld.nl 70ee501a2b3c " + rfcToken
	if got := kinds(look(text, Marks)); got != "own MAC address" {
		t.Errorf("found %q", got)
	}
}

func TestFewOfEachKind(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "jan%c@voorbeeld.nl jana@voorbeeld.nl\n", 'a'+i%26)
	}
	if got := look(text.String(), Full); len(got) != perKind {
		t.Errorf("%d finds, want %d", len(got), perKind)
	}
}

func TestRandomBytesShowNothing(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	data := make([]byte, Budget)
	for range 200 {
		r.Read(data)
		if got := look(string(data), Full); len(got) > 0 {
			t.Fatalf("found %s in random bytes", kinds(got))
		}
	}
}

func TestBudget(t *testing.T) {
	s := New(Compile(nil), Budget)
	s.Feed(event.FromClient, make([]byte, Budget), Full)
	if got := s.Feed(event.FromClient, []byte("mail jan.jansen@voorbeeld.nl now"), Full); len(got) > 0 || !s.Spent(event.FromClient) {
		t.Errorf("looked beyond the budget: %v", got)
	}
}

func TestOffsets(t *testing.T) {
	s := New(Compile(nil), Budget)
	s.Own(event.HostByMAC(mac), event.HostID{})
	got := s.Feed(event.FromClient, []byte(strings.Repeat(".", 5000)+" jan@voorbeeld.nl,70ee501a"), Full)
	got = append(got, s.Feed(event.FromClient, []byte("2b3c "), Full)...)
	if len(got) != 2 || got[0].Off != 5001 || got[1].Off != 0 {
		t.Errorf("finds %+v", got)
	}
}

func TestPiecesDoNotMatter(t *testing.T) {
	words := []string{
		"70:ee:50:1a:2b:3c", "\x70\xee\x50\x1a\x2b\x3c", "jan@voorbeeld.nl", "\"lat\":52.370216,", "lon=4.895168&",
		rfcToken, "api_key=9f86d081884c7d659a2feaa0c55ad015", "planted-name", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", " ", "\n", "\x00",
		"\x00\x00\x01\x67\x42\x00\x1f", "\x00\x00\x01\x68\xce", "ssid: ", "Home1", "serial=", "AB123456", "filler filler filler ",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 40).Draw(t, "words"), "")
		want := look(text, Full)
		s := New(Compile([]string{"Grandma's Küche", "planted-name"}), Budget)
		s.Own(event.HostByMAC(mac), event.HostID{})
		var got []Found
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			got = append(got, s.Feed(event.FromClient, []byte(rest[:n]), Full)...)
			rest = rest[n:]
		}
		got = append(got, s.Flush(event.FromClient)...)
		plain := func(finds []Found) (out []string) {
			for _, f := range finds {
				out = append(out, string(f.Kind)+" "+f.Sample.Reveal())
			}
			return out
		}
		if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("lat=52.3702&lon=4.8952 jan@voorbeeld.nl"), 3)
	f.Add([]byte(rfcToken), 10)
	f.Add([]byte("\x00\x00\x01\x67\x42\x00\x1f\x00\x00\x01\x68\xce\xff\xd8\xff\xe0\x00\x10JFIF\x00"), 1)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		s := New(Compile([]string{"planted-name"}), Budget)
		s.Own(event.HostByMAC(mac), event.HostByMAC(mac))
		cut = max(0, min(cut, len(data)))
		for _, piece := range [][]byte{data[:cut], data[cut:]} {
			for _, found := range s.Feed(event.FromServer, piece, Full) {
				if found.Off < 0 || found.Off >= max(1, len(piece)) || found.Sample.Len() > sampleLimit {
					t.Errorf("find %+v in a piece of %d bytes", found, len(piece))
				}
			}
		}
		s.Flush(event.FromServer)
	})
}

func BenchmarkScan(b *testing.B) {
	text := []byte(strings.Repeat("GET /index.html?x=1 HTTP/1.1\r\nAccept: text/html, lat=1\r\n", 1200))[:Budget]
	b.SetBytes(Budget)
	for b.Loop() {
		s := New(Compile([]string{"Grandma's Küche", "planted-name"}), Budget)
		s.Own(event.HostByMAC(mac), event.HostID{})
		s.Feed(event.FromClient, text, Full)
	}
}
