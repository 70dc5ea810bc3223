package v4

import (
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// BenchmarkLease is DISCOVER to ACK of ever new clients, without the kernel.
func BenchmarkLease(b *testing.B) {
	s := newBench(b, func(c *Config) {
		c.Network.Prefix, c.Network.Server, c.Network.Router = netip.MustParsePrefix("10.0.0.0/8"), at("10.0.0.1"), at("10.0.0.1")
		c.Network.First, c.Network.Last = at("10.0.0.2"), at("10.3.255.254")
		c.NewPerSecond = 1 << 30
	})
	for i := 0; b.Loop(); i++ {
		offer := s.say(b, mac(uint32(i)), dhcpv4.MessageTypeDiscover)
		if offer == nil {
			b.Fatal(s.Counts())
		}
		s.say(b, mac(uint32(i)), dhcpv4.MessageTypeRequest, requested(offer.YourIPAddr.String()), serverID("10.0.0.1"))
		s.now = s.now.Add(1 << 22)
	}
}
