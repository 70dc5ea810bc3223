package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/assess/evidence"
)

// memory is a file that may be full.
type memory struct {
	bytes.Buffer
	room int // 0 for no limit
}

func (m *memory) Write(p []byte) (int, error) {
	if m.room > 0 && m.Len()+len(p) > m.room {
		return 0, errors.New("no space left on device")
	}
	return m.Buffer.Write(p)
}

func (m *memory) Sync() error  { return nil }
func (m *memory) Close() error { return nil }

func readBack(t interface{ Fatal(...any) }, log []byte) []evidence.Entry {
	r, err := evidence.NewReader(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var out []evidence.Entry
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, onlySet(e))
	}
}

// onlySet is an entry with nothing but the fields that its kind sets.
func onlySet(e evidence.Entry) evidence.Entry {
	out := evidence.Entry{Num: e.Num, At: e.At, Kind: e.Kind}
	switch e.Kind {
	case evidence.KindPacket:
		out.Packet = e.Packet
		out.Packet.Data = bytes.Clone(e.Packet.Data)
	case evidence.KindNote:
		out.Note = e.Note
	default:
		out.Lost = e.Lost
	}
	return out
}

// TestTheAssessmentGetsWhatTheFileHolds: whatever is recorded, the entries handed
// on are those of the file, and the digest is the file's.
func TestTheAssessmentGetsWhatTheFileHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var live []evidence.Entry
		var f memory
		l, err := New(&f, "assay test", "lan0", func(e evidence.Entry) {
			live = append(live, onlySet(e))
		})
		if err != nil {
			t.Fatal(err)
		}
		something(t, l)
		asOf := l.AsOf()
		if err := l.Close(); err != nil || l.Err() != nil {
			t.Fatal(err, l.Err())
		}
		if sum := sha256.Sum256(f.Bytes()); !bytes.Equal(sum[:], asOf.SHA256) || asOf.Bytes != uint64(f.Len()) {
			t.Fatalf("digest and size are not the file's: %d bytes of %d", asOf.Bytes, f.Len())
		}
		empty := cmp.Transformer("empty", func(b []byte) string { return string(b) })
		if d := cmp.Diff(readBack(t, f.Bytes()), live, empty); d != "" {
			t.Fatalf("-file +assessment:\n%s", d)
		}
	})
}

// something records entries of all kinds.
func something(t *rapid.T, l *Log) {
	at := time.Unix(1_700_000_000, 0)
	var received, dropped uint64
	for range rapid.IntRange(0, 40).Draw(t, "entries") {
		at = at.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "gap")))
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			l.Note(at, evidence.Note{Kind: rapid.SampledFrom([]string{"lease", "run", "", "\x00é\xff"}).Draw(t, "note"), Body: json.RawMessage(
				rapid.SampledFrom([]string{"", `{"a":1}`, `{ "b" : [ 1,2 ] }`, `"\u003c<>&"`, "null", "no JSON"}).Draw(t, "body"))})
		case 1:
			received += rapid.Uint64Range(0, 9).Draw(t, "received")
			dropped += rapid.Uint64Range(0, 3).Draw(t, "dropped")
			l.Lost(at, received, dropped)
		default:
			data := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "frame")
			l.Packet(at, len(data)+rapid.IntRange(0, 5).Draw(t, "cut"), data)
		}
	}
}

func TestAFullDiskEndsTheRecordAndTheGrading(t *testing.T) {
	f := &memory{room: buffer + 100}
	taken := 0
	l, err := New(f, "assay test", "lan0", func(evidence.Entry) { taken++ })
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 1500)
	for range 2 * buffer / len(frame) * 2 {
		l.Packet(time.Unix(1_700_000_000, 0), len(frame), frame)
	}
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("a full disk is %v", err)
	}
	atEnd := taken
	l.Packet(time.Unix(1_700_000_001, 0), len(frame), frame)
	l.Note(time.Unix(1_700_000_001, 0), evidence.Note{Kind: "x"})
	l.Lost(time.Unix(1_700_000_001, 0), 9, 9)
	if taken != atEnd {
		t.Error("what the file does not hold was graded")
	}
	if err := l.Close(); err == nil {
		t.Error("the log is closed as if it were complete")
	}
}

func TestWhatWasSyncedSurvivesTheEnd(t *testing.T) {
	f := &memory{}
	l, err := New(f, "assay test", "lan0", func(evidence.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	l.Packet(time.Unix(1_700_000_000, 0), 60, make([]byte, 60))
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	l.Packet(time.Unix(1_700_000_001, 0), 60, make([]byte, 60))
	if got := readBack(t, f.Bytes()); len(got) != 1 {
		t.Errorf("%d frames are on the disk after a power cut, want 1", len(got))
	}
}
