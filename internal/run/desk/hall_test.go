package desk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/capture"
	"assay/internal/run/session"
	"assay/internal/run/store"
)

// shout is an ARP frame to everybody that nobody sent.
func shout(number uint16) []byte {
	f := append(bytes.Repeat([]byte{255}, 6), 2, 9, 9)
	f = append(binary.BigEndian.AppendUint16(f, number), 1, 8, 6)
	return append(f, make([]byte, 46)...)
}

// besieged are the virtual devices, and forged ones that took every seat before and
// shout now and then, so that they keep them.
func besieged(t *testing.T) *cable {
	c := lives(t)
	begin, end := c.start.Add(-time.Second), c.start.Add(20*time.Minute)
	for at := begin; at.Before(end); at = at.Add(20 * time.Second) {
		for i := range uint16(settings.Devices) {
			c.frames = append(c.frames, capture.Frame{At: at, Length: 60, Data: shout(i)})
		}
	}
	slices.SortStableFunc(c.frames, func(a, b capture.Frame) int { return a.At.Compare(b.At) })
	c.start = begin
	return c
}

// TestARealDeviceGetsTheSeatOfAForgedOne: all seats are taken by addresses that only
// shout; devices that are answered get theirs, and their logs begin with their first
// frame.
func TestARealDeviceGetsTheSeatOfAForgedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := watch(t, lives(t), settings, nil, time.Hour).kept(t)
		w := watch(t, besieged(t), settings, nil, time.Hour)
		kept := w.kept(t)
		for _, mac := range []string{camera, plug} {
			p, ok := kept[mac]
			if !ok || p.Record().State != store.Done {
				t.Errorf("%s has no run", mac)
				continue
			}
			if got, want := own(t, w, p, mac), own(t, w, alone[mac], mac); !slices.Equal(got, want) {
				t.Errorf("%s: its log has %d frames, want %d: all from the first", mac, len(got), len(want))
			}
		}
	})
}

// question is a DNS question to the box that nobody waits to see answered.
func question(number uint16) []byte {
	ip := []byte{0x45, 0, 0, 57, 0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 77, byte(100 + number), 192, 168, 77, 1}
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	name := []byte("\x03www\x03cam\x07example\x00\x00\x01\x00\x01")
	dns := append([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, name...)
	f := slices.Concat(box[:], shout(number)[6:12], []byte{8, 0}, ip, []byte{0x9c, 0x40, 0, 53, 0, 37, 0, 0}, dns)
	return append(f, make([]byte, 2)...)
}

// TestAForgedAddressAtWorkIsNoneEither: one question makes an address look as if it were
// at work, and it then stays for as long as a device may be away.
func TestAForgedAddressAtWorkIsNoneEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lives(t)
		c.start = c.start.Add(-time.Second)
		var forged []capture.Frame
		for i := range uint16(settings.Devices) {
			forged = append(forged, capture.Frame{At: c.start, Length: 73, Data: question(i)})
		}
		c.frames = append(forged, c.frames...)
		atWork := 0
		w := watch(t, c, settings, func(w *world) {
			pass(900 * time.Millisecond)
			for _, s := range w.desk.seats {
				atWork += map[bool]int{true: 1}[s.run.State() == session.Observing]
			}
		}, time.Hour)
		if atWork != settings.Devices {
			t.Fatalf("%d forged addresses seem to be at work, the test needs %d", atWork, settings.Devices)
		}
		kept := w.kept(t)
		for _, mac := range []string{camera, plug} {
			if p, ok := kept[mac]; !ok || p.Record().State != store.Done {
				t.Errorf("%s has no run; there are %v", mac, kept)
			}
		}
	})
}

// TestALeaseIsRememberedInAFlood: who was lent an address gets a seat though a flood of
// other addresses drove it out of the hall.
func TestALeaseIsRememberedInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := besieged(t)
		device := [6]byte{2, 1, 1, 1, 1, 1}
		hello := slices.Concat(bytes.Repeat([]byte{255}, 6), device[:], []byte{8, 6}, make([]byte, 46))
		say := func(after time.Duration, data []byte) {
			c.frames = append(c.frames, capture.Frame{At: c.start.Add(after), Length: len(data), Data: data})
		}
		c.frames = c.frames[:settings.Devices:settings.Devices]
		say(time.Second, hello)
		for i := range uint16(2 * hallLimit) {
			say(1500*time.Millisecond, shout(1000+i))
		}
		for i := range uint16(2 * hallLimit) {
			say(2500*time.Millisecond, shout(5000+i))
		}
		say(3*time.Second, hello)
		w := watch(t, c, settings, func(w *world) {
			pass(2 * time.Second)
			if _, waits := w.desk.hall[device]; waits {
				t.Error("it still waits in the hall: this is no flood")
			}
			w.desk.Note(evidence.Note{Kind: "lease", Body: json.RawMessage(`{"event":"leased","mac":"` + macText(device) + `"}`)})
		}, 5*time.Second)
		if _, ok := w.kept(t)[macText(device)]; !ok {
			t.Error("it has no run")
		}
	})
}

