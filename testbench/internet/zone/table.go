package zone

import (
	"slices"

	"github.com/miekg/dns"
)

// table lists all zones, parents before children. The numbers of servers
// follow the order: append.
func table() []spec {
	return slices.Concat(tops(), vendors(), services(), broken(), families())
}

// tops are the root and the zones below it.
func tops() []spec {
	return []spec{
		{name: ".", algorithm: dns.ECDSAP256SHA256, denial: nsec, want: Secure, why: "the lab's root"},
		{name: "example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "a top-level domain signed with NSEC"},
		{name: "things.", algorithm: dns.ECDSAP256SHA256, denial: nsec3OptOut, link: dsGood, want: Secure, wantDenied: Insecure,
			why: "a top-level domain signed with NSEC3 and opt-out: absent names may hide unsigned delegations", records: registry()},
		{name: "legacy.", link: dsAbsent, want: Insecure, why: "a top-level domain that is not signed"},
		{name: "com.", algorithm: dns.ECDSAP256SHA256, denial: nsec3OptOut, link: dsGood, want: Secure, wantDenied: Insecure,
			why: "built-in names of devices; NSEC3 and opt-out as in the real one"},
		{name: "org.", algorithm: dns.RSASHA256, denial: nsec3OptOut, link: dsGood, want: Secure, wantDenied: Insecure,
			why: "built-in names of devices (time pool); algorithm 8"},
		{name: "net.", algorithm: dns.ECDSAP256SHA256, denial: nsec3OptOut, link: dsGood, want: Secure, wantDenied: Insecure,
			why: "built-in names of devices"},
		{name: "google.", algorithm: dns.RSASHA256, denial: nsec3OptOut, link: dsGood, want: Secure, wantDenied: Insecure,
			why: "the parent of dns.google"},
		{name: "one.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure, why: "the parent of one.one.one.one",
			records: CloudHost.at("one.one.one")},
		{name: "arpa.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure, why: "infrastructure names"},
		{name: "in-addr.arpa.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure, why: "names of IPv4 addresses",
			records: "8.8.8.8 PTR dns.google.\n4.4.8.8 PTR dns.google.\n1.1.1.1 PTR one.one.one.one.\n9.9.9.9 PTR dns9.quad9.net.\n"},
		{name: "ip6.arpa.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure, why: "names of IPv6 addresses"},
		{name: "ipv4only.arpa.", link: dsAbsent, want: Insecure, why: "the name that shows a NAT64 prefix (RFC 7050)",
			records: "@ A 192.0.0.170\n@ A 192.0.0.171\n"},
	}
}

// vendors are what devices talk to.
func vendors() []spec {
	return []spec{
		{name: "cam.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "a careful vendor: algorithm 13, NSEC", records: common(CamHost) + aliases},
		{name: "hub.example.", algorithm: dns.RSASHA256, denial: nsec, link: dsGood, want: Secure,
			why: "a vendor with algorithm 8, NSEC", records: common(HubHost)},
		{name: "lock.example.", algorithm: dns.ED25519, denial: nsec, link: dsGood, want: Secure,
			why: "a vendor with algorithm 15, NSEC", records: common(LockHost)},
		{name: "sensor.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec3, link: dsGood, want: Secure,
			why: "a vendor with NSEC3 without opt-out", records: common(HubHost)},
		{name: "plug.example.", link: dsAbsent, want: Insecure,
			why: "a vendor without signatures below a zone with NSEC", records: common(PlugHost)},
		{name: "cam.things.", algorithm: dns.ECDSAP256SHA256, denial: nsec3, iterations: 5, salt: "ab12", link: dsGood, want: Secure,
			why: "a signed vendor below opt-out; NSEC3 with salt and 5 iterations", records: common(ThingsHost)},
		{name: "kettle.things.", link: dsAbsent, want: Insecure,
			why: "a vendor without signatures below opt-out", records: common(KettleHost)},
		{name: "toy.legacy.", link: dsAbsent, want: Insecure, why: "a vendor with IPv4 only, without signatures",
			records: "@ A " + ToyHost.V4.String() + "\nwww A " + ToyHost.V4.String() + "\nmqtt A " + ToyHost.V4.String() +
				"\nupdate A " + ToyHost.V4.String() + "\nalias CNAME www\n"},
	}
}

// services are what the internet offers to everybody.
func services() []spec {
	return []spec{
		{name: "tls.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "servers that differ in their TLS", records: tlsRecords()},
		{name: "ntp.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "time servers", records: poolRecords()},
		{name: "firmware.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "update servers", records: UpdateHost.at("@") + UpdateHost.at("www") + UpdateHost.at("download")},
		{name: "ntp.org.", link: dsAbsent, want: Insecure, why: "the time pool that devices have built in", records: poolRecords()},
		{name: "dns.google.", algorithm: dns.RSASHA256, denial: nsec3, link: dsGood, want: Secure, why: "a public resolver's name",
			records: GoogleHost.at("@") + Google2Host.at("@")},
		{name: "quad9.net.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure, why: "a public resolver's name",
			records: QuadHost.at("dns") + QuadHost.at("dns9")},
		{name: "cloudflare-dns.com.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "a public resolver's name", records: CloudHost.at("@")},
		{name: "isp.example.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "the internet provider", records: ISPHost.at("resolver")},
		{name: "example.com.", algorithm: dns.ECDSAP256SHA256, denial: nsec, link: dsGood, want: Secure,
			why: "the name everybody tries first", records: few(WebHost)},
	}
}
