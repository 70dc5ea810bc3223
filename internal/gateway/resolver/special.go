package resolver

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// localZones are answered on the spot and never asked of an upstream: it could
// only leak what the device looks for. The sentence says why.
var localZones = map[string]string{
	"localhost.":     "localhost is the device itself (RFC 6761 section 6.3)",
	"invalid.":       "invalid never exists (RFC 6761 section 6.4)",
	"local.":         "local belongs to multicast DNS (RFC 6762 section 22.1)",
	"onion.":         "onion belongs to Tor (RFC 7686)",
	"home.arpa.":     "home.arpa belongs to the home network (RFC 8375)",
	"resolver.arpa.": "resolver.arpa tells of the resolver itself, which offers no other way (RFC 9462)",
	// RFC 6303 section 4, RFC 7793
	"10.in-addr.arpa.":              privateReverse,
	"168.192.in-addr.arpa.":         privateReverse,
	"0.in-addr.arpa.":               privateReverse,
	"127.in-addr.arpa.":             privateReverse,
	"254.169.in-addr.arpa.":         privateReverse,
	"2.0.192.in-addr.arpa.":         privateReverse,
	"100.51.198.in-addr.arpa.":      privateReverse,
	"113.0.203.in-addr.arpa.":       privateReverse,
	"255.255.255.255.in-addr.arpa.": privateReverse,
	"d.f.ip6.arpa.":                 privateReverse,
	"8.e.f.ip6.arpa.":               privateReverse,
	"9.e.f.ip6.arpa.":               privateReverse,
	"a.e.f.ip6.arpa.":               privateReverse,
	"b.e.f.ip6.arpa.":               privateReverse,
	"8.b.d.0.1.0.0.2.ip6.arpa.":     privateReverse,
	zeroV6:                          privateReverse,
	loopbackV6:                      privateReverse,
}

const (
	privateReverse = "the address has no meaning outside its own network (RFC 6303)"
	zeroV6         = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
	loopbackV6     = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
)

// Second octets of 172.16.0.0/12 and of 100.64.0.0/10, whose reverse zones are
// many.
const (
	private172From, private172To = 16, 31
	sharedFrom, sharedTo         = 64, 127
)

// TTLs of local answers: those of RFC 6303 section 3 and RFC 8482 section 4.2.
const (
	localTTL      = 10800
	anyTTL        = 8482
	soaSerial     = 1
	soaRefresh    = 3600
	soaRetry      = 1200
	soaExpire     = 604800
	soaMinimum    = 10800
	maxOctetChars = 3
)

// localZone gives the local zone a name lies in, if any, and why it is local.
// The name is canonical.
func localZone(name string) (zone, why string) {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if why := localZones[name[off:]]; why != "" {
			return name[off:], why
		}
	}
	for suffix, span := range map[string][2]int{"172.in-addr.arpa.": {private172From, private172To}, "100.in-addr.arpa.": {sharedFrom, sharedTo}} {
		if zone := octetZone(name, suffix, span[0], span[1]); zone != "" {
			return zone, privateReverse
		}
	}
	return "", ""
}

// octetZone gives the zone of one more label below suffix if that label is a
// number in the span.
func octetZone(name, suffix string, from, to int) string {
	rest, ok := strings.CutSuffix(name, "."+suffix)
	if !ok {
		return ""
	}
	octet := rest[strings.LastIndexByte(rest, '.')+1:]
	n := 0
	for _, c := range octet {
		if c < '0' || c > '9' || len(octet) > maxOctetChars {
			return ""
		}
		n = 10*n + int(c-'0')
	}
	if n < from || n > to || octet == "" || octet[0] == '0' {
		return ""
	}
	return octet + "." + suffix
}

// local answers the questions that are answered on the spot; it gives nil for
// all others.
func local(q dns.Question) (answer *dns.Msg, why string) {
	if q.Qtype == dns.TypeANY {
		return anyAnswer(q), "ANY is answered with HINFO (RFC 8482)"
	}
	zone, why := localZone(q.Name)
	if zone == "" || q.Name == zone && q.Qtype == dns.TypeDS {
		return nil, ""
	}
	m := new(dns.Msg)
	m.Question = []dns.Question{q}
	m.Authoritative = true
	switch {
	case zone == "localhost.":
		m.Answer = loopback(q)
	case q.Name == zone:
		m.Answer = apex(q)
	case q.Name == "_dns.resolver.arpa.":
	default:
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{localSOA(zone)}
	}
	return m, why
}

func loopback(q dns.Question) []dns.RR {
	switch q.Qtype {
	case dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header(q.Name, q.Qtype, localTTL), A: netip.AddrFrom4([4]byte{127, 0, 0, 1}).AsSlice()}}
	case dns.TypeAAAA:
		return []dns.RR{&dns.AAAA{Hdr: header(q.Name, q.Qtype, localTTL), AAAA: netip.IPv6Loopback().AsSlice()}}
	}
	return nil
}

// apex is what every zone has at its top (RFC 6303 section 3).
func apex(q dns.Question) []dns.RR {
	switch q.Qtype {
	case dns.TypeSOA:
		return []dns.RR{localSOA(q.Name)}
	case dns.TypeNS:
		return []dns.RR{&dns.NS{Hdr: header(q.Name, q.Qtype, localTTL), Ns: q.Name}}
	}
	return nil
}

func localSOA(zone string) dns.RR {
	return &dns.SOA{
		Hdr: header(zone, dns.TypeSOA, localTTL), Ns: zone, Mbox: "nobody.invalid.",
		Serial: soaSerial, Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: soaMinimum,
	}
}

func anyAnswer(q dns.Question) *dns.Msg {
	m := new(dns.Msg)
	m.Question = []dns.Question{q}
	m.Answer = []dns.RR{&dns.HINFO{Hdr: header(q.Name, dns.TypeHINFO, anyTTL), Cpu: "RFC8482"}}
	return m
}

func header(name string, rtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: ttl}
}
