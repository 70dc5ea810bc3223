package netos

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// every is a table with each statement at least once.
var every = Table{
	TableName: TableName{FamilyInet, "assay_every"},
	Counters:  []string{"refused", "asked"},
	Sets: []Set{
		{Name: "private4", Type: SetIPv4, Prefixes: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("224.0.0.0/4"),
			netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
		}},
		{Name: "private6", Type: SetIPv6, Prefixes: []netip.Prefix{
			netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"), netip.MustParsePrefix("::/96"),
		}},
		{Name: "nothing", Type: SetIPv4},
		{Name: "mail", Type: SetPort, Ports: []uint16{465, 25}},
		{Name: "talkers", Type: SetEther, Size: 64, Timeout: time.Minute},
		{Name: "tried4", Type: SetIPv4, Size: 16, Timeout: time.Hour},
		{Name: "tried6", Type: SetIPv6, Size: 16, Timeout: time.Hour},
	},
	Chains: []Chain{
		{Name: "more", Rules: []Rule{
			{Tracked{StateEstablished | StateRelated}, Accept{}},
			{Tracked{StateInvalid}, Counted{"refused"}, Drop{}},
			{Redirected{}, Accept{}},
			{Marked{0x1234}, Mark{0xfedcba98}, Accept{}},
			{IPVersion{FamilyIPv4}, Return{}},
			{IPVersion{FamilyIPv6}, Protocol{UDP}, Reject{}},
			{HopLimit{255}, ICMPType{FamilyIPv6, 135}, Accept{}},
			{ICMPType{FamilyIPv4, 8}, Over{Limit{Rate: 5, Burst: 7}}, Counted{"asked"}, Drop{}},
			{ToPort{TCP, 53}, Accept{}},
			{ToPorts{TCP, "mail"}, Over{Limit{Rate: 10, PerMinute: true, Burst: 3}}, Drop{}},
			{OverEach{"talkers", Limit{Rate: 100, Burst: 200}}, Drop{}},
			{ToSet{Family: FamilyIPv4, Set: "private4"}, Remember{FamilyIPv4, "tried4"}},
			{ToSet{Family: FamilyIPv6, Set: "private6"}, Remember{FamilyIPv6, "tried6"}},
			{FromSet{Family: FamilyIPv4, Set: "private4", Not: true}, Drop{}},
			{FromSet{Family: FamilyIPv6, Set: "private6"}, Drop{}},
			{From{Prefix: netip.MustParsePrefix("192.168.77.0/24"), Not: true}, Drop{}},
			{From{Prefix: netip.MustParsePrefix("192.0.2.9/32")}, Drop{}},
			{To{Prefix: netip.MustParsePrefix("2001:db8:3::/61")}, Drop{}},
		}},
		{Name: "forward", Type: ChainFilter, Hook: HookForward, DropRest: true, Rules: []Rule{
			{In{"lan0"}, Out{"wan0"}, Jump{"more"}},
		}},
		{Name: "input", Type: ChainFilter, Hook: HookInput, Priority: 5},
		{Name: "redirections", Type: ChainNAT, Hook: HookPrerouting, Priority: -100, Rules: []Rule{
			{In{"lan0"}, ToPort{UDP, 53}, Redirect{Port: 5353}},
			{In{"lan0"}, ToPort{TCP, 443}, Redirect{Port: 8443, Last: 8450}},
		}},
		{Name: "translate", Type: ChainNAT, Hook: HookPostrouting, Priority: 100, Rules: []Rule{{Out{"wan0"}, Masquerade{}}}},
	},
}

// different are tables of the same name that are not the same table.
func different() map[string]Table {
	edit := func(change func(*Table)) Table {
		t := every
		t.Counters, t.Sets, t.Chains = slices.Clone(t.Counters), slices.Clone(t.Sets), slices.Clone(t.Chains)
		for i := range t.Chains {
			t.Chains[i].Rules = slices.Clone(t.Chains[i].Rules)
		}
		change(&t)
		return t
	}
	return map[string]Table{
		"a counter more": edit(func(t *Table) { t.Counters = append(t.Counters, "third") }),
		"a set more":     edit(func(t *Table) { t.Sets = append(t.Sets, Set{Name: "third", Type: SetIPv4}) }),
		"a set's name":   edit(func(t *Table) { t.Sets[2].Name = "third" }),
		"a network":      edit(func(t *Table) { t.Sets[2].Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }),
		"a port":         edit(func(t *Table) { t.Sets[3].Ports = []uint16{25} }),
		"a chain more":   edit(func(t *Table) { t.Chains = append(t.Chains, Chain{Name: "third"}) }),
		"a chain's name": edit(func(t *Table) { t.Chains[2].Name = "third" }),
		"a policy":       edit(func(t *Table) { t.Chains[1].DropRest = false }),
		"a priority":     edit(func(t *Table) { t.Chains[2].Priority = 6 }),
		"a rule less":    edit(func(t *Table) { t.Chains[0].Rules = t.Chains[0].Rules[1:] }),
		"a verdict":      edit(func(t *Table) { t.Chains[0].Rules[0] = Rule{Tracked{StateEstablished | StateRelated}, Drop{}} }),
		"a mark":         edit(func(t *Table) { t.Chains[0].Rules[3] = Rule{Marked{0x1234}, Mark{0xfedcba99}, Accept{}} }),
		"a rate": edit(func(t *Table) {
			t.Chains[0].Rules[10] = Rule{OverEach{"talkers", Limit{Rate: 101, Burst: 200}}, Drop{}}
		}),
		"a set in a rule":  edit(func(t *Table) { t.Chains[0].Rules[14] = Rule{FromSet{Family: FamilyIPv6, Set: "tried6"}, Drop{}} }),
		"a redirected one": edit(func(t *Table) { t.Chains[3].Rules[0] = Rule{In{"lan0"}, ToPort{UDP, 53}, Redirect{Port: 5354}} }),
	}
}

// TestTextIsTheTable holds the text of a table against nft(8): what the kernel
// lists after the program's rules and after the text's must be the same.
func TestTextIsTheTable(t *testing.T) {
	gateway, device, k := site(t)
	must(t, k.ReplaceTable(every))
	load := device.Command(t.Context(), "nft", "-f", "-")
	load.Stdin = strings.NewReader(every.String())
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("nft refuses the text: %v\n%s\n%s", err, out, every)
	}
	list := []string{"-n", "list", "table", "inet", "assay_every"}
	ours, err := gateway.Command(t.Context(), "nft", list...).CombinedOutput()
	must(t, err)
	text, err := device.Command(t.Context(), "nft", list...).CombinedOutput()
	must(t, err)
	if string(ours) != string(text) {
		t.Errorf("the rules of the program:\n%s\nthe rules of the text:\n%s", ours, text)
	}
	if len(ours) < 1000 {
		t.Errorf("the list is too short to mean anything:\n%s", ours)
	}
}
