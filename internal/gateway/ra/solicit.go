package ra

import "net/netip"

const (
	typeSolicit   = 133
	typeAdvertise = 134
	neededHops    = 255 // a packet with less came over a router (RFC 4861 section 6.1)
	optionSource  = 1   // Source Link-Layer Address

	leastSolicit   = 8
	leastAdvertise = 16
)

// heardSolicit checks a packet as RFC 4861 section 6.1.1 demands, the checksum
// aside, which is the kernel's work. It returns why it is refused, "" when it is
// a good solicitation. The words are constants: they name counters.
func heardSolicit(b []byte, hops int, from netip.Addr) string {
	switch {
	case len(b) < leastSolicit:
		return "malformed"
	case hops != neededHops:
		return "not from this link"
	case b[0] == typeAdvertise && len(b) >= leastAdvertise:
		return "another router advertises itself"
	case from.IsMulticast():
		return "from an address that cannot be answered"
	case b[0] != typeSolicit || b[1] != 0:
		return "malformed"
	}
	return checkOptions(b, from)
}

func checkOptions(b []byte, from netip.Addr) string {
	source, ok := options(b[leastSolicit:])
	if !ok {
		return "malformed"
	}
	if source && from.IsUnspecified() {
		return "a link-layer address without an address"
	}
	return ""
}

// options reports whether a source link-layer address is among the options, and
// whether they are well formed.
func options(b []byte) (source, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 || int(b[1])*8 > len(b) {
			return source, false
		}
		source = source || b[0] == optionSource
		b = b[int(b[1])*8:]
	}
	return source, true
}
