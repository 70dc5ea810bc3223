//go:build linux

package lab

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
)

// TestSnapshotShowsEveryKindOfChange: a change shows, and taking it back gives the
// text from before.
func TestSnapshotShowsEveryKindOfChange(t *testing.T) {
	_, l := start(t, Options{})
	g := l.Gateway
	extra := netip.MustParsePrefix("203.0.113.7/32")
	tests := []struct {
		name     string
		do, undo func(*testing.T)
		shows    string
	}{
		{"a setting", func(t *testing.T) { must(t, g.sysctls("net/ipv4/ip_forward=1")) },
			func(t *testing.T) { must(t, g.sysctls("net/ipv4/ip_forward=0")) }, "net/ipv4/ip_forward=1"},
		{"an address", func(t *testing.T) { must(t, g.Assign("lo", extra)) },
			func(t *testing.T) { must(t, remove(g, "lo", extra)) }, "lo 203.0.113.7/32"},
		{"a route", func(t *testing.T) { must(t, g.Route(extra, netip.MustParseAddr("198.51.100.1"))) },
			func(t *testing.T) { must(t, g.routes.RouteDel(&netlink.Route{Dst: ipNet(extra)})) }, "203.0.113.7/32 dev=wan0"},
		{"a link", func(t *testing.T) { must(t, g.bridge("br0")) },
			func(t *testing.T) {
				link, err := g.link("br0")
				must(t, err, g.routes.LinkDel(link))
			}, "br0 bridge"},
		{"a size", func(t *testing.T) { must(t, setMTU(g, LANLink, 1400)) },
			func(t *testing.T) { must(t, setMTU(g, LANLink, 1500)) }, "mtu=1400"},
		{"a rule of routing", func(t *testing.T) { must(t, g.routes.RuleAdd(aRule())) },
			func(t *testing.T) { must(t, g.routes.RuleDel(aRule())) }, "mark=0x63"},
		{"a packet filter", func(t *testing.T) { must(t, filter(g, true)) },
			func(t *testing.T) { must(t, filter(g, false)) }, `chain out "nat"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := Snapshot(g)
			tt.do(t)
			if during := Snapshot(g); during == before || !strings.Contains(during, tt.shows) {
				t.Errorf("the snapshot does not show %q", tt.shows)
			}
			tt.undo(t)
			if after := Snapshot(g); after != before {
				t.Errorf("taken back, it differs:\n%s\nbefore:\n%s", after, before)
			}
			if strings.Contains(before, "cannot") {
				t.Errorf("something could not be read:\n%s", before)
			}
		})
	}
}

func remove(s *Site, link string, p netip.Prefix) error {
	l, err := s.link(link)
	if err != nil {
		return err
	}
	return s.routes.AddrDel(l, &netlink.Addr{IPNet: ipNet(p)})
}

func setMTU(s *Site, link string, size int) error {
	l, err := s.link(link)
	if err != nil {
		return err
	}
	return s.routes.LinkSetMTU(l, size)
}

func aRule() *netlink.Rule {
	r := netlink.NewRule()
	r.Family, r.Mark, r.Table, r.Priority = netlink.FAMILY_V4, 0x63, 99, 99
	return r
}

// filter adds or removes a table with a chain, a set and a counting rule.
func filter(s *Site, add bool) error {
	c, err := nftables.New(nftables.WithNetNSFd(int(s.net.Fd())))
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: "assay", Family: nftables.TableFamilyINet}
	if !add {
		c.DelTable(table)
		return c.Flush()
	}
	c.AddTable(table)
	chain := c.AddChain(&nftables.Chain{Name: "out", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
	set := &nftables.Set{Name: "ports", Table: table, KeyType: nftables.TypeInetService}
	if err := c.AddSet(set, []nftables.SetElement{{Key: []byte{0, 53}}}); err != nil {
		return err
	}
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Counter{}, &expr.Masq{}}})
	return c.Flush()
}

// TestSnapshotIgnoresCounts: what packets move is no state.
func TestSnapshotIgnoresCounts(t *testing.T) {
	ctx, l := start(t, Options{})
	must(t, filter(l.Gateway, true))
	before := Snapshot(l.Gateway)
	if !strings.Contains(before, "  set ports key=inet_service") || !strings.Contains(before, "0035") || !strings.Contains(before, "rule counter Masq") {
		t.Errorf("the filter is not told in full:\n%s", before[strings.Index(before, "# packet filter"):])
	}
	greet(ctx, t, l.Gateway, l.Internet, "198.51.100.1:7")
	if after := Snapshot(l.Gateway); after != before {
		t.Error("a connection changed the snapshot")
	}
}
