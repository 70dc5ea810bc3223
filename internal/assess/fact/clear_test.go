package fact_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// wantOnly demands that exactly one of the kinds of conversation was counted.
func wantOnly(t *testing.T, sheet *fact.Sheet, want string) {
	t.Helper()
	ints := map[string]int64{}
	for _, k := range []string{"encrypted", "plain", "exempt", "undecided", "network"} {
		ints["clear."+k] = 0
	}
	if want != "" {
		ints["clear."+want] = 1
	}
	wantInts(t, sheet, ints)
}

func TestConversationsByProtocol(t *testing.T) {
	for protocol, want := range map[string]string{
		"tls": "encrypted", "dtls": "encrypted", "quic": "encrypted", "ssh": "encrypted", "wireguard": "encrypted",
		"dns": "network", "ntp": "network", "dhcp": "network",
		"mqtt": "plain", "ftp": "plain", "telnet": "plain", "rtsp": "plain", "h2c": "plain", "websocket": "plain",
		"http":        "undecided", // no request was seen
		"rtp-or-srtp": "undecided", "never-heard-of": "undecided", "": "undecided",
	} {
		t.Run(protocol, func(t *testing.T) {
			s := newClearScene()
			s.ended(s.toCloud(4000), protocol, nil)
			s.ended(s.toGuest(4000), protocol, nil) // local: not counted
			wantOnly(t, s.facts(nil), want)
		})
	}
	s := newClearScene()
	s.ended(s.toCloud(1883), "mqtt", func(b *event.FlowEnded) { b.Client.Bytes, b.Server.Bytes = 0, 0 })
	wantOnly(t, s.facts(nil), "")
}

func get(target string) event.HTTPRequest {
	return event.HTTPRequest{Method: "GET", Host: "check.vendor.example", Target: target, HeaderNames: []string{"host"}}
}

func answer(q event.HTTPRequest, status int, body int64) event.HTTPResponse {
	return event.HTTPResponse{Status: status, BodyBytes: body, Method: q.Method, Host: q.Host, Target: q.Target}
}

// Each row differs from the first in one trait.
func TestHTTPConversations(t *testing.T) {
	short := func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 200, 20) }
	post, cookie, auth := get("/"), get("/"), get("/")
	post.Method, post.BodyBytes = "POST", 10
	cookie.HeaderNames = []string{"host", "cookie"}
	auth.AuthScheme = "bearer"
	known := get("/generate_204")
	ocsp := post
	ocsp.ContentType = "application/ocsp-request"
	for name, c := range map[string]struct {
		ask    event.HTTPRequest
		answer func(event.HTTPRequest) event.HTTPResponse
		want   string
	}{
		"check":               {get("/"), short, "exempt"},
		"answered by 204":     {get("/"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 204, -1) }, "exempt"},
		"long answer":         {get("/"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 200, 5000) }, "plain"},
		"length not told":     {get("/"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 200, -1) }, "plain"},
		"never answered":      {get("/"), nil, "undecided"},
		"sets a cookie":       {get("/"), func(q event.HTTPRequest) event.HTTPResponse { r := short(q); r.SetsCookie = true; return r }, "plain"},
		"fetches an update":   {get("/firmware/v2.bin"), short, "plain"},
		"with a query":        {get("/?mode=1"), short, "plain"},
		"own address in path": {get("/021A2B3C4D5E"), short, "plain"},
		"long number in path": {get("/u/9f8e7d6c5b4a"), short, "plain"},
		"posts":               {post, short, "plain"},
		"sends a cookie":      {cookie, short, "plain"},
		"sends a token":       {auth, short, "plain"},
		"known check":         {known, nil, "exempt"},
		"OCSP":                {ocsp, short, "exempt"},
		"revocation list":     {get("/ca.crl"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 200, 50000) }, "exempt"},
		"signed file": {get("/fw.bin"), func(q event.HTTPRequest) event.HTTPResponse {
			r := answer(q, 200, 1<<20)
			r.Signature = "crau"
			return r
		}, "exempt"},
		"file, nothing signed":  {get("/fw.bin"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 200, 1<<20) }, "plain"},
		"interim answer before": {get("/"), func(q event.HTTPRequest) event.HTTPResponse { return answer(q, 100, 0) }, "undecided"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			ev := s.toCloud(80)
			s.put(with(ev, c.ask))
			if c.answer != nil {
				s.put(with(ev, c.answer(c.ask)))
			}
			s.ended(ev, "http", nil)
			wantOnly(t, s.facts(nil), c.want)
		})
	}
}

func TestHTTPConversationCountsItsWorstRequest(t *testing.T) {
	s := newClearScene()
	ev := s.toCloud(80)
	for _, q := range []event.HTTPRequest{get("/"), get("/?mac=x"), get("/generate_204")} {
		s.put(with(ev, q))
		s.put(with(ev, answer(q, 200, 10)))
	}
	s.ended(ev, "http", nil)
	wantOnly(t, s.facts(nil), "plain")
}

// A check that gives away the device is none; a tunnel is what goes through it.
func TestSpoiledCheckAndTunnel(t *testing.T) {
	s := newClearScene()
	ev := s.toCloud(80)
	s.put(with(ev, get("/")))
	s.put(with(ev, event.Exposed{Kind: event.ExposedMAC, From: event.FromClient, Shown: "02:1a:2b:3c:4d:5e"}))
	s.put(with(ev, answer(get("/"), 204, 0)))
	s.ended(ev, "http", nil)
	wantOnly(t, s.facts(nil), "plain")

	s = newClearScene()
	ev = s.toCloud(3128)
	s.put(with(ev, event.HTTPRequest{Method: "CONNECT", Target: "cloud.example:443"}))
	s.ended(ev, "tls", nil)
	wantOnly(t, s.facts(nil), "encrypted")
}

