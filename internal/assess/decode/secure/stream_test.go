package secure

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// TestRecordedStreams reads what real programs said to each other.
func TestRecordedStreams(t *testing.T) {
	for _, name := range append(recordings(t, "tls"), "plain-answer") {
		t.Run(name, func(t *testing.T) {
			f := newFeed(wire.Conn{})
			chunks := load(t, name)
			if m := Streams()[0].Recognise(wire.Conn{}, chunks[0].from, chunks[0].data); m != wire.Yes {
				t.Errorf("recognised as %d", m)
			}
			for _, c := range chunks {
				f.add(c.from, c.data)
			}
			check(t, f)
			golden(t, name+".want", describe(f.c.events))
		})
	}
}

func check(t rapid.TB, f *feed) {
	if f.broken != "" || len(f.c.bad) > 0 {
		t.Fatalf("the contract is broken: %s %v", f.broken, f.c.bad)
	}
	if f.peak > wire.BufferLimit {
		t.Fatalf("%d bytes were left unconsumed", f.peak)
	}
}

// TestAnySegmentation splits real conversations anywhere: the events stay the
// same, with the same offsets.
func TestAnySegmentation(t *testing.T) {
	for _, name := range recordings(t, "tls") {
		chunks := load(t, name)
		whole := newFeed(wire.Conn{})
		for _, c := range chunks {
			whole.add(c.from, c.data)
		}
		want := describe(whole.c.events)
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			f := newFeed(wire.Conn{})
			for _, c := range chunks {
				for rest := c.data; len(rest) > 0; {
					n := rapid.IntRange(1, max(1, min(len(rest), rapid.SampledFrom([]int{1, 3, 7, 400, 5000}).Draw(t, "most")))).Draw(t, "n")
					f.add(c.from, rest[:n])
					rest = rest[n:]
				}
			}
			check(t, f)
			if got := describe(f.c.events); got != want {
				t.Fatalf("got:\n%s\nwant:\n%s", got, want)
			}
		}))
	}
}

// TestRecords cuts one handshake into records of other sizes.
func TestRecords(t *testing.T) {
	chunks := load(t, "tls12-ecdhe")
	hello := chunks[0].data[5:]
	want := newFeed(wire.Conn{})
	want.add(event.FromClient, chunks[0].data)
	for _, size := range []int{1, 3, 50, 1000} {
		f := newFeed(wire.Conn{})
		for rest := hello; len(rest) > 0; {
			n := min(size, len(rest))
			f.add(event.FromClient, record(recordHandshake, rest[:n]))
			rest = rest[n:]
		}
		check(t, f)
		if describe(f.c.events) != describe(want.c.events) {
			t.Errorf("records of %d bytes: %s", size, describe(f.c.events))
		}
	}
}

