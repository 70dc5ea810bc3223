package netos

import (
	"cmp"
	"slices"
)

// metricIPv6 is the metric the kernel gives an IPv6 route that names none.
const metricIPv6 = 1024

func sortAddresses(list []Address) {
	slices.SortFunc(list, func(a, b Address) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
}

func sortRoutes(list []Route) {
	slices.SortFunc(list, func(a, b Route) int {
		return cmp.Or(a.To.Addr().Compare(b.To.Addr()), cmp.Compare(a.To.Bits(), b.To.Bits()), cmp.Compare(a.Metric, b.Metric),
			cmp.Compare(a.Link, b.Link), a.Via.Compare(b.Via))
	})
}

func hasRoute(k Kernel, r Route) bool {
	all, err := k.Routes()
	return err == nil && slices.ContainsFunc(all, r.Same)
}

func hasAddress(k Kernel, a Address) (bool, error) {
	all, err := k.Addresses(a.Link)
	return slices.ContainsFunc(all, a.Same), err
}
