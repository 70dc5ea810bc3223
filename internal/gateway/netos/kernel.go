package netos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrAbsent says that the thing asked for (a link, a sysctl, a table) is not there.
var ErrAbsent = errors.New("not there")

// Kernel is one network namespace. A method that returns nil has checked that
// the kernel holds what was asked for. All methods may be called from several
// goroutines.
type Kernel interface {
	// ID names this namespace of this boot; state written under another ID is
	// gone and must not be put back.
	ID() (string, error)
	// Do runs f on a thread inside the namespace: sockets opened there belong to it.
	Do(f func() error) error
	// Watch calls changed once it listens, and after every burst of changes of
	// links, addresses or routes, until ctx is done. Changed is called from one goroutine, which has
	// ended when Watch returns.
	Watch(ctx context.Context, changed func()) error

	// Links lists the links by name.
	Links() ([]Link, error)
	// SetLinkUp sets the administrative state. ErrAbsent when there is no such link.
	SetLinkUp(name string, up bool) error

	// Addresses lists the addresses of a link, of all links when name is "".
	Addresses(link string) ([]Address, error)
	// AddAddress adds an address; one that is there already is no error.
	AddAddress(a Address) error
	// RemoveAddress removes an address; one that is not there is no error.
	RemoveAddress(a Address) error

	// Routes lists the unicast routes of the main table.
	Routes() ([]Route, error)
	// AddRoute adds a route; one that is there already is no error.
	AddRoute(r Route) error
	// RemoveRoute removes a route; one that is not there is no error.
	RemoveRoute(r Route) error

	// Sysctl reads a value by its path below /proc/sys, "net/ipv4/ip_forward".
	// ErrAbsent when the kernel has no such key.
	Sysctl(key string) (string, error)
	// SetSysctl writes a value and reads it back.
	SetSysctl(key, value string) error

	// Tables lists the nftables tables of the families this package knows.
	Tables() ([]TableName, error)
	// ReplaceTable puts t in the place of the table of that name in one
	// transaction, then reads it back. Named counters that both have go on
	// counting.
	ReplaceTable(t Table) error
	// RemoveTable removes a table; one that is not there is no error.
	RemoveTable(n TableName) error
	// CheckTable says how the kernel's table differs from t, nil when it does not.
	CheckTable(t Table) error
	// Counters reads the named counters of a table. ErrAbsent without the table.
	Counters(n TableName) (map[string]Count, error)
	// Elements reads the addresses that packets put into a dynamic set of
	// addresses (Remember), sorted. ErrAbsent without the table or the set.
	Elements(n TableName, set string) ([]netip.Addr, error)
}

// Link is a network interface.
type Link struct {
	Name    string
	Index   int
	MAC     [6]byte // zeros for links that are not Ethernet
	MTU     int     // bytes
	Up      bool    // wanted up by the administrator
	Carrier bool    // the other end is there
	Master  string  // the bridge it belongs to, "" for none
	Kind    string  // "bridge", "veth", "device", ...
}

// Address is an address of a link.
type Address struct {
	Link   string
	Prefix netip.Prefix // the address and its network, not masked
	NoDAD  bool         // usable at once, without duplicate address detection (RFC 4862 section 5.4)
	// ValidFor and PreferredFor are seconds, 0 for ever.
	ValidFor, PreferredFor int
	// Dynamic says that an IPv6 address goes by itself unless it is renewed, whatever its
	// lifetime: nobody configured it on this host (ip-address(8)).
	Dynamic bool
	// Tentative is set while duplicate address detection runs or has failed.
	Tentative bool
}

// Same says whether two addresses are the same one; lifetimes and flags do not matter.
func (a Address) Same(b Address) bool { return a.Link == b.Link && a.Prefix == b.Prefix }

// String prints an address like "eth1 192.168.77.1/24".
func (a Address) String() string { return a.Link + " " + a.Prefix.String() }

// Route is a unicast route of the main table.
type Route struct {
	To       netip.Prefix // 0.0.0.0/0 or ::/0 for the default route
	Via      netip.Addr   // not valid for a network on the link itself
	Link     string
	Metric   int
	Source   netip.Addr // preferred source address, mostly not valid
	Protocol int        // who made it: 2 kernel, 3 boot, 4 static, 9 RA, 16 DHCP (rtnetlink(7))
}

// Default says whether r is a default route.
func (r Route) Default() bool { return r.To.Bits() == 0 }

// Same says whether two routes are the same one.
func (r Route) Same(b Route) bool {
	return r.To == b.To && r.Via == b.Via && r.Link == b.Link && r.metric() == b.metric()
}

// metric is the metric the kernel uses when the route names none.
func (r Route) metric() int {
	if r.Metric == 0 && r.To.Addr().Is6() {
		return metricIPv6
	}
	return r.Metric
}

// String prints a route in the words of ip-route(8).
func (r Route) String() string {
	var s strings.Builder
	s.WriteString(r.To.String())
	if r.Via.IsValid() {
		fmt.Fprintf(&s, " via %s", r.Via)
	}
	fmt.Fprintf(&s, " dev %s proto %d", r.Link, r.Protocol)
	if r.Source.IsValid() {
		fmt.Fprintf(&s, " src %s", r.Source)
	}
	if r.Metric != 0 {
		fmt.Fprintf(&s, " metric %d", r.Metric)
	}
	return s.String()
}

// Count is the value of a named counter.
type Count struct {
	Packets, Bytes uint64
}

// LinkByName finds a link. ErrAbsent when there is none of that name.
func LinkByName(k Kernel, name string) (Link, error) {
	links, err := k.Links()
	if err != nil {
		return Link{}, err
	}
	for _, l := range links {
		if l.Name == name {
			return l, nil
		}
	}
	return Link{}, fmt.Errorf("link %s is %w: check the name with 'ip link'", name, ErrAbsent)
}
