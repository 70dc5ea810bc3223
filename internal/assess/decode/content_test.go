package decode

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"math"
	"testing"

	"assay/internal/assess/event"
)

// noise is n bytes that look random: SHA-256 of a counter.
func noise(n int) []byte {
	var out []byte
	for i := byte(0); len(out) < n; i++ {
		h := sha256.Sum256(append([]byte{i}, out...))
		out = append(out, h[:]...)
	}
	return out[:n]
}

func TestContentMeasures(t *testing.T) {
	all := make([]byte, 256*16)
	for i := range all {
		all[i] = byte(i)
	}
	c := contentOf(all)
	if c.Entropy != 8 || c.ChiSquare != 0 || c.Repeats != len(all)/16-16 {
		t.Fatalf("every byte equally often: %+v", c)
	}
	text := contentOf([]byte("temperature=21.5\n"))
	if text.Printable != 1 || text.Entropy > 4.2 {
		t.Fatalf("text: %+v", text)
	}
}

func TestContentOfNoise(t *testing.T) {
	random := contentOf(noise(16 << 10))
	if random.Entropy < 7.98 || math.Abs(random.ChiSquare-255) > 100 || random.Repeats != 0 {
		t.Fatalf("noise: %+v", random)
	}
	if zero := contentOf(make([]byte, 64)); zero.Entropy != 0 || zero.Repeats != 3 {
		t.Fatalf("zeros: %+v", zero)
	}
}

// TestECBShows encrypts a repetitive plaintext block by block.
func TestECBShows(t *testing.T) {
	block, err := aes.NewCipher(noise(16))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 4096)
	plain := bytes.Repeat([]byte("status=on;id=42;"), 256)
	for i := 0; i < len(out); i += 16 {
		block.Encrypt(out[i:], plain[i:])
	}
	if c := contentOf(out); c.Repeats != 255 {
		t.Fatalf("repeats %d", c.Repeats)
	}
}

func TestMediaIsNamed(t *testing.T) {
	ts := bytes.Repeat(append([]byte{0x47}, make([]byte, 187)...), 4)
	for want, b := range map[string][]byte{
		"jpeg": []byte("\xff\xd8\xff\xe0 JFIF"), "mp4": []byte("\x00\x00\x00\x18ftypisom"),
		"gzip": []byte("\x1f\x8b\x08\x00"), "h264": []byte("vendor\x00\x00\x00\x01\x67\x42"),
		"mpeg-ts": ts, "": []byte("\xff\xd8"),
	} {
		if got := mediaOf(b); got != want {
			t.Errorf("%q: %q, want %q", b[:2], got, want)
		}
	}
}

func TestContentOfUnknownConversationsIsBounded(t *testing.T) {
	r := record(t)
	r.handshake(web, 100, 500)
	for i := range 40 {
		r.says(event.FromClient, i*1000, string(noise(1000)))
	}
	r.says(event.FromServer, 0, "\x00\x01\x02")
	r.Close()
	end := one[event.FlowEnded](r)
	if end.Client.Content.Bytes != contentLimit || end.Client.Bytes != 40000 || len(end.Client.Content.Head) != contentHead {
		t.Fatalf("got %+v", end.Client)
	}
	if end.Server.Content.Bytes != 3 || end.Protocol != "" {
		t.Fatalf("got %+v, protocol %q", end.Server, end.Protocol)
	}
}
