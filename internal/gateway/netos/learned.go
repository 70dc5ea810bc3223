package netos

import (
	"errors"
	"slices"
)

// protoRA is RTPROT_RA of rtnetlink(7).
const protoRA = 9

// Learn notes what a link has before the kernel may configure it from router
// advertisements: Undo takes away the addresses and routes that it learned since.
// Called before the settings that let it learn are changed, it is taken back after
// them, so that nothing is learned again meanwhile.
func (j *Journal) Learn(link string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := change{Kind: changeLearning, Link: link}
	var err error
	if c.Addresses, c.Routes, err = learned(j.Kernel, link); err != nil {
		return err
	}
	return j.note(c, func() error { return nil })
}

// learned lists what the kernel may have from advertisements on a link. A route to a
// network on the link looks the same whether an advertisement or an address brought it.
func learned(k Kernel, link string) ([]Address, []Route, error) {
	addrs, err := k.Addresses(link)
	if err != nil {
		return nil, nil, err
	}
	routes, err := k.Routes()
	addrs = slices.DeleteFunc(addrs, func(a Address) bool { return !a.Dynamic || a.Prefix.Addr().IsLinkLocalUnicast() })
	routes = slices.DeleteFunc(routes, func(r Route) bool {
		on6 := r.Link == link && r.To.Addr().Is6() && !r.To.Addr().IsLinkLocalUnicast()
		return !on6 || r.Protocol != protoRA && r.Protocol != protoKernel
	})
	return addrs, routes, err
}

// unlearn takes away what a link has learned since a change was noted. Networks of
// addresses that somebody configured stay.
func unlearn(k Kernel, c change) error {
	addrs, routes, err := learned(k, c.Link)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range addrs {
		if !slices.ContainsFunc(c.Addresses, a.Same) {
			errs = append(errs, k.RemoveAddress(a))
		}
	}
	left, err := k.Addresses(c.Link)
	errs = append(errs, err)
	for _, r := range routes {
		needed := func(a Address) bool { return !a.Dynamic && r.Protocol == protoKernel && a.Prefix.Masked() == r.To }
		if !slices.ContainsFunc(c.Routes, r.Same) && !slices.ContainsFunc(left, needed) {
			errs = append(errs, removeRoute(k, r))
		}
	}
	return errors.Join(errs...)
}
