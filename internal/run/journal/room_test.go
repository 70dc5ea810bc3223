package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
)

// small is a disk of a certain size that promises room.
type small struct {
	memory
	most  uint64
	given uint64
}

func (s *small) Claim(size uint64) error {
	if size > s.most {
		return errors.New("no space left on device")
	}
	return nil
}

func (s *small) GiveBack(size uint64) error { s.given = size; return nil }

// TestAFullDiskLeavesTheFileAndTheGradingAlike: what was graded is in the file to
// the last entry, which says how much is missing, and the digest is the file's.
func TestAFullDiskLeavesTheFileAndTheGradingAlike(t *testing.T) {
	f := &small{most: 3*stride + kept}
	f.room = int(f.most) // more than was promised is never written
	var live []evidence.Entry
	l, err := New(f, "assay test", "lan0", func(e evidence.Entry) {
		e.Packet.Data = bytes.Clone(e.Packet.Data)
		live = append(live, onlySet(e))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Lost(time.Unix(1, 0), 5, 5)
	const frames = 20_000
	for i := range frames {
		l.Packet(time.Unix(int64(i), 0), 1000, make([]byte, 1000))
	}
	if l.Err() == nil {
		t.Fatal("the disk is full and all is well")
	}
	if err := l.Close(); err != nil {
		t.Fatalf("the file could be ended in order, but: %v", err)
	}
	read := readBack(t, f.Bytes())
	if d := cmp.Diff(read, live, cmp.Transformer("text", func(b []byte) string { return string(b) })); d != "" {
		t.Errorf("-file +assessment:\n%s", d)
	}
	isOf(t, l.AsOf(), f)
	lastWords(t, read, frames)
}

// isOf checks that digest and size are the file's.
func isOf(t *testing.T, asOf assess.AsOf, f *small) {
	t.Helper()
	if sum := sha256.Sum256(f.Bytes()); !bytes.Equal(sum[:], asOf.SHA256) || asOf.Bytes != uint64(f.Len()) || f.given != asOf.Bytes {
		t.Errorf("digest and size are not the file's: %d bytes of %d, given back from %d", asOf.Bytes, f.Len(), f.given)
	}
}

// lastWords checks that the file says why it ends and how much is missing.
func lastWords(t *testing.T, read []evidence.Entry, frames int) {
	t.Helper()
	packets := len(read) - 3 // a count, the last words, a count
	note, count := read[len(read)-2], read[len(read)-1]
	if note.Kind != evidence.KindNote || note.Note.Kind != "lost" || !bytes.Contains(note.Note.Body, []byte("no space left")) {
		t.Errorf("the last words are %+v", note)
	}
	if count.Kind != evidence.KindLost || int(count.Lost.Dropped) != frames-packets {
		t.Errorf("%d of %d frames are in the file, and it counts %+v", packets, frames, count.Lost)
	}
}

func TestNoLogBeginsOnAFullDisk(t *testing.T) {
	if _, err := New(&small{}, "assay test", "lan0", func(evidence.Entry) {}); err == nil {
		t.Error("a log begins where not even its last words have room")
	}
}

// TestAFileTakesNoMoreThanItHolds: room that was claimed and not needed is given
// back.
func TestAFileTakesNoMoreThanItHolds(t *testing.T) {
	name := filepath.Join(t.TempDir(), "evidence.pcapng")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(f, "assay test", "lan0", func(evidence.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	l.Packet(time.Unix(1, 0), 60, make([]byte, 60))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if uint64(info.Size()) != l.AsOf().Bytes || blocks(info) > 64<<10 {
		t.Errorf("the file has %d bytes, and takes %d of the disk", info.Size(), blocks(info))
	}
}
