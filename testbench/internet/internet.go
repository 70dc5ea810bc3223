// Package internet is the small internet of the lab: a signed root, top-level
// domains and vendors' zones with their own name servers, an internet provider
// with its resolver and its side of the uplink, public resolvers, and the
// servers that devices talk to. It runs on any serve.Host: a namespace of the
// lab, or a loopback inside one.
//
// The pieces: zone has the data and the answers, authority puts answers on
// sockets, provider is what the internet provider gives, servers are those that
// names point to, serve keeps their lives together. None of them knows the
// gateway.
package internet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/testbench/internet/authority"
	"assay/testbench/internet/provider"
	"assay/testbench/internet/serve"
	"assay/testbench/internet/servers"
	"assay/testbench/internet/zone"
)

// Host is where the internet's servers live; lab.Site.Host gives one.
type Host = serve.Host

// Options say what this internet is like. The zero value is a good one without
// an uplink service: everything signed, IPv4 and IPv6.
type Options struct {
	// Clock is the time that signatures and certificates go by; nil is time.Now.
	Clock func() time.Time
	// Seed decides all keys of zones.
	Seed uint64
	// WANLink names the link to the gateway ("net0" in the lab). If it is set,
	// the provider's DHCPv4, router advertisements and DHCPv6 are served there;
	// the link must be up and have the addresses RouterV4 and RouterV6.
	WANLink string
	// Inside runs a function where WANLink is (lab.Site.Do); nil: right here.
	Inside func(func() error) error
	// Lease is for how long the provider lends an IPv4 address; an hour when 0.
	Lease time.Duration
	// NoDelegation: the provider gives no IPv6 prefix, so that only NAT66 is left.
	NoDelegation bool
	// NoIPv6: the uplink has no IPv6 at all: no advertisements, no DHCPv6.
	NoIPv6 bool
	// PlainResolver: the provider's resolver knows no EDNS and no DNSSEC. The
	// public resolvers stay as they are.
	PlainResolver bool
}

// The provider's side of the uplink. The lab gives net0 these addresses.
const (
	RouterV4 = "198.51.100.1/24"
	RouterV6 = "2001:db8:100::1/64"
	// LeasesFrom is the first address that DHCPv4 gives away.
	LeasesFrom = "198.51.100.100"
	// Delegated is what prefixes are cut from, /60 each.
	Delegated = "2001:db8:f000::/48"
)

// Internet runs until Close. The methods of its universe say what is in it:
// Answer, Zones, Names, RootKeys, RootDS, TrustAnchorFile, AnchorStatement,
// RootHints, Servers.
type Internet struct {
	*zone.Universe
	group *serve.Group
	ca    *servers.CA
}

// Start makes the zones and starts all servers on the host.
func Start(ctx context.Context, h Host, o Options) (*Internet, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	u, err := zone.NewUniverse(o.Seed, o.Clock)
	if err != nil {
		return nil, fmt.Errorf("cannot make the zones of the internet: %w", err)
	}
	ca, err := servers.NewCA(o.Clock)
	if err != nil {
		return nil, fmt.Errorf("cannot make the internet's certificates: %w", err)
	}
	i := &Internet{Universe: u, group: serve.NewGroup(h), ca: ca}
	if err := i.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start the internet: %w", err), i.Close())
	}
	return i, nil
}

func (i *Internet) start(ctx context.Context, o Options) error {
	for _, step := range []func(context.Context, Options) error{i.names, i.resolvers, i.machines, i.uplink} {
		if err := step(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// names starts the name servers of all zones.
func (i *Internet) names(ctx context.Context, _ Options) error {
	for _, s := range i.Servers() {
		answer := func(q *dns.Msg) *dns.Msg { return i.Authority(q, s.Zone) }
		for _, at := range []netip.Addr{s.V4, s.V6} {
			if err := authority.Plain(ctx, i.group, at, answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolvers starts the provider's resolver and the public ones.
func (i *Internet) resolvers(ctx context.Context, o Options) error {
	answer := i.Answer
	if o.PlainResolver {
		answer = provider.Plain(answer)
	}
	config := i.config(servers.Profile{}, "resolver.isp.example", zone.ISPHost)
	if err := provider.Resolver(ctx, i.group, i.ResolverAddrs(), config, answer); err != nil {
		return err
	}
	for _, p := range public() {
		config := i.config(servers.Profile{}, p.name, p.host)
		if err := provider.Public(ctx, i.group, []netip.Addr{p.host.V4, p.host.V6}, config, i.Answer); err != nil {
			return err
		}
	}
	return nil
}

// config is the TLS of a machine with a name and two addresses.
func (i *Internet) config(p servers.Profile, name string, h zone.Host) *tls.Config {
	return i.ca.Config(p, name, []netip.Addr{h.V4, h.V6}, i.Owner)
}

// uplink starts the provider's side of the link to the gateway.
func (i *Internet) uplink(ctx context.Context, o Options) error {
	if o.WANLink == "" {
		return nil
	}
	u := provider.Uplink{
		Link: o.WANLink, RouterV4: netip.MustParsePrefix(RouterV4), RouterV6: netip.MustParsePrefix(RouterV6),
		First: netip.MustParseAddr(LeasesFrom), Resolvers: i.ResolverAddrs(), NoIPv6: o.NoIPv6, Lease: o.Lease, Inside: o.Inside,
	}
	if !o.NoDelegation {
		u.Pool = netip.MustParsePrefix(Delegated)
	}
	return u.Offer(ctx, i.group)
}

// ResolverAddrs are the addresses of the provider's resolver: UDP and TCP on
// port 53, TLS on 853 in the name of resolver.isp.example.
func (i *Internet) ResolverAddrs() []netip.Addr {
	return []netip.Addr{zone.ISPHost.V4, zone.ISPHost.V6}
}

// CAPEM is the certificate of the lab's public authority, to be trusted by
// devices like those that come with an operating system.
func (i *Internet) CAPEM() []byte { return i.ca.PEM() }

// Certificate is a trusted certificate for a name that is nobody's here, and its key:
// what an operator brings along. Both are PEM.
func (i *Internet) Certificate(name string) (chain, key []byte, err error) {
	return i.ca.Certificate(name)
}

// Close ends all servers and waits for them. It may be called again.
func (i *Internet) Close() error { return i.group.Close() }
