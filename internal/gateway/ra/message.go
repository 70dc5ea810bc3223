package ra

import (
	"net/netip"
	"time"

	"github.com/mdlayher/ndp"
)

// message is the advertisement of a network. life is how long resolvers, search
// list and NAT64 prefix stay good when no further advertisement comes. Call it
// with defaults filled in.
func (n Network) message(mac [6]byte, life time.Duration) *ndp.RouterAdvertisement {
	m := &ndp.RouterAdvertisement{
		CurrentHopLimit: n.HopLimit, ManagedConfiguration: n.Managed, OtherConfiguration: n.Other,
		RouterLifetime: max(0, n.Router),
	}
	if mac != [6]byte{} {
		m.Options = append(m.Options, &ndp.LinkLayerAddress{Direction: ndp.Source, Addr: mac[:]})
	}
	if n.MTU > 0 {
		m.Options = append(m.Options, ndp.NewMTU(n.MTU))
	}
	for _, p := range n.Prefixes {
		m.Options = append(m.Options, p.option(p.Valid, p.Preferred))
	}
	m.Options = append(m.Options, servers(n.RDNSS, n.DNSSL, n.PREF64, life)...)
	return m
}

func (p Prefix) option(valid, preferred time.Duration) ndp.Option {
	return &ndp.PrefixInformation{
		PrefixLength: uint8(p.Prefix.Bits()), Prefix: p.Prefix.Addr(), OnLink: p.OnLink,
		AutonomousAddressConfiguration: p.Autonomous, ValidLifetime: valid, PreferredLifetime: preferred,
	}
}

// servers are the options that RFC 8106 and RFC 8781 define; a life of zero takes
// them back.
func servers(rdnss []netip.Addr, dnssl []string, pref64 netip.Prefix, life time.Duration) (out []ndp.Option) {
	if len(rdnss) > 0 {
		out = append(out, &ndp.RecursiveDNSServer{Lifetime: life, Servers: rdnss})
	}
	if len(dnssl) > 0 {
		out = append(out, &ndp.DNSSearchList{Lifetime: life, DomainNames: dnssl})
	}
	if pref64.IsValid() {
		out = append(out, &ndp.PREF64{Lifetime: life, Prefix: pref64})
	}
	return out
}
