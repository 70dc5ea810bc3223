//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"assay/internal/gateway/dhcp/v4"
)

// testdata/perfdhcp.txt is what perfdhcp 2.2.0 printed when it asked Kea for more
// than it can give.
func TestParse(t *testing.T) {
	text, err := os.ReadFile("testdata/perfdhcp.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := sample{perSecond: 6451.07, discovers: 19857, acks: 7191, offerMS: 3.467, ackMS: 2.842}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, cut := range []string{"Rate: ", "***Statistics for: REQUEST-ACK***", "sent packets: "} {
		if got, err := parse(strings.ReplaceAll(string(text), cut, "?")); err == nil {
			t.Errorf("without %q it is read as %+v", cut, got)
		}
	}
}

func TestNothingCame(t *testing.T) {
	const text = "Rate: 0 4-way exchanges/second, expected rate: 500\n***Statistics for: DISCOVER-OFFER***\nsent packets: 1499\n" +
		"received packets: 0\navg delay: n/a\n***Statistics for: REQUEST-ACK***\nsent packets: 0\nreceived packets: 0\navg delay: n/a\n"
	got, err := parse(text)
	if err != nil || got != (sample{discovers: 1499}) || got.without() != percent {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		rates   string
		seconds int
		fits    bool
	}{
		{"1000,2500, 5000", 2, true}, {"", 2, false}, {"0", 2, false}, {"-1", 2, false}, {"x", 2, false},
		{"2,1", 2, false}, {"5,5", 2, false}, {"100000", 2, false}, {"5", 0, false}, {"5", 21, false},
	} {
		s := settings{rates: c.rates, seconds: c.seconds}
		var err error
		if s.offered, err = numbers(c.rates); err == nil {
			err = s.check()
		}
		if (err == nil) != c.fits {
			t.Errorf("%q for %d s: %v", c.rates, c.seconds, err)
		}
	}
}

func TestCarried(t *testing.T) {
	s := settings{drops: 1}
	v := server{steps: []step{
		{1000, sample{perSecond: 999, discovers: 2000, acks: 1999}},
		{2000, sample{perSecond: 1990, discovers: 4000, acks: 3970}},
		{4000, sample{perSecond: 3000, discovers: 8000, acks: 6000}},
		{8000, sample{perSecond: 2000, discovers: 4000, acks: 4000}}, // perfdhcp itself came too late
	}}
	if best, ok := v.best(s); !ok || best.offered != 2000 {
		t.Errorf("the best is %+v", best)
	}
	if most := v.most(); most.offered != 4000 {
		t.Errorf("the most is %+v", most)
	}
}

// TestRedirect: an answer to a client goes to the relay, and its header is right.
func TestRedirect(t *testing.T) {
	frame := make([]byte, messageAt+messageMin)
	copy(frame[ipAt:], []byte{0x45, 0x10, 1, 14, 0, 0, 0x40, 0, 64, 17, 0xff, 0xff, 10, 0, 0, 1, 10, 1, 0, 7, 0, 67, 0, 68})
	mac := v4.MAC{0, 0, 0x5e, 0, 0x53, 1}
	redirect(frame, mac)
	var sum uint32
	for i := ipAt; i < ipAt+20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(frame[i:]))
	}
	if sum = sum>>16 + sum&0xffff; sum != 0xffff {
		t.Errorf("the checksum is wrong: %x", sum)
	}
	if v4.MAC(frame[:6]) != mac || [4]byte(frame[ipDstAt:]) != relay.As4() || [4]byte(frame[messageAt+giaddrAt:]) != relay.As4() || frame[udpDstAt+1] != relayPort {
		t.Errorf("not to the relay: %x", frame[:messageAt+32])
	}
}
