package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// readAll reads a capture to its end.
func readAll(t *testing.T, file []byte) ([]Entry, *Reader) {
	t.Helper()
	rd, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	var out []Entry
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return out, rd
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		e.Packet.Data = bytes.Clone(e.Packet.Data)
		out = append(out, e)
	}
}

// pcapFile writes a pcap file by hand: magic, version, link type and records.
func pcapFile(order binary.AppendByteOrder, magic uint32, minor uint16, records ...[]byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, minor)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 65535)
	b = order.AppendUint32(b, uint32(LinkEthernet))
	return append(b, bytes.Join(records, nil)...)
}

func pcapRecord(order binary.AppendByteOrder, sec, sub, size, length uint32, extra int, data string) []byte {
	var b []byte
	for _, v := range []uint32{sec, sub, size, length} {
		b = order.AppendUint32(b, v)
	}
	b = append(b, make([]byte, extra)...)
	return append(b, data...)
}

func TestPcapVariants(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	tests := []struct {
		name   string
		file   []byte
		at     time.Time
		length int
	}{
		{"little endian, microseconds", pcapFile(le, pcapMicro, 4, pcapRecord(le, 10, 5, 4, 60, 0, "abcd")), time.Unix(10, 5000), 60},
		{"big endian, microseconds", pcapFile(be, pcapMicro, 4, pcapRecord(be, 10, 5, 4, 60, 0, "abcd")), time.Unix(10, 5000), 60},
		{"little endian, nanoseconds", pcapFile(le, pcapNano, 4, pcapRecord(le, 10, 5, 4, 60, 0, "abcd")), time.Unix(10, 5), 60},
		{"big endian, nanoseconds", pcapFile(be, pcapNano, 4, pcapRecord(be, 10, 5, 4, 60, 0, "abcd")), time.Unix(10, 5), 60},
		{"modified, 24-byte record headers", pcapFile(le, pcapModified, 4, pcapRecord(le, 10, 5, 4, 60, 8, "abcd")), time.Unix(10, 5000), 60},
		{"version 2.2, lengths swapped", pcapFile(le, pcapMicro, 2, pcapRecord(le, 10, 5, 60, 4, 0, "abcd")), time.Unix(10, 5000), 60},
		{"version 2.3, lengths swapped", pcapFile(le, pcapMicro, 3, pcapRecord(le, 10, 5, 60, 4, 0, "abcd")), time.Unix(10, 5000), 60},
		{"version 2.3, lengths in order", pcapFile(le, pcapMicro, 3, pcapRecord(le, 10, 5, 4, 60, 0, "abcd")), time.Unix(10, 5000), 60},
		{"captured length above the wire's", pcapFile(le, pcapMicro, 4, pcapRecord(le, 10, 5, 4, 2, 0, "abcd")), time.Unix(10, 5000), 4},
		{"time of 2106", pcapFile(le, pcapMicro, 4, pcapRecord(le, 0xffffffff, 5, 4, 60, 0, "abcd")), time.Unix(0xffffffff, 5000), 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, rd := readAll(t, tt.file)
			if len(entries) != 1 || rd.Truncated() != "" {
				t.Fatalf("got %d entries, truncated %q", len(entries), rd.Truncated())
			}
			e := entries[0]
			if e.Num != 1 || e.Kind != KindPacket || !e.At.Equal(tt.at) || string(e.Packet.Data) != "abcd" ||
				e.Packet.Length != tt.length || e.Packet.Link != LinkEthernet {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestFilesThatEndInTheMiddle(t *testing.T) {
	le := binary.LittleEndian
	whole := pcapFile(le, pcapMicro, 4, pcapRecord(le, 1, 0, 4, 4, 0, "abcd"), pcapRecord(le, 2, 0, 4, 4, 0, "efgh"))
	ng := logOf(t, "abcd", "efgh")
	tests := []struct {
		name   string
		file   []byte
		frames int
		why    string
	}{
		{"inside the second frame's data", whole[:len(whole)-1], 1, "inside frame 2"},
		{"inside the second record header", whole[:len(whole)-8], 1, "inside the header of frame 2"},
		{"inside the file header", whole[:20], 0, "inside its header"},
		{"a frame of impossible size", pcapFile(le, pcapMicro, 4, pcapRecord(le, 1, 0, 1<<30, 1<<30, 0, "abcd")), 0, "damaged"},
		{"pcapng inside the last block", ng[:len(ng)-5], 1, "inside frame 2"},
		{"pcapng inside a block header", ng[:len(ng)-30], 1, "block header"},
		{"pcapng with a block length of 13", append(bytes.Clone(ng), 6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0), 2, "length of 13"},
		{"pcapng with a length of 0", append(bytes.Clone(ng), 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 2, "length of 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, rd := readAll(t, tt.file)
			if len(entries) != tt.frames || !strings.Contains(rd.Truncated(), tt.why) {
				t.Errorf("got %d frames, truncated %q; want %d and %q", len(entries), rd.Truncated(), tt.frames, tt.why)
			}
		})
	}
}

func TestFilesThatAreNoCapture(t *testing.T) {
	tests := []struct{ name, file, found string }{
		{"empty", "", "it is empty"},
		{"PNG", "\x89PNG\r\n\x1a\n and more", "PNG image"},
		{"text", "hello, world, this is text\n", "text file"},
		{"short text", "hi", "text file"},
		{"zstd", "\x28\xb5\x2f\xfd......", "zstd"},
		{"binary", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09", "bytes 00 01 02 03 04 05 06 07"},
		{"one NUL", "\x00", "bytes 00"},
		{"section header type without its magic", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00????", "bytes 0a 0d 0d 0a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewReader(strings.NewReader(tt.file))
			var not *NotCaptureError
			if !errors.As(err, &not) || !strings.Contains(err.Error(), tt.found) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.found)
			}
		})
	}
}

func TestGzip(t *testing.T) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write(logOf(t, "abcd", "efgh")); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, rd := readAll(t, packed.Bytes()); len(entries) != 2 || rd.Truncated() != "" {
		t.Errorf("got %d entries, truncated %q", len(entries), rd.Truncated())
	}
	if _, rd := readAll(t, packed.Bytes()[:packed.Len()-6]); rd.Truncated() == "" {
		t.Error("a compressed file cut short is not told as truncated")
	}
}

// failing gives some bytes and then an error, as a disk that dies.
type failing struct {
	data io.Reader
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.data.Read(p)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestReadErrorIsNoEnd(t *testing.T) {
	broken := errors.New("input/output error")
	rd, err := NewReader(&failing{bytes.NewReader(logOf(t, "abcd")), broken})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rd.Next()
	}
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "after frame 1") {
		t.Errorf("got %v", err)
	}
}
