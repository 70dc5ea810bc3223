//go:build linux

package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// testType is an EtherType that nobody else uses on the cable (IEEE 802 local
// experimental 2).
const testType = 0x88b6

func open(t testing.TB, cfg Config) *Capture {
	t.Helper()
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Release(); c.Close() })
	return c
}

// frameOf makes a frame of the test's own type with a number in it.
func frameOf(number, size int) []byte {
	f := make([]byte, max(size, 18))
	copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, testType >> 8, testType & 0xff})
	binary.BigEndian.PutUint32(f[14:], uint32(number))
	for i := 18; i < len(f); i++ {
		f[i] = byte(i * number)
	}
	return f
}

// collect reads until n frames of the test have come, or nothing comes for long.
func collect(t *testing.T, c *Capture, n int) []Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var out []Frame
	for len(out) < n {
		batch, err := c.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d frames: %v (%+v)", len(out), n, err, c.Counts())
		}
		for _, f := range batch.Frames {
			f.Data = bytes.Clone(f.Data)
			out = append(out, f)
		}
	}
	return out
}

func TestEveryFrameArrivesOnceAsItWas(t *testing.T) {
	box, device := cable(t)
	c := open(t, Config{Interface: "box"})
	in, out := newSender(t, device), newSender(t, box)
	random := rand.New(rand.NewPCG(1, 2))
	before := time.Now()
	const frames = 2000
	var want [][]byte
	for i := range frames {
		frame := frameOf(i, 60+random.IntN(1455))
		want = append(want, frame)
		if i%3 == 0 {
			out.send(frame)
		} else {
			in.send(frame)
		}
	}
	got := collect(t, c, frames)
	after := time.Now()
	if len(got) != frames { // not one of them twice
		t.Fatalf("%d frames arrived, %d were sent", len(got), frames)
	}
	sameFrames(t, got, want)
	timesFit(t, got, before, after)
	if n := c.Counts(); n.Seen != frames || n.Dropped != 0 || n.Delivered != frames || n.Damaged != 0 {
		t.Errorf("the counts are %+v", n)
	}
}

// sameFrames checks that what came is what was sent, every third frame by the box.
func sameFrames(t *testing.T, got []Frame, want [][]byte) {
	t.Helper()
	for i, f := range got {
		if !bytes.Equal(f.Data, want[i]) || f.Length != len(want[i]) || f.Outgoing != (i%3 == 0) {
			t.Fatalf("frame %d: %d bytes of %d, outgoing %v; sent were %d", i, len(f.Data), f.Length, f.Outgoing, len(want[i]))
		}
	}
}

// timesFit checks that the frames were taken between two moments and, but for a
// clock's error, one after the other.
func timesFit(t *testing.T, got []Frame, before, after time.Time) {
	t.Helper()
	for i, f := range got {
		switch {
		case f.At.Before(before.Add(-time.Second)) || f.At.After(after.Add(time.Second)):
			t.Errorf("frame %d: the time stamp %v is not between %v and %v", i, f.At, before, after)
		case i > 0 && f.At.Before(got[i-1].At.Add(-time.Millisecond)):
			t.Errorf("frame %d: its time stamp is %v before that of the frame before", i, got[i-1].At.Sub(f.At))
		case f.At.Location() != time.UTC:
			t.Errorf("frame %d: the time is not in UTC", i)
		}
	}
}

func TestFramesForOthersAreSeen(t *testing.T) {
	_, device := cable(t)
	c := open(t, Config{Interface: "box"})
	if c.Address() != [6]byte(link(t, "box").Attrs().HardwareAddr) {
		t.Errorf("the address is %x", c.Address())
	}
	if n := link(t, "box").Attrs().Promisc; n != 1 {
		t.Errorf("the interface's count of promiscuity is %d", n)
	}
	newSender(t, device).send(frameOf(1, 60))
	collect(t, c, 1)
}

func TestTagsArePutBack(t *testing.T) {
	_, device := cable(t)
	c := open(t, Config{Interface: "box"})
	in := newSender(t, device)
	var want [][]byte
	for i, tag := range [][]byte{{0x81, 0x00, 0x20, 0x64}, {0x88, 0xa8, 0x00, 0x07}, {0x81, 0x00, 0xe0, 0x00}} {
		plain := frameOf(i, 100)
		frame := append(append(bytes.Clone(plain[:12]), tag...), plain[12:]...)
		want = append(want, frame)
		in.send(frame)
	}
	for i, f := range collect(t, c, len(want)) {
		if !bytes.Equal(f.Data, want[i]) || f.Length != len(want[i]) {
			t.Errorf("frame %d: got %x, %d bytes on the wire; sent was %x", i, f.Data[:24], f.Length, want[i][:24])
		}
	}
}

func TestLossIsCounted(t *testing.T) {
	_, device := cable(t)
	c := open(t, Config{Interface: "box", BlockSize: minBlockSize, Blocks: 2})
	s := newSender(t, device)
	const frames = 20_000
	for i := range frames {
		s.send(frameOf(i, 300))
	}
	var got uint64
	idle, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	for {
		batch, err := c.Next(idle)
		if err != nil {
			break
		}
		got += uint64(len(batch.Frames))
	}
	n := c.Counts()
	if again := c.Counts(); again != n { // reading them sets the kernel's to zero
		t.Errorf("the counts were %+v and are %+v", n, again)
	}
	if n.Dropped == 0 || n.Freezes == 0 {
		t.Errorf("a ring of 256 KiB lost nothing of 6 MB: %+v", n)
	}
	if got+n.Dropped != frames || n.Seen != frames || n.Delivered != got {
		t.Errorf("%d received + %d dropped are not the %d sent: %+v", got, n.Dropped, frames, n)
	}
	s.send(frameOf(1, 60)) // the ring is usable again
	collect(t, c, 1)
}

func TestLinkDownAndUpAndGone(t *testing.T) {
	box, device := cable(t)
	c := open(t, Config{Interface: "box"})
	last := LinkSame
	expect := func(want LinkChange) {
		t.Helper()
		for last != want {
			last = nextChange(t, c, last)
		}
	}
	expect(LinkUp)
	for range 3 {
		if err := netlink.LinkSetDown(box); err != nil { // switched off: ENETDOWN
			t.Fatal(err)
		}
		expect(LinkDown)
		up(t, box)
		expect(LinkUp)
		if err := netlink.LinkSetDown(device); err != nil { // no carrier
			t.Fatal(err)
		}
		expect(LinkDown)
		up(t, device)
		expect(LinkUp)
	}
	newSender(t, device).send(frameOf(1, 60))
	collect(t, c, 1)
	newSender(t, device).send(frameOf(2, 60)) // still in the ring when the interface goes
	if err := netlink.LinkDel(box); err != nil {
		t.Fatal(err)
	}
	collect(t, c, 1)
	if _, err := c.Next(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("after the interface has gone: %v", err)
	}
}

// nextChange waits until the link changes from what it was.
func nextChange(t *testing.T, c *Capture, was LinkChange) LinkChange {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		batch, err := c.Next(ctx)
		switch {
		case err != nil:
			t.Fatalf("the link stays %v: %v", was, err)
		case batch.Link == LinkSame:
		case batch.Link == was || time.Since(batch.At) > time.Minute:
			t.Fatalf("the link was %v and is told to be %v since %v", was, batch.Link, batch.At)
		default:
			return batch.Link
		}
	}
}
