package zone

import (
	"fmt"
	"net/netip"
)

// Host is a machine of the small internet that answers on TCP or UDP.
type Host struct {
	V4 netip.Addr
	V6 netip.Addr
}

// Machines that names point to. Addresses are from the blocks for documentation
// (RFC 5737, RFC 3849), except those of public resolvers, which devices have
// built in.
var (
	CamHost     = host(10) // one cloud per vendor
	HubHost     = host(11)
	LockHost    = host(12)
	PlugHost    = host(13)
	KettleHost  = host(14)
	ToyHost     = host(15) // IPv4 only by its names
	ThingsHost  = host(16)
	WebHost     = host(80) // every zone without a cloud of its own
	TLS13Host   = host(113)
	TLS12Host   = host(112)
	TLS11Host   = host(111)
	TLS10Host   = host(110)
	ExpiredHost = host(120) // its certificate ended a month ago
	SelfHost    = host(121) // its certificate is its own authority
	WrongHost   = host(122) // its certificate is for another name
	TimeHost    = host(123)
	UpdateHost  = host(140)

	GoogleHost  = Host{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888")}
	Google2Host = Host{netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("2001:4860:4860::8844")}
	CloudHost   = Host{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700:4700::1111")}
	// ISPHost is the provider's resolver, on the uplink's own network.
	ISPHost  = Host{netip.MustParseAddr("198.51.100.53"), netip.MustParseAddr("2001:db8:100::53")}
	QuadHost = Host{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("2620:fe::fe")}
)

// host has the same last number in both families, so that people can tell in a
// capture that they belong together.
func host(n byte) Host {
	return Host{
		V4: netip.AddrFrom4([4]byte{203, 0, 113, n}),
		V6: netip.MustParseAddr(fmt.Sprintf("2001:db8:cafe::%d", n)),
	}
}

// at gives A and AAAA records of a host for a name.
func (h Host) at(name string) string {
	return fmt.Sprintf("%s A %s\n%s AAAA %s\n", name, h.V4, name, h.V6)
}
