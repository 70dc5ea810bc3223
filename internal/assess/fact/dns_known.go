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
var publicResolverNames = []string{
	"dns.google", "dns.google.com", "dns64.dns.google",
	"cloudflare-dns.com", "one.one.one.one", "1dot1dot1dot1.cloudflare-dns.com", "dns.cloudflare.com",
	"dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net",
	"doh.opendns.com", "dns.opendns.com", "doh.familyshield.opendns.com", "dns.umbrella.com",
	"dns.adguard-dns.com", "family.adguard-dns.com", "unfiltered.adguard-dns.com",
	"dns.adguard.com", "dns-family.adguard.com", "dns-unfiltered.adguard.com",
	"dns.nextdns.io", "doh.cleanbrowsing.org",
	"dns.alidns.com", "doh.pub", "dot.pub", "doh.360.cn", "dot.360.cn",
	"doh.dns.sb", "dot.sb", "dns.twnic.tw", "doh.xfinity.com", "dot.xfinity.com",
	"dns.mullvad.net", "freedns.controld.com", "dns.controld.com", "ordns.he.net",
	"dns.switch.ch", "dns.digitale-gesellschaft.ch", "doh.libredns.gr", "dot.libredns.gr",
	"canadianshield.cira.ca", "doh.applied-privacy.net", "odvr.nic.cz", "dns0.eu", "doh.dns.apple.com",
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
	for _, known := range publicResolverNames {
		if name == known || strings.HasSuffix(name, "."+known) {
			return true
		}
	}
	return false
}

func isPublicResolverAddr(a netip.Addr) bool { return slices.Contains(publicResolverAddrs, a.Unmap()) }
