package v4

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// TestConflict: an address that somebody answers for is not offered.
func TestConflict(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Probe = 0 })
	if got := b.say(t, mac(1), dhcpv4.MessageTypeDiscover); got != nil || len(b.sent) != 1 {
		t.Fatalf("offered %v without a probe", got)
	}
	claim := arpProbe(mac(7), at("192.168.77.100"))
	copy(claim[28:], at("192.168.77.100").AsSlice()) // of the sender: an answer
	b.heard(claim)
	b.now = b.now.Add(time.Second)
	b.due()
	offer := b.answer(t)
	if offer == nil || offer.YourIPAddr.String() != "192.168.77.101" {
		t.Fatalf("after the conflict: %v", offer)
	}
	b.heard(claim[:20])
	b.sent = nil
	b.say(t, mac(1), dhcpv4.MessageTypeDiscover)
	if offer = b.answer(t); offer == nil || offer.YourIPAddr.String() != "192.168.77.101" {
		t.Errorf("asked again at once: %v", offer)
	}
}

// TestLiar: somebody who answers for every address costs a bounded number of frames.
func TestLiar(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Probe = 0 })
	b.say(t, mac(1), dhcpv4.MessageTypeDiscover)
	for range 50 {
		if len(b.sent) == 0 || len(b.sent[len(b.sent)-1]) != arpLen {
			break
		}
		f := b.sent[len(b.sent)-1]
		claim := arpProbe(mac(7), at("192.168.77.1"))
		copy(claim[28:], f[38:42])
		b.sent = nil
		b.heard(claim)
	}
	if n := b.Counts()["probe"]; n != maxTaken+1 {
		t.Errorf("%d probes", n)
	}
}
