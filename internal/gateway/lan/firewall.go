package lan

import (
	"hash/fnv"
	"net/netip"
	"slices"

	"assay/internal/gateway/netos"
)

// tableName is the one table of nftables this package makes.
var tableName = netos.TableName{Family: netos.FamilyInet, Name: "assay_lan"}

// The counters of the table.
const (
	cPrivate    = "private"
	cInput      = "input"
	cSpoofed    = "spoofed"
	cInbound    = "inbound"
	cOtherLink  = "other_link"
	cNotOffered = "not_offered"
	cInvalid    = "invalid"
	cNew        = "over_new"
	cICMP       = "over_icmp"
	cUDP        = "over_udp"
	cMail       = "over_mail"
)

// Bounds of the sets that packets fill, in elements.
const (
	talkersLimit = 4096 // Ethernet addresses with a rate of their own; beyond them NewAll holds
	triedLimit   = 1024 // refused destinations kept for Tried
)

// Priorities of the hooks (nft(8), "priority").
const (
	prioRaw         = -300
	prioRedirect    = -100
	prioFilter      = 0
	prioTranslation = 100
)

// private4 is everything of IPv4 that is not the public internet (the registry
// of RFC 6890), except the networks for documentation: they hurt nobody.
var private4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)

// private6 is the same of IPv6. IPv4-mapped addresses and 6to4 are in it because
// they can carry a private IPv4 address.
var private6 = prefixes(
	"::/96", "::ffff:0:0/96", "100::/64", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// mailPorts take mail from anybody who can log in or not.
var mailPorts = []uint16{25, 465, 587}

// queryPorts are services that answer more than they were asked: DNS, TFTP, NTP,
// SNMP, LDAP, SSDP, CoAP, memcached.
var queryPorts = []uint16{53, 69, 123, 161, 389, 1900, 5683, 11211}

// wanted is what the table is made of.
type wanted struct {
	lan, wan      string
	addresses     Addresses
	delegated     netip.Prefix
	network       Network
	translation   Translation
	refuse, allow []netip.Prefix
	redirections  []Redirection
	limits        Limits
	mark          uint32 // of admitted connections; table fills it in
}

func (w wanted) table() netos.Table {
	w.mark = 0
	w.mark = fingerprint(w.rules().String())
	return w.rules()
}

// fingerprint is a mark for connections that were admitted by these rules and no
// others: what older ones admitted is looked at again.
func fingerprint(rules string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(rules)) // it cannot fail
	return max(1, h.Sum32())
}

// rules are the table with the mark that is given.
func (w wanted) rules() netos.Table {
	t := netos.Table{
		TableName: tableName,
		Counters: []string{
			cPrivate, cInput, cSpoofed, cInbound, cOtherLink, cNotOffered, cInvalid, cNew, cICMP, cUDP, cMail,
		},
		Sets: w.sets(),
		Chains: []netos.Chain{
			{Name: "limits", Rules: w.limitRules()},
			{Name: "public", Rules: w.publicRules()},
			{Name: "from_lan", Rules: w.fromLAN()},
			{Name: "to_lan", Rules: w.toLAN()},
			{Name: "to_box", Rules: w.toBox()},
			{Name: "lan_sources", Rules: w.sources()},
			{Name: "sources", Type: netos.ChainFilter, Hook: netos.HookPrerouting, Priority: prioRaw, Rules: []netos.Rule{
				{netos.In{Link: w.lan}, netos.Jump{Chain: "lan_sources"}},
			}},
			{Name: "redirections", Type: netos.ChainNAT, Hook: netos.HookPrerouting, Priority: prioRedirect, Rules: w.redirects()},
			{Name: "input", Type: netos.ChainFilter, Hook: netos.HookInput, Priority: prioFilter, Rules: w.input()},
			{Name: "forward", Type: netos.ChainFilter, Hook: netos.HookForward, Priority: prioFilter, Rules: w.forward()},
			{Name: "translate", Type: netos.ChainNAT, Hook: netos.HookPostrouting, Priority: prioTranslation, Rules: w.translate()},
		},
	}
	if w.translation.Link != "" {
		t.Chains = append([]netos.Chain{{Name: "from_nat64", Rules: w.fromNAT64()}}, t.Chains...)
	}
	return t
}