// The measures are those of real content: 16 KiB of AES-CTR output, of English,
// of 64 random bytes, of the same text in Base64 and in ECB mode.
func TestContent(t *testing.T) {
	for name, c := range map[string]struct {
		content event.Content
		opaque  string // the kind that PT-03 counts
		clear   string // the kind that PT-01 counts
	}{
		"cipher":             {event.Content{Bytes: 16384, Entropy: 7.99, Printable: 0.37, ChiSquare: 250}, "high", "undecided"},
		"English":            {event.Content{Bytes: 16384, Entropy: 4.4, Printable: 0.98, ChiSquare: 300000, Repeats: 3}, "readable", "plain"},
		"a little English":   {event.Content{Bytes: 80, Entropy: 4.1, Printable: 1, Head: []byte("POST")}, "readable", "plain"},
		"less English":       {event.Content{Bytes: 40, Entropy: 4.1, Printable: 1, Head: []byte("POST")}, "short", "undecided"},
		"hexadecimal digits": {event.Content{Bytes: 80, Entropy: 3.9, Printable: 1, Head: []byte("00a1ffbc")}, "short", "undecided"},
		"few random bytes":   {event.Content{Bytes: 64, Entropy: 5.8, Printable: 0.4}, "short", "undecided"},
		"Base64":             {event.Content{Bytes: 4000, Entropy: 5.99, Printable: 1, Head: []byte("U2Fs")}, "structured", "undecided"},
		"binary, plain":      {event.Content{Bytes: 4000, Entropy: 3.2, Printable: 0.2, Repeats: 10}, "readable", "plain"},
		"ECB":                {event.Content{Bytes: 4000, Entropy: 6.1, Printable: 0.3, Repeats: 130}, "repeating", "undecided"},
		"one block twice":    {event.Content{Bytes: 4000, Entropy: 7.9, Printable: 0.37, ChiSquare: 260, Repeats: 1}, "structured", "undecided"},
		"header and cipher":  {event.Content{Bytes: 4000, Entropy: 6.8, Printable: 0.37, ChiSquare: 5000}, "structured", "undecided"},
		"packed":             {event.Content{Bytes: 4000, Entropy: 7.9, Printable: 0.37, ChiSquare: 700}, "structured", "undecided"},
		"picture":            {event.Content{Bytes: 4000, Entropy: 7.9, Printable: 0.37, ChiSquare: 300, Media: "jpeg"}, "readable", "plain"},
		"not held":           {event.Content{}, "short", "undecided"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			put := func(ev event.Event) {
				s.ended(ev, "", func(b *event.FlowEnded) {
					b.Client.Bytes, b.Client.Content = uint64(max(c.content.Bytes, 10)), c.content
				})
			}
			put(s.toCloud(7000))
			put(s.toGuest(7000)) // local: not measured
			sheet := s.facts(nil)
			want := map[string]int64{"opaque.flows": 1}
			for _, k := range []string{"short", "readable", "repeating", "structured", "high"} {
				want["opaque."+k] = 0
			}
			want["opaque."+c.opaque] = 1
			wantInts(t, sheet, want)
			wantOnly(t, sheet, c.clear)
		})
	}
}

// Google's QUIC before RFC 9000 opens with readable, padded bytes; it is known by
// its content, not by its port.
func TestEarlyQUIC(t *testing.T) {
	for protocol, want := range map[string]string{"gquic": "encrypted", "": "plain"} {
		s := newClearScene()
		s.ended(s.toCloud(443), protocol, func(b *event.FlowEnded) {
			b.Transport = event.UDP
			b.Client.Bytes, b.Client.Content = 1350, event.Content{Bytes: 1350, Entropy: 3.1, Printable: 0.92, Head: []byte("\rCHLO")}
		})
		sheet := s.facts(nil)
		wantOnly(t, sheet, want)
		wantInts(t, sheet, map[string]int64{"tls.unread": int64(len(protocol) / 5)})
	}
}

// Readable conversations of an unknown protocol count on the local network too:
// a password could be in them.
func TestUnreadLocalConversation(t *testing.T) {
	s := newClearScene()
	s.ended(s.atDevice(9000), "", func(b *event.FlowEnded) {
		b.Server.Content = event.Content{Bytes: 500, Entropy: 4.2, Printable: 1, Head: []byte("login:")}
	})
	wantInts(t, s.facts(nil), map[string]int64{"clear.unread": 1, "clear.internet": 0})
}

// The kinds of conversations with the internet add up, whatever comes.
func TestKindsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newClearScene()
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			ev := s.toCloud(80)
			if rapid.Bool().Draw(t, "local") {
				ev = s.toGuest(80)
			}
			if rapid.Bool().Draw(t, "asks") {
				s.put(with(ev, get(rapid.SampledFrom([]string{"/", "/?a", "/x.crl", "/generate_204"}).Draw(t, "target"))))
			}
			s.ended(ev, rapid.SampledFrom([]string{"", "http", "tls", "dns", "mqtt"}).Draw(t, "protocol"), nil)
		}
		sheet := s.facts(nil)
		count := func(key string) int64 { f, _ := sheet.Get(key); return f.Value.(int64) }
		sum := count("clear.encrypted") + count("clear.plain") + count("clear.exempt") + count("clear.undecided")
		if sum != count("clear.internet") {
			t.Fatalf("kinds add up to %d of %d", sum, count("clear.internet"))
		}
		if f, _ := sheet.Get("clear.plain_list"); !slices.IsSorted(f.Value.([]string)) {
			t.Fatal("the list is not sorted")
		}
	})
}