func record(kind byte, body []byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

func message(kind byte, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func TestLongMessages(t *testing.T) {
	for size, over := range map[int]bool{messageLimit: false, messageLimit + 1: true} {
		f := newFeed(wire.Conn{})
		all := message(15, make([]byte, size))
		for rest := all; len(rest) > 0; {
			n := min(16<<10, len(rest))
			f.add(event.FromClient, record(recordHandshake, rest[:n]))
			rest = rest[n:]
		}
		check(t, f)
		if f.over[0] != over {
			t.Errorf("message of %d bytes: given up %t", size, f.over[0])
		}
		if malformed := len(f.c.events) == 1; malformed != over {
			t.Errorf("message of %d bytes: %s", size, describe(f.c.events))
		}
	}
}

// TestGap leaves bytes out. Within a record of known length the next one is
// found; beyond it only where a record begins by chance.
func TestGap(t *testing.T) {
	app := record(recordAppData, bytes.Repeat([]byte{7}, 1000))
	t.Run("inside a record that is passed over", func(t *testing.T) {
		f := newFeed(wire.Conn{Midway: true})
		f.add(event.FromServer, app[:300])
		f.gap(event.FromServer, 500)
		f.add(event.FromServer, app[800:])
		f.add(event.FromServer, record(recordAlert, []byte{1, 0}))
		if n := len(f.c.events); n != 2 {
			t.Errorf("%d events: %s", n, describe(f.c.events))
		}
	})
	t.Run("inside a record that is waited for", func(t *testing.T) {
		hello := load(t, "tls12-ecdhe")[0].data
		f := newFeed(wire.Conn{})
		f.add(event.FromClient, hello[:100])
		f.gap(event.FromClient, 50)
		f.add(event.FromClient, hello[150:])
		f.add(event.FromClient, record(recordCCS, []byte{1}))
		if len(f.c.events) != 1 || f.c.events[0].body != (event.TLSKeysChanged{}) {
			t.Errorf("events: %s", describe(f.c.events))
		}
	})
	t.Run("over a record's end", func(t *testing.T) {
		f := newFeed(wire.Conn{})
		f.add(event.FromClient, app[:300])
		f.gap(event.FromClient, 5000)
		f.add(event.FromClient, bytes.Repeat([]byte{0x99}, 100))
		if !f.over[0] || len(f.c.events) != 1 {
			t.Errorf("over %t, events: %s", f.over[0], describe(f.c.events))
		}
	})
}

// TestRetryNotSeen: the second ClientHello of TLS 1.3 is read although the server's
// HelloRetryRequest is missing; an encrypted Finished is not taken for one.
func TestRetryNotSeen(t *testing.T) {
	chunks := load(t, "tls13-retry")
	f := newFeed(wire.Conn{})
	for _, c := range chunks {
		if c.from == event.FromClient {
			for _, b := range c.data {
				f.add(c.from, []byte{b})
			}
		}
	}
	check(t, f)
	hellos := 0
	for _, e := range f.c.events {
		if _, ok := e.body.(event.ClientHello); ok {
			hellos++
		}
	}
	if hellos != 2 || len(f.c.events) != 4 {
		t.Errorf("events: %s", describe(f.c.events))
	}
	f = newFeed(wire.Conn{})
	f.add(event.FromClient, record(recordCCS, []byte{1}))
	f.add(event.FromClient, record(recordHandshake, bytes.Repeat([]byte{1, 0}, 20)))
	if len(f.c.events) != 1 {
		t.Errorf("events: %s", describe(f.c.events))
	}
}

func TestEncryptedBytesAreNotReadForEver(t *testing.T) {
	f := newFeed(wire.Conn{})
	for range 8 {
		f.add(event.FromServer, record(recordAppData, make([]byte, 16<<10)))
	}
	if !f.over[0] || !f.over[1] {
		t.Error("still reading after 128 KiB from one side")
	}
}

func TestSSL2(t *testing.T) {
	body := []byte{1, 3, 1, 0, 9, 0, 0, 0, 16, 0, 0, 0x35, 0x01, 0x00, 0x80, 0, 0, 0x0a}
	body = append(body, make([]byte, 16)...)
	hello := append([]byte{0x80, byte(len(body))}, body...)
	for n := 1; n <= len(hello); n++ {
		want := wire.Maybe
		if n >= ssl2HeadLen {
			want = wire.Yes
		}
		if got := recogniseTLS(wire.Conn{}, event.FromClient, hello[:n]); got != want {
			t.Fatalf("%d bytes recognised as %d", n, got)
		}
	}
	f := newFeed(wire.Conn{})
	for i := range hello {
		f.add(event.FromClient, hello[i:i+1])
	}
	f.add(event.FromServer, []byte{0x80, 0x20, 4, 0, 1, 0, 2})
	check(t, f)
	golden(t, "ssl2.want", describe(f.c.events))
}

// TestRecognise tells TLS from its neighbours.
func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		name   string
		midway bool
		first  string
		want   wire.Match
	}{
		{"one byte", false, "\x16", wire.Maybe},
		{"hello", false, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc", wire.Yes},
		{"TLS 9.1", false, "\x16\x09\x01\x01\x00\x01\x00\x00\xfc", wire.No},
		{"record of 60 KiB", false, "\x16\x03\x01\xf0\x00\x01\x00\x00\xfc", wire.No},
		{"finished first", false, "\x16\x03\x01\x00\x28\x14\x00\x00\x0c", wire.No},
		{"alert first", false, "\x15\x03\x01\x00\x02\x02\x28", wire.Yes},
		{"data first", false, "\x17\x03\x03\x00\x01\x00\x17\x03\x03\x00\x01", wire.No},
		{"data first, midway", true, "\x17\x03\x03\x00\x01\x00\x17\x03\x03\x00\x01", wire.Yes},
		{"data first, midway, then none", true, "\x17\x03\x03\x00\x01\x00garbage", wire.No},
		{"HTTP", false, "GET / HTTP/1.1\r\n", wire.No},
		{"TPKT of RDP", false, "\x03\x00\x00\x13\x0e\xe0", wire.No},
		{"high bit", false, "\x80\x2e\x01\x03\x05", wire.Maybe},
		{"MQTT", false, "\x10\x10\x00\x04MQTT", wire.No},
	} {
		if got := recogniseTLS(wire.Conn{Midway: c.midway}, event.FromClient, []byte(c.first)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, name := range recordings(f, "tls") {
		chunks := load(f, name)
		f.Add(chunks[0].data, chunks[1].data, uint16(100), uint16(7))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, size, hole uint16) {
		fd := newFeed(wire.Conn{Midway: hole%2 == 1})
		for side, all := range [][]byte{client, server} {
			for rest := all; len(rest) > 0; {
				n := min(int(size)%2000+1, len(rest))
				recogniseTLS(fd.c.conn, event.Side(side), rest[:n])
				fd.add(event.Side(side), rest[:n])
				rest = rest[n:]
				if hole%5 == 4 {
					fd.gap(event.Side(side), int(hole))
				}
			}
		}
		check(t, fd)
		if len(fd.c.events) > eventLimit+faultLimit {
			t.Fatalf("%d events", len(fd.c.events))
		}
	})
}

func FuzzCertificates(f *testing.F) {
	chunks := load(f, "tls12-rsa")
	for _, c := range chunks {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		chain, _ := shelf{}.readCertificates(body, event.FromServer)
		if len(chain.Chain) > chainLimit {
			t.Fatalf("%d certificates", len(chain.Chain))
		}
		for _, c := range chain.Chain {
			if len(c.Subject) > textLimit || len(c.Names) > sanLimit || len(c.SHA256) != 64 {
				t.Fatalf("too large: %+v", c)
			}
		}
		shelf(nil).read(body)
	})
}

// A certificate from the shelf is the one that was read first, and a full shelf
// changes nothing.
func TestShelf(t *testing.T) {
	known := shelf{}
	for i := range shelfLimit + 10 {
		der := []byte{0x30, byte(i >> 8), byte(i)}
		first, again := known.read(der), known.read(der)
		if first.SHA256 != again.SHA256 || first.Bad == "" || first.Bad != again.Bad {
			t.Fatalf("read %+v, then %+v", first, again)
		}
	}
	if len(known) != shelfLimit {
		t.Errorf("the shelf holds %d, its limit is %d", len(known), shelfLimit)
	}
}