func (w wanted) sets() []netos.Set {
	return []netos.Set{
		{Name: "private4", Type: netos.SetIPv4, Prefixes: append(ofIPv4(w.refuse), private4...)},
		{Name: "private6", Type: netos.SetIPv6, Prefixes: append(ofIPv6(w.refuse), private6...)},
		{Name: "allow4", Type: netos.SetIPv4, Prefixes: ofIPv4(w.allow)},
		{Name: "allow6", Type: netos.SetIPv6, Prefixes: ofIPv6(w.allow)},
		{Name: "box4", Type: netos.SetIPv4, Prefixes: append(prefixes("224.0.0.0/4", "255.255.255.255/32"), w.box4()...)},
		{Name: "box6", Type: netos.SetIPv6, Prefixes: append(prefixes("fe80::/10", "ff00::/8"), single(w.addresses.IPv6.Addr()))},
		{Name: "lan6", Type: netos.SetIPv6, Prefixes: append(prefixes("::/128", "fe80::/10"), w.addresses.IPv6)},
		{Name: "mail", Type: netos.SetPort, Ports: mailPorts},
		{Name: "queries", Type: netos.SetPort, Ports: queryPorts},
		{Name: "talkers", Type: netos.SetEther, Size: talkersLimit, Timeout: talkersTimeout},
		{Name: "tried4", Type: netos.SetIPv4, Size: triedLimit, Timeout: triedTimeout},
		{Name: "tried6", Type: netos.SetIPv6, Size: triedLimit, Timeout: triedTimeout},
	}
}

// box4 is the box's address and the broadcast address of its network.
func (w wanted) box4() []netip.Prefix {
	return []netip.Prefix{single(w.addresses.IPv4.Addr()), single(broadcast(w.addresses.IPv4))}
}

// sources lets nothing in that claims an address of somebody else: neither a
// forwarded packet nor an answer of the box itself may go to a victim. It sees
// every packet, those of connections too, because a forged one may look like the
// answer in a connection of somebody else; so the usual case stands first.
func (w wanted) sources() []netos.Rule {
	unspecified := single(netip.IPv4Unspecified())
	return []netos.Rule{
		{netos.From{Prefix: w.addresses.IPv4.Masked()}, netos.Accept{}},
		{netos.FromSet{Family: netos.FamilyIPv6, Set: "lan6"}, netos.Accept{}},
		{netos.From{Prefix: unspecified}, netos.ToPort{L4: netos.UDP, Port: 67}, netos.Accept{}},
		{netos.Counted{Counter: cSpoofed}, netos.Drop{}},
	}
}

func (w wanted) redirects() []netos.Rule {
	var out []netos.Rule
	for _, r := range w.redirections {
		rule := netos.Rule{netos.In{Link: w.lan}}
		if r.To.IsValid() {
			rule = append(rule, netos.To{Prefix: r.To})
		}
		out = append(out, append(rule, netos.ToPort{L4: r.Protocol, Port: r.Port}, netos.Redirect{Port: r.Local, Last: r.Last}))
	}
	return out
}

// input has the box's own services for the LAN alone; through the NAT64 nobody
// reaches the box.
func (w wanted) input() []netos.Rule {
	out := []netos.Rule{{netos.In{Link: w.lan}, netos.Jump{Chain: "to_box"}}}
	if w.translation.Link != "" {
		out = append(out, netos.Rule{netos.In{Link: w.translation.Link}, netos.Counted{Counter: cInput}, netos.Drop{}})
	}
	return out
}

func (w wanted) forward() []netos.Rule {
	out := []netos.Rule{
		{netos.In{Link: w.lan}, netos.Jump{Chain: "from_lan"}},
		{netos.Out{Link: w.lan}, netos.Jump{Chain: "to_lan"}},
	}
	if link := w.translation.Link; link != "" {
		out = append(out,
			netos.Rule{netos.In{Link: link}, netos.Jump{Chain: "from_nat64"}},
			netos.Rule{netos.Out{Link: link}, netos.Jump{Chain: "to_lan"}})
	}
	if w.delegated.IsValid() { // what is delegated but not used must not go back where it came from
		out = append(out, netos.Rule{netos.In{Link: w.wan}, netos.To{Prefix: w.delegated}, netos.Counted{Counter: cInbound}, netos.Drop{}})
	}
	return out
}

// fromLAN lets devices reach the public internet and nothing else. Most packets
// belong to TCP connections and end at the first rules; what does not match there
// goes the whole way.
func (w wanted) fromLAN() []netos.Rule {
	out := slices.Concat(w.offered(netos.Reject{}), w.broken(), w.strict(), w.toNAT64())
	out = append(out,
		w.admitted(),
		w.conversation(netos.ToSet{Family: netos.FamilyIPv4, Set: "private4", Not: true}),
		w.conversation(netos.ToSet{Family: netos.FamilyIPv6, Set: "private6", Not: true}),
	)
	out = append(out,
		netos.Rule{netos.Tracked{States: netos.StateInvalid}, netos.Counted{Counter: cInvalid}, netos.Drop{}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv4, Set: "allow4"}, netos.Jump{Chain: "public"}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv6, Set: "allow6"}, netos.Jump{Chain: "public"}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv4, Set: "private4"}, netos.Remember{Family: netos.FamilyIPv4, Set: "tried4"}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv6, Set: "private6"}, netos.Remember{Family: netos.FamilyIPv6, Set: "tried6"}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv4, Set: "private4"}, netos.Counted{Counter: cPrivate}, netos.Reject{}},
		netos.Rule{netos.ToSet{Family: netos.FamilyIPv6, Set: "private6"}, netos.Counted{Counter: cPrivate}, netos.Reject{}},
		netos.Rule{netos.Jump{Chain: "public"}},
	)
	return out
}

