package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// day is the longest that anything timed may last.
const day = 24 * time.Hour

func (d *reader) config(n *yaml.Node, c *Config) {
	d.mapping(n,
		field{"ports", func(n *yaml.Node) { d.ports(n, &c.Ports) }},
		field{"uplink", func(n *yaml.Node) { d.uplink(n, &c.Uplink) }},
		field{"lan", func(n *yaml.Node) { d.lan(n, &c.LAN) }},
		field{"dns", func(n *yaml.Node) { d.dns(n, &c.DNS) }},
		field{"lookups", func(n *yaml.Node) { d.lookups(n, &c.Lookups) }},
		field{"run", func(n *yaml.Node) { d.run(n, &c.Run) }},
		field{"board", func(n *yaml.Node) {
			d.mapping(n, d.choice("kind", &c.Board.Kind, "auto", "none", "rpi3", "rpi4", "rpi5", "zero2w"), d.onOff("relay", &c.Board.Relay))
		}},
		field{"page", func(n *yaml.Node) { d.page(n, &c.Page) }},
		field{"store", func(n *yaml.Node) { d.store(n, &c.Store) }},
	)
}

func (d *reader) ports(n *yaml.Node, p *Ports) {
	d.mapping(n, d.link("lan", &p.LAN), d.link("wan", &p.WAN))
	if p.LAN != "" && p.LAN == p.WAN {
		d.say(n, "lan and wan are both %s: the device and the network need a port each", p.LAN)
	}
}

func (d *reader) uplink(n *yaml.Node, u *Uplink) {
	d.mapping(n,
		d.choice("mode", &u.Mode, "auto", "existing", "dhcp", "static"),
		field{"addresses", d.each(func() { u.Addresses = nil }, func(s string) error {
			a, err := address(s)
			u.Addresses = append(u.Addresses, a)
			return err
		})},
		field{"gateways", d.each(func() { u.Gateways = nil }, func(s string) error {
			a, err := plainAddress(s)
			u.Gateways = append(u.Gateways, a)
			return err
		})},
	)
	switch told := len(u.Addresses) + len(u.Gateways); {
	case u.Mode == "static" && (len(u.Addresses) == 0 || len(u.Gateways) == 0):
		d.say(n, "mode static needs addresses and gateways")
	case u.Mode != "static" && told > 0:
		d.say(n, "addresses and gateways belong to mode static, and the mode is %s", u.Mode)
	}
}

func (d *reader) page(n *yaml.Node, p *Page) {
	d.mapping(n, d.choice("reach", &p.Reach, PageNetwork, PageLocal, PageOff), d.count("port", &p.Port, 1, 65535))
}

// Bounds of the LAN's IPv4 network: room for a few devices, and no more leases
// than a table keeps.
const (
	shortestLAN = 16
	longestLAN  = 29
)

func (d *reader) lan(n *yaml.Node, l *LAN) {
	d.mapping(n,
		field{"ipv4", d.scalar(func(s string) error {
			p, err := lanNetwork(s)
			if err == nil {
				l.IPv4 = p
			}
			return err
		})},
		d.choice("ipv6", &l.IPv6, "auto", "off"),
		d.choice("dhcpv6", &l.DHCPv6, "stateless", "stateful", "off"),
		d.duration("lease", &l.Lease, 2*time.Minute, 7*day),
	)
	if l.IPv6 == "off" && l.DHCPv6 == "stateful" {
		d.say(n, "dhcpv6 is stateful and ipv6 is off: one of them is meant otherwise")
	}
}

// lanNetwork reads the box's own address on the LAN, which must be a private one
// (RFC 1918) and neither the network's nor the broadcast address.
func lanNetwork(s string) (netip.Prefix, error) {
	if s == "auto" {
		return netip.Prefix{}, nil
	}
	p, err := address(s)
	switch {
	case err != nil:
		return p, err
	case !p.Addr().Is4() || !p.Addr().IsPrivate():
		return p, fmt.Errorf("%s is no private IPv4 address: take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16", p.Addr())
	case p.Bits() < shortestLAN || p.Bits() > longestLAN:
		return p, fmt.Errorf("a network of length %d does not suit: take %d to %d", p.Bits(), shortestLAN, longestLAN)
	case p.Addr() == p.Masked().Addr() || !p.Contains(p.Addr().Next()):
		return p, fmt.Errorf("%s is the first or the last address of its network: take one between them", p.Addr())
	}
	return p, nil
}

func (d *reader) dns(n *yaml.Node, c *DNS) {
	d.mapping(n,
		field{"upstreams", d.each(func() { c.Upstreams = nil }, func(s string) error {
			u, err := upstream(s)
			c.Upstreams = append(c.Upstreams, u)
			return err
		})},
		d.text("anchors", &c.Anchors),
	)
}

// mostRoutes is how many prefix-to-AS files may be named: one for each address family
// and collector.
const mostRoutes = 8

func (d *reader) lookups(n *yaml.Node, l *Lookups) {
	d.mapping(n,
		d.onOff("servers", &l.Servers),
		d.text("vrps", &l.VRPs),
		field{"rtr", d.scalar(func(s string) error {
			l.RTR = s
			return service(s)
		})},
		field{"routes", d.each(func() { l.Routes = nil }, func(s string) error {
			if s == "" || len(l.Routes) >= mostRoutes {
				return fmt.Errorf("routes names one to %d files", mostRoutes)
			}
			l.Routes = append(l.Routes, s)
			return plainText("routes", s)
		})},
	)
	if l.VRPs != "" && l.RTR != "" {
		d.say(n, "vrps and rtr are both set: the VRPs come from one of them")
	}
}

// most devices at once: each has a log, an assessment and a share of the memory.
const mostDevices = 16

func (d *reader) run(n *yaml.Node, r *Run) {
	d.mapping(n,
		d.text("operator", &r.Operator), d.text("label", &r.Label), d.text("firmware", &r.Firmware), d.text("serial", &r.Serial),
		d.text("profile", &r.Profile), d.text("plan", &r.Plan),
		d.text("tester", &r.Tester), d.text("owner", &r.Owner), d.text("model", &r.Model), d.text("reset", &r.Reset),
		d.text("certificate", &r.Certificate), d.text("key", &r.Key),
		d.duration("observe", &r.Observe, 0, 7*day),
		d.duration("gone", &r.Gone, 0, 7*day),
		d.choice("fresh", &r.Fresh, FreshLink, FreshOperator),
		d.count("devices", &r.Devices, 1, mostDevices),
	)
	if (r.Tester == "") != (r.Owner == "") {
		d.say(n, "tester and owner belong together: passwords are tried when both agree, or not at all")
	}
	if (r.Certificate == "") != (r.Key == "") {
		d.say(n, "certificate and key belong together: name both files or neither")
	}
}

func (d *reader) store(n *yaml.Node, s *Store) {
	d.mapping(n,
		d.folder("folder", &s.Folder), d.folder("state", &s.State),
		d.count("runs", &s.Runs, 1, 100_000),
		d.size("size", &s.Bytes),
	)
	if filepath.Clean(s.Folder) == filepath.Clean(s.State) {
		d.say(n, "folder and state are the same: runs and the box's own state need a folder each")
	}
}

func (d *reader) folder(key string, to *string) field {
	f := d.text(key, to)
	return field{key, func(n *yaml.Node) {
		before := *to
		f.read(n)
		if *to == "" {
			*to = before
			d.say(n, "%s names no folder", key)
		}
	}}
}
