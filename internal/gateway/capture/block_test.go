package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// blockOf lays frames out as the kernel does.
func blockOf(frames ...[]byte) []byte {
	const first, mac = 48, 86
	b := make([]byte, 1<<16)
	binary.NativeEndian.PutUint32(b[blockStatus:], statusUser)
	binary.NativeEndian.PutUint32(b[blockFrames:], uint32(len(frames)))
	binary.NativeEndian.PutUint32(b[blockFirst:], first)
	at := first
	for i, f := range frames {
		e := b[at:]
		size := (mac + len(f) + 15) &^ 15
		if i+1 < len(frames) {
			binary.NativeEndian.PutUint32(e[frameNext:], uint32(size))
		}
		binary.NativeEndian.PutUint32(e[frameSec:], 1_800_000_000)
		binary.NativeEndian.PutUint32(e[frameNsec:], uint32(i))
		binary.NativeEndian.PutUint32(e[frameCaptured:], uint32(len(f)))
		binary.NativeEndian.PutUint32(e[frameLength:], uint32(len(f)))
		binary.NativeEndian.PutUint16(e[frameMAC:], mac)
		copy(e[mac:], f)
		at += size
	}
	return b[:at]
}

func TestParseBlock(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 60), bytes.Repeat([]byte{2}, 1514)
	b := blockOf(one, two)
	b[48+frameType] = packetOutgoing
	frames, err := parseBlock(b, nil)
	if err != nil || len(frames) != 2 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	if !bytes.Equal(frames[0].Data, one) || !bytes.Equal(frames[1].Data, two) {
		t.Error("the bytes are not those of the frames")
	}
	if !frames[0].Outgoing || frames[1].Outgoing {
		t.Error("the directions are wrong")
	}
	if want := time.Unix(1_800_000_000, 1).UTC(); !frames[1].At.Equal(want) {
		t.Errorf("the time is %v, want %v", frames[1].At, want)
	}
}

func TestParseBlockKeepsItsBounds(t *testing.T) {
	put32 := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.NativeEndian.PutUint32(b[at:], v); return b }
	}
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		frames int
		want   error
	}{
		"no header":        {func(b []byte) []byte { return b[:40] }, 0, errBlockHead},
		"first outside":    {put32(blockFirst, 1<<31), 0, errFrameBounds},
		"too long":         {put32(48+frameCaptured, 1<<31), 0, errFrameBounds},
		"header inside":    {func(b []byte) []byte { b[48+frameMAC] = 20; return b }, 0, errFrameBounds},
		"more than frames": {put32(blockFrames, 1<<31), 2, errFrameNext},
		"a circle":         {put32(48+frameNext, 0), 1, errFrameNext},
		"next outside":     {put32(48+frameNext, 1<<31), 1, errFrameBounds},
		"tag, no room":     {func(b []byte) []byte { b[48+frameMAC] = 70; return put32(48+frameStatus, statusVLAN)(b) }, 0, errFrameTag},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.damage(blockOf(make([]byte, 60), make([]byte, 60)))
			if frames, err := parseBlock(b, nil); len(frames) != c.frames || !errors.Is(err, c.want) {
				t.Errorf("%d frames and %v, want %d and %v", len(frames), err, c.frames, c.want)
			}
		})
	}
}

func TestParseBlockAllocatesNothing(t *testing.T) {
	b := blockOf(make([]byte, 60), make([]byte, 1514), make([]byte, 9000))
	frames := make([]Frame, 0, 8)
	if n := testing.AllocsPerRun(100, func() { frames, _ = parseBlock(b, frames[:0]) }); n != 0 {
		t.Errorf("%v allocations for a block", n)
	}
}

func FuzzParseBlock(f *testing.F) {
	f.Add(blockOf(make([]byte, 60), make([]byte, 1514)))
	tagged := blockOf(make([]byte, 60))
	binary.NativeEndian.PutUint32(tagged[48+frameStatus:], statusVLAN|statusTPID)
	f.Add(tagged)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, block []byte) {
		frames, err := parseBlock(block, nil)
		if err == nil && len(block) >= blockHdrSize && len(frames) != int(binary.NativeEndian.Uint32(block[blockFrames:])) {
			t.Errorf("%d frames of %d and no error", len(frames), binary.NativeEndian.Uint32(block[blockFrames:]))
		}
		if len(frames) > len(block)/frameEnd {
			t.Errorf("%d frames in %d bytes", len(frames), len(block))
		}
		for _, fr := range frames {
			if len(fr.Data) > len(block) || fr.Length < len(fr.Data) {
				t.Errorf("a frame of %d bytes, %d on the wire, in a block of %d", len(fr.Data), fr.Length, len(block))
			}
		}
	})
}
