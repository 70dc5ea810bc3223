package netos

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// Fake is a Kernel in memory. It keeps to what the real one does as far as a
// router notices: a link that goes down loses its routes and IPv6 addresses, an
// address brings the route to its network, forwarding for all sets every link.
type Fake struct {
	// Fail, when set, is asked before every change; its error is returned instead.
	Fail func(change string) error

	mu       sync.Mutex
	links    []Link
	addrs    []Address
	routes   []Route
	sysctls  map[string]string
	tables   map[TableName]Table
	counters map[TableName]map[string]Count
	met      map[string][]netip.Addr
	watchers map[chan struct{}]bool
}

var _ Kernel = (*Fake)(nil)

// NewFake makes a kernel with these links; indexes count from 1.
func NewFake(links ...Link) *Fake {
	f := &Fake{
		sysctls: map[string]string{}, tables: map[TableName]Table{},
		counters: map[TableName]map[string]Count{}, met: map[string][]netip.Addr{}, watchers: map[chan struct{}]bool{},
	}
	for _, scope := range []string{"all", "default"} {
		f.addKeys(scope)
	}
	for _, l := range links {
		f.links = append(f.links, l)
		f.addKeys(l.Name)
	}
	for i := range f.links {
		f.links[i].Index = i + 1
	}
	return f
}

// fakeKeys are the keys every link has, with what a host starts with.
var fakeKeys = map[string]string{
	"ipv4/forwarding": "0", "ipv4/rp_filter": "0", "ipv4/accept_redirects": "1", "ipv4/send_redirects": "1",
	"ipv4/arp_ignore": "0", "ipv4/arp_announce": "0", "ipv4/accept_source_route": "0",
	"ipv6/forwarding": "0", "ipv6/accept_ra": "1", "ipv6/autoconf": "1", "ipv6/accept_redirects": "1",
	"ipv6/disable_ipv6": "0", "ipv6/accept_dad": "1", "ipv6/accept_ra_pinfo": "1",
}

func (f *Fake) addKeys(scope string) {
	for k, v := range fakeKeys {
		version, name, _ := strings.Cut(k, "/")
		f.sysctls["net/"+version+"/conf/"+scope+"/"+name] = v
	}
}

// ID names the fake.
func (f *Fake) ID() (string, error) { return "fake", nil }

// Do runs fn.
func (f *Fake) Do(fn func() error) error { return fn() }

// Watch calls changed once it listens and after changes, until ctx is done.
func (f *Fake) Watch(ctx context.Context, changed func()) error {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	f.watchers[c] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.watchers, c)
		f.mu.Unlock()
	}()
	changed()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c:
			changed()
		}
	}
}

// change runs fn under the lock unless Fail refuses, then wakes the watchers.
func (f *Fake) change(what string, fn func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Fail != nil {
		if err := f.Fail(what); err != nil {
			return err
		}
	}
	err := fn()
	for c := range f.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return err
}

// Links lists the links by name.
func (f *Fake) Links() ([]Link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.links)
	slices.SortFunc(out, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (f *Fake) at(name string) (int, error) {
	i := slices.IndexFunc(f.links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return 0, fmt.Errorf("link %s is %w: check the name with 'ip link'", name, ErrAbsent)
	}
	return i, nil
}

// SetLinkUp sets the administrative state.
func (f *Fake) SetLinkUp(name string, up bool) error {
	return f.change(fmt.Sprintf("link %s up=%v", name, up), func() error {
		i, err := f.at(name)
		if err != nil {
			return err
		}
		f.links[i].Up = up
		for _, a := range f.addrs {
			if up && a.Link == name {
				f.connect(a)
			}
		}
		if !up {
			f.routes = slices.DeleteFunc(f.routes, func(r Route) bool { return r.Link == name })
			f.addrs = slices.DeleteFunc(f.addrs, func(a Address) bool { return a.Link == name && a.Prefix.Addr().Is6() })
		}
		return nil
	})
}

// SetCarrier plugs the cable in or out.
func (f *Fake) SetCarrier(name string, on bool) error {
	return f.change(fmt.Sprintf("cable %s in=%v", name, on), func() error {
		i, err := f.at(name)
		if err == nil {
			f.links[i].Carrier = on
		}
		return err
	})
}

// Addresses lists the addresses of a link, of all links when name is "".
func (f *Fake) Addresses(link string) ([]Address, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.at(link); err != nil && link != "" {
		return nil, err
	}
	out := slices.DeleteFunc(slices.Clone(f.addrs), func(a Address) bool { return link != "" && a.Link != link })
	sortAddresses(out)
	return out, nil
}

// AddAddress adds an address and the route to its network.
func (f *Fake) AddAddress(a Address) error {
	return f.change("address "+a.String(), func() error {
		i, err := f.at(a.Link)
		if err != nil {
			return err
		}
		f.addrs = append(slices.DeleteFunc(f.addrs, a.Same), a)
		if f.links[i].Up {
			f.connect(a)
		}
		return nil
	})
}

// protoKernel is RTPROT_KERNEL of rtnetlink(7).
const protoKernel = 2

func (f *Fake) connect(a Address) {
	if r := connected(a); !a.Prefix.IsSingleIP() && !slices.ContainsFunc(f.routes, r.Same) {
		f.routes = append(f.routes, r)
	}
}

func connected(a Address) Route {
	r := Route{To: a.Prefix.Masked(), Link: a.Link, Protocol: protoKernel}
	if a.Prefix.Addr().Is4() {
		r.Source = a.Prefix.Addr()
	} else {
		r.Metric = 256
	}
	return r
}

// RemoveAddress removes an address and the route to its network.
func (f *Fake) RemoveAddress(a Address) error {
	return f.change("no address "+a.String(), func() error {
		if _, err := f.at(a.Link); err != nil {
			return err
		}
		f.addrs = slices.DeleteFunc(f.addrs, a.Same)
		f.routes = slices.DeleteFunc(f.routes, connected(a).Same)
		return nil
	})
}

// Routes lists the routes.
func (f *Fake) Routes() ([]Route, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.routes)
	sortRoutes(out)
	return out, nil
}

