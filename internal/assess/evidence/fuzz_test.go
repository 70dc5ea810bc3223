package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
)

// FuzzReader holds for any bytes: no panic, numbers without holes, frames within
// their limit, and an end.
func FuzzReader(f *testing.F) {
	le, be := binary.LittleEndian, binary.BigEndian
	f.Add(logOf(f, "abcd", "efgh"))
	f.Add(pcapFile(le, pcapMicro, 4, pcapRecord(le, 1, 0, 4, 4, 0, "abcd")))
	f.Add(pcapFile(be, pcapModified, 3, pcapRecord(be, 1, 0, 4, 4, 8, "abcd")))
	f.Add(slices.Concat(ngSection(be), ngIface(be, 1, ngOption{optionTSResol, []byte{0x8a}}), ngFrame(be, 0, 5, "abc")))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		rd, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		packed := file[0] == 0x1f // compressed data may hold more entries than bytes
		var last Ref
		for range len(file) + 2 { // every entry costs at least one byte, a loss none of its own
			e, err := rd.Next()
			if errors.Is(err, io.EOF) || err != nil && packed {
				return
			}
			last = checkEntry(t, e, err, last)
		}
		if !packed {
			t.Fatal("the file does not end")
		}
	})
}

func checkEntry(t *testing.T, e Entry, err error, last Ref) Ref {
	t.Helper()
	if err != nil {
		t.Fatalf("reading memory failed: %v", err)
	}
	if e.Kind != KindLost && e.Num != last+1 {
		t.Fatalf("number %d follows %d", e.Num, last)
	}
	if len(e.Packet.Data) > frameLimit || e.Packet.Length < len(e.Packet.Data) {
		t.Fatalf("frame of %d bytes, %d on the wire", len(e.Packet.Data), e.Packet.Length)
	}
	return e.Num
}
