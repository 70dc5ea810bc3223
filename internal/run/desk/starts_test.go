package desk

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/gateway/capture"
)

// ask4 is a DHCP message of a client as RFC 2131 section 2 has it.
func ask4(kind byte, inUse bool) []byte {
	b := make([]byte, 14+20+8+240)
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip := b[14:]
	ip[0], ip[9] = 0x45, protoUDP
	binary.BigEndian.PutUint16(ip[22:], 67)
	ip[28] = 1
	if inUse {
		ip[28+12] = 192
	}
	copy(ip[28+236:], []byte{0x63, 0x82, 0x53, 0x63})
	return append(b, 0, 61, 2, 0, 1, 53, 1, kind, 255)
}

func ask6(next byte, port uint16, kind byte) []byte {
	b := make([]byte, 14+40+12)
	binary.BigEndian.PutUint16(b[12:], 0x86dd)
	ip := b[14:]
	ip[0], ip[6] = 0x60, next
	if next == protoICMPv6 {
		ip[40] = kind
		return b
	}
	binary.BigEndian.PutUint16(ip[42:], port)
	ip[48] = kind
	return b
}

func TestWhatAsksForANetwork(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  Starts
	}{
		"DHCPDISCOVER":           {ask4(1, false), Starts{IPv4: 1}},
		"DHCPREQUEST at a start": {ask4(3, false), Starts{IPv4: 1}},
		"renewal":                {ask4(3, true), Starts{}},
		"DHCPINFORM":             {ask4(8, true), Starts{}},
		"Router Solicitation":    {ask6(protoICMPv6, 0, 133), Starts{IPv6: 1}},
		"Neighbour Solicitation": {ask6(protoICMPv6, 0, 135), Starts{}},
		"Solicit":                {ask6(protoUDP, 547, 1), Starts{IPv6: 1}},
		"Confirm":                {ask6(protoUDP, 547, 4), Starts{IPv6: 1}},
		"Renew":                  {ask6(protoUDP, 547, 5), Starts{}},
		"another port":           {ask6(protoUDP, 53, 1), Starts{}},
		"nothing":                {nil, Starts{}},
	} {
		var s starts
		s.frame(time.Unix(1_700_000_000, 0), c.frame)
		if s.Starts != c.want {
			t.Errorf("%s counts as %+v", name, s.Starts)
		}
	}
}

// TestADeviceThatWasThereAllTheTime has not started afresh, whatever it asks.
func TestADeviceThatWasThereAllTheTime(t *testing.T) {
	var s starts
	at := time.Unix(1_700_000_000, 0)
	other := ask6(protoUDP, 53, 0)
	for range 60 {
		s.frame(at, other)
		at = at.Add(time.Second)
	}
	s.frame(at, ask4(1, false))
	if s.Starts != (Starts{}) {
		t.Errorf("counted %+v", s.Starts)
	}
	s.frame(at.Add(5*time.Second), other) // what a kernel says before it asks
	s.frame(at.Add(6*time.Second), ask6(protoICMPv6, 0, 133))
	if s.Starts != (Starts{IPv6: 1}) {
		t.Errorf("after a silence %+v", s.Starts)
	}
}

func TestTheCableWasOut(t *testing.T) {
	var s starts
	at := time.Unix(1_700_000_000, 0)
	frame := ask6(protoUDP, 53, 0)
	for _, c := range []capture.LinkChange{capture.LinkUp, capture.LinkDown, capture.LinkUp, capture.LinkUp} {
		s.link(c)
	}
	if s.Cable != 0 {
		t.Error("a cable alone is no device")
	}
	s.frame(at, frame)
	s.frame(at, frame)
	if s.Cable != 1 {
		t.Errorf("counted %d", s.Cable)
	}
}

// TestNoFrameHarms: whatever arrives, nothing panics.
func TestNoFrameHarms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seeds := [][]byte{ask4(1, false), ask6(protoICMPv6, 0, 133), ask6(protoUDP, 547, 1)}
		b := rapid.SampledFrom(seeds).Draw(t, "seed")
		b = append([]byte(nil), b[:rapid.IntRange(0, len(b)).Draw(t, "cut")]...)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			if len(b) > 0 {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		var s starts
		s.frame(time.Unix(1, 0), b)
		if s.IPv4+s.IPv6 > 1 {
			t.Fatalf("one frame counts as %+v", s.Starts)
		}
	})
}
