package ra

import (
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"
)

const (
	// staleLife is the most that an address of a prefix which was taken back stays
	// valid: hosts do not shorten it below two hours anyhow (RFC 4862 section
	// 5.5.3).
	staleLife = 2 * time.Hour
	// maxStale bounds the prefixes and resolvers that are taken back at one time.
	maxStale = 8
)

// past is what was advertised and is no longer true. Devices would believe it
// until its lifetime ends, so it is advertised on with the lifetimes that end it
// (RFC 9096 section 3.5).
type past struct {
	prefixes []stalePrefix
	rdnss    []netip.Addr
	dnssl    []string
	pref64   netip.Prefix
}

type stalePrefix struct {
	Prefix
	until time.Duration // when its addresses become invalid
}

// replace records a change of network.
func (p *past) replace(old, now Network, at time.Duration) {
	p.prune(at)
	for _, o := range old.Prefixes {
		p.prefixes = append(p.prefixes, stalePrefix{o, at + min(o.Valid, staleLife)})
	}
	p.prefixes = slices.DeleteFunc(p.prefixes, func(s stalePrefix) bool {
		return slices.ContainsFunc(now.Prefixes, func(n Prefix) bool { return n.Prefix == s.Prefix.Prefix })
	})
	p.rdnss = slices.DeleteFunc(append(p.rdnss, old.RDNSS...), func(a netip.Addr) bool { return slices.Contains(now.RDNSS, a) })
	p.prefixes = p.prefixes[max(0, len(p.prefixes)-maxStale):]
	p.rdnss = p.rdnss[max(0, len(p.rdnss)-maxStale):]
	p.dnssl, p.pref64 = nil, netip.Prefix{}
	if !slices.Equal(old.DNSSL, now.DNSSL) {
		p.dnssl = slices.DeleteFunc(slices.Clone(old.DNSSL), func(d string) bool { return slices.Contains(now.DNSSL, d) })
	}
	if old.PREF64 != now.PREF64 {
		p.pref64 = old.PREF64
	}
}

// prune forgets prefixes whose addresses are invalid everywhere by now.
func (p *past) prune(at time.Duration) {
	p.prefixes = slices.DeleteFunc(p.prefixes, func(s stalePrefix) bool { return s.until <= at })
}

// told forgets what needs no further telling, once it was told often enough.
func (p *past) told() { p.rdnss, p.dnssl, p.pref64 = nil, nil, netip.Prefix{} }

// options are what an advertisement says of the past.
func (p *past) options(at time.Duration) (out []ndp.Option) {
	p.prune(at)
	for _, s := range p.prefixes {
		out = append(out, s.option((s.until-at).Truncate(time.Second), 0))
	}
	return append(out, servers(p.rdnss, p.dnssl, p.pref64, 0)...)
}
