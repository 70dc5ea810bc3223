package journal

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/assess/evidence"
)

// TestACutLogGoesOn: a log that ends anywhere is continued in the same file, and the
// entries handed on are those of the file, with the file's digest.
func TestACutLogGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "evidence.pcapng")
	rapid.Check(t, func(t *rapid.T) {
		var before memory
		l, err := New(&before, "assay test", "lan0", func(evidence.Entry) {})
		if err != nil {
			t.Fatal(err)
		}
		head := 0
		if err := l.Flush(); err == nil {
			head = before.Len()
		}
		something(t, l)
		l.Secrets(l.when, "CLIENT_RANDOM 00 11\n")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(head, before.Len()).Draw(t, "cut")
		if err := os.WriteFile(name, before.Bytes()[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		goOn(t, name, before.Bytes())
	})
}

// goOn continues a log and compares what was handed on with what the file holds.
func goOn(t *rapid.T, name string, before []byte) {
	f, err := os.OpenFile(name, os.O_RDWR, 0) //nolint:gosec // of the test
	if err != nil {
		t.Fatal(err)
	}
	var live []evidence.Entry
	l, err := Continue(f, func(e evidence.Entry) { live = append(live, onlySet(e)) })
	if err != nil {
		t.Fatal(err)
	}
	kept := int(l.size)
	something(t, l)
	asOf := l.AsOf()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(name) //nolint:gosec // of the test
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); !bytes.Equal(sum[:], asOf.SHA256) || asOf.Bytes != uint64(len(file)) {
		t.Fatalf("digest and size are not the file's: %d bytes of %d", asOf.Bytes, len(file))
	}
	if !bytes.Equal(file[:kept], before[:kept]) {
		t.Fatal("what was recorded before is not the same any more")
	}
	empty := cmp.Transformer("empty", func(b []byte) string { return string(b) })
	if d := cmp.Diff(readBack(t, file), live, empty); d != "" {
		t.Fatalf("-file +assessment:\n%s", d)
	}
}

func TestAnothersLogIsLeftAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "evidence.pcapng")
	for _, text := range []string{"", "no capture at all, only words"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0) //nolint:gosec // of the test
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Continue(f, func(evidence.Entry) {}); err == nil || !strings.Contains(err.Error(), "cannot go on") {
			t.Errorf("%q: %v", text, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text { //nolint:gosec // of the test
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}
