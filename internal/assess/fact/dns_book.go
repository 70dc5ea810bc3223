package fact

import (
	"net/netip"
	"slices"
	"time"

	"assay/internal/assess/event"
)

// addressBook is what visible DNS answers said about addresses.
type addressBook struct {
	told    map[netip.Addr]toldBy
	nat64   []netip.Prefix
	crowded bool // answers were left out
}

// toldBy is what is known of one address.
type toldBy struct {
	until time.Time // end of the lifetime of the answers whose questions were seen
	// asked says that an answer to a question of this host gave it; without, only
	// answers gave it whose question the log does not hold.
	asked bool
	name  string // the name of the last question that led to it
}

const (
	bookLimit  = 2048 // addresses kept
	nat64Limit = 8    // NAT64 prefixes kept
	// bookGrace is how much longer than its TTL an answer explains a connection.
	// Programs keep an address while they retry; ten minutes is what common
	// libraries do at most.
	bookGrace = 10 * time.Minute
)

// learnPrefixes keeps the NAT64 prefixes of a router (RFC 8781), of which those
// of 96 bits are understood.
func (k *addressBook) learnPrefixes(b event.RouterAdvertised) {
	for _, p := range b.PREF64 {
		if p.Bits() == 96 && len(k.nat64) < nat64Limit {
			k.nat64 = append(k.nat64, p)
		}
	}
}

func (k *addressBook) learn(ev *sighting, b event.DNSAnswered) {
	if b.RCode != rcodeNoError {
		return
	}
	if k.told == nil {
		k.told = map[netip.Addr]toldBy{}
	}
	for _, r := range b.Records {
		if !r.Addr.IsValid() {
			continue
		}
		a := r.Addr.Unmap()
		t, known := k.told[a]
		if !known && len(k.told) >= bookLimit {
			k.crowded = true
			continue
		}
		if b.Question != 0 {
			t.asked, t.name = true, b.Name
			t.until = later(t.until, ev.At.Add(time.Duration(r.TTL)*time.Second))
		}
		k.told[a] = t
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// origin says how the host may have come by an address.
type origin uint8

const (
	originUnknown origin = iota // no answer named it
	originLoose                 // an answer named it whose question was not seen
	originStale                 // an answer named it, but its lifetime was over
	originFresh                 // an answer to its question named it in time
)

// origin looks an address up as of a time.
func (k *addressBook) origin(a netip.Addr, at time.Time) origin {
	a = a.Unmap()
	best := k.originOf(a, at)
	if !a.Is6() {
		return best
	}
	for _, x := range k.behind(a) {
		best = max(best, k.originOf(x, at))
	}
	return best
}

func (k *addressBook) originOf(a netip.Addr, at time.Time) origin {
	t, known := k.told[a]
	switch {
	case !known:
		return originUnknown
	case !t.asked:
		return originLoose
	case at.After(t.until.Add(bookGrace)):
		return originStale
	default:
		return originFresh
	}
}

// wellKnown64 is the well-known prefix of NAT64 (RFC 6052 section 2.1).
var wellKnown64 = netip.MustParsePrefix("64:ff9b::/96")

// behind is, for an IPv6 address, the IPv4 address behind a NAT64 prefix, if any:
// a device may translate by itself what it learned as IPv4 (RFC 6877).
func (k *addressBook) behind(a netip.Addr) []netip.Addr {
	inside := func(p netip.Prefix) bool { return p.Contains(a) }
	if !inside(wellKnown64) && !slices.ContainsFunc(k.nat64, inside) {
		return nil
	}
	b := a.As16()
	return []netip.Addr{netip.AddrFrom4([4]byte(b[12:]))}
}