// TestWhatFoundNoRoomIsALoss: a log that begins in the hall tells of what is not in it.
func TestWhatFoundNoRoomIsALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := besieged(t)
		device := [6]byte{2, 1, 1, 1, 1, 1}
		hello := slices.Concat(bytes.Repeat([]byte{255}, 6), device[:], []byte{8, 6}, make([]byte, 46))
		c.frames = c.frames[:settings.Devices:settings.Devices]
		for range visitorFrames + 8 {
			c.frames = append(c.frames, capture.Frame{At: c.start.Add(time.Second), Length: len(hello), Data: hello})
		}
		w := watch(t, c, settings, func(w *world) {
			pass(2 * time.Second)
			w.desk.Note(evidence.Note{Kind: "lease", Body: json.RawMessage(`{"event":"leased","mac":"` + macText(device) + `"}`)})
		}, 5*time.Second)
		_, list := w.regrade(t, w.kept(t)[macText(device)])
		packets, lost := 0, uint64(0)
		for _, e := range list {
			packets += map[bool]int{true: 1}[e.Kind == evidence.KindPacket]
			lost += e.Lost.Dropped
		}
		if packets != visitorFrames || lost != 8 {
			t.Errorf("its log has %d frames and tells of %d lost ones, want %d and 8", packets, lost, visitorFrames)
		}
	})
}

// TestWhatIsForgottenIsNoLoss: it lies before the first frame of the log.
func TestWhatIsForgottenIsNoLoss(t *testing.T) {
	v, at := &visitor{}, time.Unix(0, 0)
	for range visitorFrames + 3 {
		v.keep(capture.Frame{At: at, Data: make([]byte, 60)})
	}
	if v.missed != 3 {
		t.Errorf("%d frames were missed", v.missed)
	}
	if v.keep(capture.Frame{At: at.Add(straySilence), Data: make([]byte, 60)}); len(v.frames) != 1 || v.missed != 0 {
		t.Errorf("%d frames, %d missed", len(v.frames), v.missed)
	}
}

// own are the frames that a device sent or the box sent to it, in a log: their
// addresses and ports, since keys, nonces and so lengths are others each time.
func own(t *testing.T, w *world, p store.Place, mac string) (out []string) {
	_, list := w.regrade(t, p)
	for _, e := range list {
		if e.Kind != evidence.KindPacket {
			continue
		}
		if d := e.Packet.Data; macText([6]byte(d[0:6])) == mac || macText([6]byte(d[6:12])) == mac {
			out = append(out, fmt.Sprintf("%x %x", d[:14], d[26:38]))
		}
	}
	return out
}

// TestALeaseGivesASeat: a device that was lent an address gets a seat though nothing
// else was heard of it in return.
func TestALeaseGivesASeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := besieged(t)
		device := [6]byte{2, 1, 1, 1, 1, 1}
		hello := slices.Concat(bytes.Repeat([]byte{255}, 6), device[:], []byte{8, 6}, make([]byte, 46))
		c.frames = []capture.Frame{
			c.frames[0], c.frames[1], c.frames[2], c.frames[3],
			{At: c.start.Add(time.Second), Length: len(hello), Data: hello},
		}
		w := watch(t, c, settings, func(w *world) {
			pass(2 * time.Second)
			if _, ok := w.desk.seats[device]; ok {
				t.Error("it has a seat before it proved anything")
			}
			w.desk.Note(evidence.Note{Kind: "lease", Body: json.RawMessage(`{"event":"leased","mac":"` + macText(device) + `"}`)})
		}, 5*time.Second)
		if _, ok := w.kept(t)[macText(device)]; !ok {
			t.Errorf("runs are kept of %v", w.kept(t))
		}
	})
}

// TestTheHallIsBounded: however many frames of however many addresses come.
func TestTheHallIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, at := hall{}, time.Unix(0, 0)
		for range rapid.IntRange(0, 3*hallLimit).Draw(t, "frames") {
			at = at.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "ms")) * time.Millisecond)
			mac := [6]byte{2, byte(rapid.IntRange(0, 255).Draw(t, "a")), byte(rapid.IntRange(0, 3).Draw(t, "b"))}
			h.hear(mac, at).keep(capture.Frame{At: at, Data: make([]byte, rapid.IntRange(14, 1600).Draw(t, "size"))})
		}
		if len(h) > hallLimit {
			t.Fatalf("%d wait", len(h))
		}
		for _, v := range h {
			if len(v.frames) > visitorFrames || v.bytes > visitorBytes {
				t.Fatalf("%d frames of %d bytes are kept of one", len(v.frames), v.bytes)
			}
		}
	})
}

// TestAProvenDeviceKeepsItsSeat: another one that proves itself waits.
func TestAProvenDeviceKeepsItsSeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := settings
		one.Devices = 1
		w := watch(t, lives(t), one, nil, time.Hour)
		if kept := w.kept(t); len(kept) != 1 {
			t.Errorf("%d runs are kept, want that of the first device: %v", len(kept), kept)
		}
	})
}
