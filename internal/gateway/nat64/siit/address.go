package siit

import (
	"fmt"
	"net/netip"
)

// WellKnown is the prefix that RFC 6052 section 2.1 sets aside.
var WellKnown = netip.MustParsePrefix("64:ff9b::/96")

// reserved is the octet that stays zero within the shorter prefixes (RFC 6052
// section 2.2).
const reserved = 8

// CheckPrefix says what is wrong with a prefix for embedding IPv4 addresses.
func CheckPrefix(p netip.Prefix) error {
	switch p.Bits() {
	case 32, 40, 48, 56, 64, 96:
		if p.Addr().Is6() && !p.Addr().Is4In6() && p.Masked() == p && p.Addr().As16()[reserved] == 0 {
			return nil
		}
	}
	return fmt.Errorf("cannot embed IPv4 addresses in %v: RFC 6052 section 2.2 wants an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as %v", p, WellKnown)
}

// Embed is the IPv6 address for an IPv4 address (RFC 6052 section 2.2). The prefix
// has passed CheckPrefix.
func Embed(p netip.Prefix, a netip.Addr) netip.Addr {
	out, at := p.Addr().As16(), p.Bits()/8
	for _, b := range a.As4() {
		if at == reserved {
			at++
		}
		out[at] = b
		at++
	}
	return netip.AddrFrom16(out)
}

// Extract is the IPv4 address within an IPv6 address; false when it is none of the
// prefix. What stands behind the IPv4 address is ignored (RFC 6052 section 2.3).
func Extract(p netip.Prefix, a netip.Addr) (netip.Addr, bool) {
	if !p.Contains(a) {
		return netip.Addr{}, false
	}
	in, at := a.As16(), p.Bits()/8
	var out [4]byte
	for i := range out {
		if at == reserved {
			at++
		}
		out[i] = in[at]
		at++
	}
	return netip.AddrFrom4(out), true
}