// conversation accepts what the other end of a TCP connection has answered. A
// connection of which nobody answers stays new to the kernel, so a flood of any
// segments to one who is silent meets the limits, and segments outside the window
// are invalid. Only TCP: a datagram of a conversation still counts against its
// limit. The way out and the destination are checked in every packet, because the
// kernel may know connections that are older than the rules, and a forged packet
// may belong to a connection between others. A connection that these rules looked at
// once is marked.
func (w wanted) conversation(destination netos.Stmt) netos.Rule {
	return netos.Rule{
		netos.Protocol{L4: netos.TCP}, netos.Tracked{States: netos.StateEstablished},
		netos.Out{Link: w.wan}, destination, netos.Mark{Value: w.mark}, netos.Accept{},
	}
}

// admitted accepts what belongs to a TCP connection that these very rules marked as one
// to an admitted destination: looking it up again in each packet is the dearest part of
// the way. A packet of the connection from the LAN has the same destination, since one in
// the other direction would have the far end as its source, and is spoofed.
func (w wanted) admitted() netos.Rule {
	return netos.Rule{
		netos.Marked{Value: w.mark}, netos.Tracked{States: netos.StateEstablished}, netos.Out{Link: w.wan}, netos.Accept{},
	}
}

func (w wanted) publicRules() []netos.Rule {
	return []netos.Rule{
		{netos.Out{Link: w.wan}, netos.Jump{Chain: "limits"}},
		{netos.Counted{Counter: cOtherLink}, netos.Reject{}},
	}
}

// limitRules end every packet's way: dropped beyond a limit, accepted else. The
// limits on datagrams and ICMP hold for conversations too, because a victim that
// answers is still a victim.
func (w wanted) limitRules() []netos.Rule {
	drop := func(counter string, match ...netos.Stmt) netos.Rule {
		return append(netos.Rule(match), netos.Counted{Counter: counter}, netos.Drop{})
	}
	l := w.limits
	return []netos.Rule{
		drop(cICMP, netos.Protocol{L4: netos.ICMPv4}, netos.Over{Limit: l.ICMP}),
		drop(cICMP, netos.Protocol{L4: netos.ICMPv6}, netos.Over{Limit: l.ICMP}),
		drop(cUDP, netos.ToPorts{L4: netos.UDP, Set: "queries"}, netos.Over{Limit: l.Queries}),
		drop(cUDP, netos.Protocol{L4: netos.UDP}, netos.Over{Limit: l.UDP}),
		{netos.Tracked{States: netos.StateEstablished | netos.StateRelated}, netos.Accept{}},
		drop(cMail, netos.ToPorts{L4: netos.TCP, Set: "mail"}, netos.Over{Limit: l.Mail}),
		drop(cNew, netos.OverEach{Set: "talkers", Limit: l.NewEach}),
		drop(cNew, netos.Over{Limit: l.NewAll}),
		{netos.Accept{}},
	}
}

func (w wanted) toLAN() []netos.Rule {
	return append(w.broken(),
		netos.Rule{netos.Tracked{States: netos.StateEstablished | netos.StateRelated}, netos.Accept{}},
		netos.Rule{netos.Counted{Counter: cInbound}, netos.Drop{}},
	)
}

// offered refuses the IP version that is not offered at present.
func (w wanted) offered(verdict netos.Stmt) []netos.Rule {
	var out []netos.Rule
	if !w.network.IPv4() {
		out = append(out, netos.Rule{netos.IPVersion{Family: netos.FamilyIPv4}, netos.Counted{Counter: cNotOffered}, verdict})
	}
	if !w.network.IPv6() {
		out = append(out, netos.Rule{netos.IPVersion{Family: netos.FamilyIPv6}, netos.Counted{Counter: cNotOffered}, verdict})
	}
	return out
}

// translate gives what leaves for the internet the address of the uplink.
func (w wanted) translate() []netos.Rule {
	out := []netos.Rule{{netos.Out{Link: w.wan}, netos.From{Prefix: w.addresses.IPv4.Masked()}, netos.Masquerade{}}}
	if w.translation.Link != "" {
		out = append(out, netos.Rule{netos.Out{Link: w.wan}, netos.From{Prefix: w.translation.Pool.Masked()}, netos.Masquerade{}})
	}
	if w.addresses.NAT66 {
		out = append(out, netos.Rule{netos.Out{Link: w.wan}, netos.From{Prefix: w.addresses.IPv6.Masked()}, netos.Masquerade{}})
	}
	return out
}
