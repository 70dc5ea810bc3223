package intercept

import (
	"bytes"
	"crypto/tls"
	"io"
	"testing"

	"assay/internal/assess/event"
)

func record(kind byte, length int) []byte {
	return append([]byte{kind, 3, 3, byte(length >> 8), byte(length)}, make([]byte, length)...)
}

func records(list ...[]byte) []byte { return bytes.Join(list, nil) }

func TestWhatIsData(t *testing.T) {
	hello, change, finished12 := record(22, 200), record(20, 1), record(22, 40)
	const finished13, alert13 = 53, 19
	for name, tc := range map[string]struct {
		sent []byte
		want bool
	}{
		"TLS 1.3, a request":                {records(hello, change, record(23, finished13), record(23, 90)), true},
		"TLS 1.3, no middlebox to please":   {records(hello, record(23, finished13), record(23, 90)), true},
		"TLS 1.3, refused in the handshake": {records(hello, change, record(23, alert13)), false},
		"TLS 1.3, closed after it":          {records(hello, change, record(23, finished13), record(23, alert13)), false},
		"TLS 1.3, a second hello":           {records(hello, change, hello, record(23, finished13), record(23, 90)), true},
		"TLS 1.2, a request":                {records(hello, record(22, 70), change, finished12, record(23, 20)), true},
		"TLS 1.2, closed after it":          {records(hello, record(22, 70), change, finished12, record(21, 26)), false},
		"TLS 1.2, refused":                  {records(hello, record(21, 2)), false},
		"the hello alone":                   {hello, false},
		"no TLS":                            {[]byte("GET / HTTP/1.1\r\nHost: cam.example\r\n\r\n"), false},
		"a record beyond any":               {records(hello, []byte{23, 3, 3, 0xff, 0xff}), false},
		"nothing":                           {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var whole, pieces talk
			whole.see(tc.sent)
			for i := range tc.sent {
				pieces.see(tc.sent[i : i+1])
			}
			if whole.data() != tc.want || pieces.data() != tc.want {
				t.Errorf("in one piece %v, in bytes %v, want %v", whole.data(), pieces.data(), tc.want)
			}
		})
	}
}

// FuzzTalk: how bytes are cut makes no difference, and nothing panics.
func FuzzTalk(f *testing.F) {
	f.Add(records(record(22, 200), record(20, 1), record(23, 53), record(23, 90)), 7)
	f.Add([]byte("GET / HTTP/1.1\r\n"), 1)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		var whole, pieces talk
		whole.see(sent)
		cut = max(1, cut%64)
		for rest := sent; len(rest) > 0; {
			n := min(cut, len(rest))
			pieces.see(rest[:n])
			rest = rest[n:]
		}
		if whole.data() != pieces.data() || whole.enough() != pieces.enough() {
			t.Errorf("in one piece %+v, in pieces %+v", whole, pieces)
		}
	})
}

// TestAControlNeedsData: a client that refuses the genuine server, in the handshake or
// after it, shows nothing by refusing flawed ones.
func TestAControlNeedsData(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, says := range map[string]bool{"refuses": false, "closes after the handshake": true} {
			t.Run(tls.VersionName(version)+", "+name, func(t *testing.T) {
				w := start(t, one{event.CasePass})
				c := &tls.Config{MaxVersion: version, MinVersion: version}
				if says {
					c.RootCAs = w.pool
				}
				conn, err := w.dial(t, c)
				if (err == nil) != says {
					t.Fatalf("the handshake: %v", err)
				}
				_ = conn.Close() // also after a refusal
				if n := w.outcome(t); n.Outcome != event.InterceptSilent {
					t.Errorf("note %+v", n)
				}
			})
		}
	}
}

// TestBytesAfterWhatWasHeard: nothing is lost where listening ends.
func TestBytesAfterWhatWasHeard(t *testing.T) {
	sent := records(record(22, 200), record(20, 1), record(23, 53), record(23, 90), make([]byte, 100<<10))
	var got bytes.Buffer
	i := newIdle(1<<40, func() {})
	defer i.end()
	n, err := i.hear(&got, io.MultiReader(bytes.NewReader(sent[:300]), bytes.NewReader(sent[300:])), &talk{})
	if err != nil || n != int64(len(sent)) || !bytes.Equal(got.Bytes(), sent) {
		t.Errorf("%d of %d bytes came, %v", n, len(sent), err)
	}
}
