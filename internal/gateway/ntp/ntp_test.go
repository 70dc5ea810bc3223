package ntp

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/evidence"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 500_000_000, time.UTC)

func rightClock() Clock {
	return Clock{
		Synchronised: true, Stratum: 3, Reference: [4]byte{198, 51, 100, 7}, Updated: noon.Add(-time.Minute),
		RootDelay: 15625 * time.Microsecond, RootDispersion: 31250 * time.Microsecond,
	}
}

func newServer(t testing.TB, clock func() Clock, note func(evidence.Note)) *Server {
	t.Helper()
	s, err := New(Config{
		Open: func() (Conn, error) { return nil, nil }, Clock: clock, Note: note, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask is a question as the named client sends it, transmit timestamp 1..8.
func ask(first byte) []byte {
	p := make([]byte, packetLen)
	p[0], p[2] = first, 6
	copy(p[40:], "\x01\x02\x03\x04\x05\x06\x07\x08")
	return p
}

var client = netip.MustParseAddr("192.168.77.100")

// TestAnswer compares all fields with figure 8 of RFC 5905, worked out by hand:
// noon of 2026-11-23 is 4004424000 seconds after 1900.
func TestAnswer(t *testing.T) {
	s := newServer(t, rightClock, nil)
	for first, want := range map[byte]string{0x23: "24", 0x1b: "1c", 0x13: "14", 0x0b: "0c", 0xe3: "24"} {
		got, ok := s.handle(noon, ask(first), client)
		whole := want + "0306ec" + "00000400" + "00000800" + "c6336407" + // stratum, poll, precision, root, reference
			"eeaea90480000000" + "0102030405060708" + "eeaea94080000000" + "eeaea94080000000"
		if !ok || hex.EncodeToString(got[:]) != whole {
			t.Errorf("to %#x: %t %x\nwant           %s", first, ok, got, whole)
		}
	}
}

func TestOffsetMovesEveryTime(t *testing.T) {
	c := rightClock()
	c.Offset = 400 * 24 * time.Hour
	s := newServer(t, func() Clock { return c }, nil)
	got, _ := s.handle(noon, ask(0x23), client)
	for _, at := range []int{16, 32, 40} {
		shift := binary.BigEndian.Uint32(got[at:]) - uint32(noon.Unix()-eraStart)
		if want := uint32(400 * 86400); shift != want && shift != want-60 {
			t.Errorf("the time at byte %d is moved by %d seconds", at, int32(shift))
		}
	}
}

// TestWrongClockSaysSo: stratum 0 and leap indicator 3 with the code INIT, and no
// time that a careless client could take.
func TestWrongClockSaysSo(t *testing.T) {
	for name, c := range map[string]Clock{
		"never set":       {},
		"stratum missing": {Synchronised: true},
		"stratum 16":      {Synchronised: true, Stratum: 16},
		"leap unknown":    {Synchronised: true, Stratum: 2, Leap: LeapUnknown},
	} {
		s := newServer(t, func() Clock { return c }, nil)
		got, ok := s.handle(noon, ask(0x23), client)
		if !ok || got[0] != 0xe4 || got[1] != 0 || string(got[12:16]) != "INIT" {
			t.Errorf("%s: answered %t %x", name, ok, got)
		}
		if transmit := string(got[40:48]); transmit != "\x01\x02\x03\x04\x05\x06\x07\x08" {
			t.Errorf("%s: tells the time %x", name, transmit)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		packet []byte
		from   string
		reason string
	}{
		"empty":            {nil, "192.168.77.100", "malformed"},
		"short":            {ask(0x23)[:47], "192.168.77.100", "malformed"},
		"version 0":        {ask(0x03), "192.168.77.100", "unknown version"},
		"version 5":        {ask(0x2b), "192.168.77.100", "unknown version"},
		"symmetric":        {ask(0x21), "192.168.77.100", "not a client's question"},
		"server":           {ask(0x24), "192.168.77.100", "not a client's question"},
		"broadcast":        {ask(0x25), "192.168.77.100", "not a client's question"},
		"control":          {ask(0x26), "192.168.77.100", "control or private message"},
		"monlist":          {append([]byte{0x17, 0, 3, 0x2a}, make([]byte, 188)...), "192.168.77.100", "control or private message"},
		"from a multicast": {ask(0x23), "224.0.1.1", "from an address that cannot be answered"},
	} {
		var notes []evidence.Note
		s := newServer(t, rightClock, func(n evidence.Note) { notes = append(notes, n) })
		if got, ok := s.handle(noon, c.packet, netip.MustParseAddr(c.from)); ok {
			t.Errorf("%s: answered %x", name, got)
		}
		if n := s.Counts()["refused: "+c.reason]; n != 1 {
			t.Errorf("%s: counted %v", name, s.Counts())
		}
		if len(notes) != 1 || notes[0].Kind != "refused" || !strings.Contains(string(notes[0].Body), c.reason) {
			t.Errorf("%s: noted %v", name, notes)
		}
	}
}

func kindOf(answer [packetLen]byte, ok bool) string {
	switch {
	case !ok:
		return "silent"
	case string(answer[12:16]) == "RATE":
		return "rate"
	}
	return "time"
}

// TestTooManyQuestions: sixteen answers, one kiss of death, then silence; another
// client is not touched, and after a while the first is answered again.
func TestTooManyQuestions(t *testing.T) {
	var notes []evidence.Note
	s := newServer(t, rightClock, func(n evidence.Note) { notes = append(notes, n) })
	kinds := map[string]int{}
	for range 1000 {
		got, ok := s.handle(noon, ask(0x23), client)
		kinds[kindOf(got, ok)]++
	}
	if kinds["time"] != clientBurst || kinds["rate"] != 1 || kinds["silent"] != 1000-clientBurst-1 {
		t.Errorf("a thousand questions at once: %v", kinds)
	}
	if _, ok := s.handle(noon, ask(0x23), netip.MustParseAddr("fd00::1")); !ok {
		t.Error("another client got no answer")
	}
	if got, ok := s.handle(noon.Add(4*time.Second), ask(0x23), client); !ok || got[1] != 3 {
		t.Errorf("four seconds later: %t %x", ok, got)
	}
	if len(notes) != 1 {
		t.Errorf("a flood made %d notes", len(notes))
	}
}

// TestForgedSources: a flood from ever new addresses is answered at most totalRate
// times a second, and remembers a bounded number of them.
func TestForgedSources(t *testing.T) {
	s := newServer(t, rightClock, nil)
	answers := 0
	for i := range uint32(20000) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0xc0a80000+i%65000)
		if _, ok := s.handle(noon, ask(0x23), netip.AddrFrom4(a)); ok {
			answers++
		}
	}
	if answers > totalRate {
		t.Errorf("%d answers in one moment", answers)
	}
}

func TestTimestampsBeyond2036(t *testing.T) {
	at := time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC) // the first second of era 1
	if got := stamp(at); got != 0 {
		t.Errorf("era 1 starts at %x", got)
	}
	if got := stamp(time.Time{}); got != 0 {
		t.Errorf("no time is %x", got)
	}
	if got := short(100 * time.Hour); got != 0xffff0000 {
		t.Errorf("a long delay is %x", got)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(ask(0x23), true)
	f.Add(ask(0x1b), false)
	f.Add(append(ask(0xe3), make([]byte, 20)...), true)
	f.Add([]byte{0x17, 0, 3, 0x2a}, true)
	f.Fuzz(func(t *testing.T, p []byte, right bool) {
		s := newServer(t, func() Clock {
			if right {
				return rightClock()
			}
			return Clock{}
		}, func(n evidence.Note) {
			if !json.Valid(n.Body) {
				t.Errorf("note %s", n.Body)
			}
		})
		got, ok := s.handle(noon, p, client)
		if !ok {
			return
		}
		if len(p) < len(got) {
			t.Errorf("%d bytes answer a question of %d", len(got), len(p))
		}
		if got[0]&7 != modeServer || got[0]>>3&7 != p[0]>>3&7 || string(got[24:32]) != string(p[40:48]) {
			t.Errorf("%x does not answer %x", got, p)
		}
	})
}
