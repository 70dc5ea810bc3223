package fact

import (
	"net/netip"
	"slices"
	"strings"
)

// publicResolverNames are the names under which public resolvers offer DNS over
// HTTPS, TLS or QUIC, as their operators publish them and as the curl project's
// list of DNS-over-HTTPS servers and AdGuard's list of known DNS providers
// repeat them (read in November 2026). A name stands for its sub-names too.
// Names that also serve ordinary web pages are left out.
var publicResolverNames = map[string]bool{
	"dns.google": true, "dns.google.com": true, "dns64.dns.google": true,
	"cloudflare-dns.com": true, "one.one.one.one": true, "1dot1dot1dot1.cloudflare-dns.com": true, "dns.cloudflare.com": true,
	"dns.quad9.net": true, "dns9.quad9.net": true, "dns10.quad9.net": true, "dns11.quad9.net": true,
	"doh.opendns.com": true, "dns.opendns.com": true, "doh.familyshield.opendns.com": true, "dns.umbrella.com": true,
	"dns.adguard-dns.com": true, "family.adguard-dns.com": true, "unfiltered.adguard-dns.com": true,
	"dns.adguard.com": true, "dns-family.adguard.com": true, "dns-unfiltered.adguard.com": true,
	"dns.nextdns.io": true, "doh.cleanbrowsing.org": true,
	"dns.alidns.com": true, "doh.pub": true, "dot.pub": true, "doh.360.cn": true, "dot.360.cn": true,
	"doh.dns.sb": true, "dot.sb": true, "dns.twnic.tw": true, "doh.xfinity.com": true, "dot.xfinity.com": true,
	"dns.mullvad.net": true, "freedns.controld.com": true, "dns.controld.com": true, "ordns.he.net": true,
	"dns.switch.ch": true, "dns.digitale-gesellschaft.ch": true, "doh.libredns.gr": true, "dot.libredns.gr": true,
	"canadianshield.cira.ca": true, "doh.applied-privacy.net": true, "odvr.nic.cz": true, "dns0.eu": true, "doh.dns.apple.com": true,
}

// publicResolverAddrs are addresses that public resolvers use for nothing else.
var publicResolverAddrs = []netip.Addr{
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("8.8.4.4"),
	netip.MustParseAddr("2001:4860:4860::8888"), netip.MustParseAddr("2001:4860:4860::8844"),
	netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("1.0.0.1"),
	netip.MustParseAddr("2606:4700:4700::1111"), netip.MustParseAddr("2606:4700:4700::1001"),
	netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("149.112.112.112"),
	netip.MustParseAddr("2620:fe::fe"), netip.MustParseAddr("2620:fe::9"),
	netip.MustParseAddr("208.67.222.222"), netip.MustParseAddr("208.67.220.220"),
	netip.MustParseAddr("94.140.14.14"), netip.MustParseAddr("94.140.15.15"),
}

// isPublicResolver says that a server name is one of a public resolver.
func isPublicResolver(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	for name != "" {
		if publicResolverNames[name] {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

func isPublicResolverAddr(a netip.Addr) bool { return slices.Contains(publicResolverAddrs, a.Unmap()) }