// AddRoute adds a route; its link must be up.
func (f *Fake) AddRoute(r Route) error {
	return f.change("route "+r.String(), func() error {
		i, err := f.at(r.Link)
		if err != nil {
			return err
		}
		if !f.links[i].Up {
			return fmt.Errorf("cannot add route %s: the link is down", r)
		}
		r.Metric = r.metric()
		if !slices.ContainsFunc(f.routes, r.Same) {
			f.routes = append(f.routes, r)
		}
		return nil
	})
}

// RemoveRoute removes a route.
func (f *Fake) RemoveRoute(r Route) error {
	return f.change("no route "+r.String(), func() error {
		if _, err := f.at(r.Link); err != nil {
			return err
		}
		f.routes = slices.DeleteFunc(f.routes, r.Same)
		return nil
	})
}

// Sysctl reads a value.
func (f *Fake) Sysctl(key string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.sysctls[key]
	if !ok {
		return "", fmt.Errorf("sysctl %s is %w", key, ErrAbsent)
	}
	return v, nil
}

// SetSysctl writes a value.
func (f *Fake) SetSysctl(key, value string) error {
	return f.change("sysctl "+key+"="+value, func() error {
		if _, ok := f.sysctls[key]; !ok {
			return fmt.Errorf("sysctl %s is %w", key, ErrAbsent)
		}
		f.sysctls[key] = value
		if key == forwardingAll {
			for k := range f.sysctls {
				if strings.HasPrefix(k, "net/ipv6/conf/") && strings.HasSuffix(k, "/forwarding") {
					f.sysctls[k] = value
				}
			}
		}
		return nil
	})
}

// Offer gives the fake a key it has not from the start, as a module that is
// loaded gives one to the real kernel.
func (f *Fake) Offer(key, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sysctls[key] = value
}

// String prints everything: two hosts that print the same are the same. Keys
// that still have what a host starts with are left out.
func (f *Fake) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s strings.Builder
	for _, l := range f.links {
		fmt.Fprintf(&s, "link %s up=%v carrier=%v\n", l.Name, l.Up, l.Carrier)
	}
	sortAddresses(f.addrs)
	for _, a := range f.addrs {
		fmt.Fprintf(&s, "address %s nodad=%v valid=%d\n", a, a.NoDAD, a.ValidFor)
	}
	sortRoutes(f.routes)
	for _, r := range f.routes {
		fmt.Fprintf(&s, "route %s\n", r)
	}
	for _, k := range slices.Sorted(maps.Keys(f.sysctls)) {
		if v := f.sysctls[k]; v != fakeDefault(k) {
			fmt.Fprintf(&s, "sysctl %s = %s\n", k, v)
		}
	}
	f.printTables(&s)
	return s.String()
}

func fakeDefault(key string) string {
	parts := strings.Split(key, "/")
	if len(parts) != 5 {
		return ""
	}
	return fakeKeys[parts[1]+"/"+parts[4]]
}
