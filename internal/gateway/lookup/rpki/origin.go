package rpki

import (
	"fmt"
	"net/netip"
	"slices"
)

// Origin is who announces a prefix: an AS number, or a set of them (AS_SET), which
// no VRP can match (RFC 6811 section 2, RFC 9774).
type Origin struct {
	AS  uint32
	Set bool
}

// String is "AS64500" or "an AS_SET".
func (o Origin) String() string {
	if o.Set {
		return "an AS_SET"
	}
	return fmt.Sprintf("AS%d", o.AS)
}

// Route is a prefix with one of its origins.
type Route struct {
	Prefix netip.Prefix // masked
	Origin Origin
}

// VRP allows an AS to originate a prefix and its parts down to a length. AS 0 allows
// nobody (RFC 6483 section 4).
type VRP struct {
	Prefix    netip.Prefix // masked
	MaxLength int
	AS        uint32
}

// String is "192.0.2.0/24-24 AS64500".
func (v VRP) String() string { return fmt.Sprintf("%s-%d AS%d", v.Prefix, v.MaxLength, v.AS) }

// State is the result of route origin validation.
type State uint8

// The states of RFC 6811 section 2.
const (
	NotFound State = iota // no VRP covers the prefix
	Valid                 // one matches
	Invalid               // some cover it and none matches
)

// String is "not-found", "valid" or "invalid".
func (s State) String() string { return [...]string{"not-found", "valid", "invalid"}[min(int(s), 2)] }

// Validate finds the state of a route and the VRPs that cover it.
func Validate(r Route, all []VRP) (State, []VRP) {
	var covering []VRP
	state := NotFound
	for _, v := range all {
		if !v.covers(r.Prefix) {
			continue
		}
		covering = append(covering, v)
		if v.matches(r) {
			state = Valid
		} else if state == NotFound {
			state = Invalid
		}
	}
	slices.SortFunc(covering, compareVRPs)
	return state, covering
}

func (v VRP) covers(p netip.Prefix) bool {
	return v.Prefix.Bits() <= p.Bits() && v.Prefix.Contains(p.Addr())
}

func (v VRP) matches(r Route) bool {
	return v.covers(r.Prefix) && r.Prefix.Bits() <= v.MaxLength && !r.Origin.Set && v.AS != 0 && v.AS == r.Origin.AS
}

func compareVRPs(a, b VRP) int {
	if c := a.Prefix.Compare(b.Prefix); c != 0 {
		return c
	}
	if a.MaxLength != b.MaxLength {
		return a.MaxLength - b.MaxLength
	}
	return int(int64(a.AS) - int64(b.AS))
}

// newVRP checks what a source says.
func newVRP(p netip.Prefix, maxLength int, as uint32) (VRP, error) {
	switch {
	case !p.IsValid() || p.Addr().Is4In6():
		return VRP{}, fmt.Errorf("%q is no prefix", p)
	case p != p.Masked():
		return VRP{}, fmt.Errorf("prefix %s has bits beyond its length", p)
	case maxLength < p.Bits() || maxLength > p.Addr().BitLen():
		return VRP{}, fmt.Errorf("maximum length %d does not suit prefix %s", maxLength, p)
	}
	return VRP{Prefix: p, MaxLength: maxLength, AS: as}, nil
}

// Interest is the set of addresses that are asked about.
type Interest struct{ addrs []netip.Addr }

// NewInterest takes addresses, IPv4-mapped ones as IPv4.
func NewInterest(addrs []netip.Addr) Interest {
	var out []netip.Addr
	for _, a := range addrs {
		out = append(out, a.Unmap().WithZone(""))
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return Interest{slices.Compact(out)}
}

// touches says whether a masked prefix holds one of the addresses.
func (i Interest) touches(p netip.Prefix) bool {
	at, _ := slices.BinarySearchFunc(i.addrs, p.Addr(), netip.Addr.Compare)
	return at < len(i.addrs) && p.Contains(i.addrs[at])
}

// within gives those of the addresses that a masked prefix holds.
func (i Interest) within(p netip.Prefix) []netip.Addr {
	at, _ := slices.BinarySearchFunc(i.addrs, p.Addr(), netip.Addr.Compare)
	end := at
	for end < len(i.addrs) && p.Contains(i.addrs[end]) {
		end++
	}
	return i.addrs[at:end]
}
