package provider

import (
	"net/netip"
	"time"
)

// Uplink is what the provider offers on the link to a home's gateway.
type Uplink struct {
	// Link is the interface to the gateway; it has RouterV4 and a link-local
	// address, and RouterV6's prefix is on it.
	Link     string
	RouterV4 netip.Prefix // the provider's address and network
	RouterV6 netip.Prefix
	// First is the first of the addresses that DHCPv4 gives away.
	First netip.Addr
	// Resolvers are told by DHCPv4, DHCPv6 and in advertisements.
	Resolvers []netip.Addr
	// Pool is what prefixes are cut from; the zero value delegates none.
	Pool netip.Prefix
	// Lease is for how long DHCPv4 lends an address; an hour when 0.
	Lease time.Duration
	// NoIPv6 leaves out advertisements and DHCPv6.
	NoIPv6 bool
	// Inside runs a function in the link's network namespace; nil: right here.
	Inside func(func() error) error
}

const (
	leaseTime     = time.Hour
	renewTime     = leaseTime / 2
	rebindTime    = leaseTime * 7 / 8
	advertiseTime = 10 * time.Second // between unasked router advertisements
	maxClients    = 64               // leases and delegations, each; a lab has one gateway
	delegatedBits = 60
)

func (u Uplink) inside(f func() error) error {
	if u.Inside == nil {
		return f()
	}
	return u.Inside(f)
}

// resolvers returns the resolvers' addresses of one family.
func (u Uplink) resolvers(is4 bool) (out []netip.Addr) {
	for _, a := range u.Resolvers {
		if a.Is4() == is4 {
			out = append(out, a)
		}
	}
	return out
}

// clients gives numbers to whoever asks, the same number to the same client.
type clients struct {
	numbers map[string]int
}

// number returns ok=false where all numbers are given away.
func (c *clients) number(id string) (n int, ok bool) {
	if n, ok = c.numbers[id]; ok {
		return n, true
	}
	if c.numbers == nil {
		c.numbers = map[string]int{}
	}
	if len(c.numbers) >= maxClients {
		return 0, false
	}
	n = len(c.numbers)
	c.numbers[id] = n
	return n, true
}
