package fact

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"assay/internal/assess/event"
)

// askedPart counts questions and names.
type askedPart struct {
	queries, edns, do, cd, ad, rd0, tcp Because
	dnskey, ds, rrsig, any, trust       Because
	address, addressDO                  Because
	answers, failures, malformed        Because
	unasked                             Because // answers whose questions the log does not hold
	keyTags                             map[uint16]bool
	names                               map[string]*askedName
	resolved                            Because
	zones                               map[string]zoneAsked
	crowded                             bool
}

// askedName is what was asked about one name.
type askedName struct {
	address, aaaa, do  bool // asked for an address, for an IPv6 address, with DO
	resolved, holdsIP6 bool // an answer held an address, an IPv6 address
}

// zoneAsked is what was asked about a zone's keys.
type zoneAsked struct{ dnskey, ds bool }

// Bounds of the tables of one host.
const (
	nameLimit   = 1024
	zoneLimit   = 256
	keyTagLimit = 32
	listLimit   = 64 // names or addresses listed in one fact
)

func (p *askedPart) question(ev *sighting, b event.DNSAsked) {
	for _, c := range []struct {
		on bool
		to *Because
	}{
		{true, &p.queries}, {b.EDNS, &p.edns}, {b.DO, &p.do}, {b.CD, &p.cd}, {b.AD, &p.ad},
		{!b.RD, &p.rd0}, {b.Transport == event.TCP, &p.tcp},
		{b.Type == rrDNSKEY, &p.dnskey}, {b.Type == rrDS, &p.ds},
		{b.Type == rrRRSIG, &p.rrsig}, {b.Type == rrANY, &p.any},
		{signalsTrust(b), &p.trust},
		{isAddressType(b.Type), &p.address}, {isAddressType(b.Type) && b.DO, &p.addressDO},
	} {
		if c.on {
			c.to.See(ev)
		}
	}
	p.noteTags(b)
	p.noteZone(b)
	p.noteName(b)
}

func isAddressType(t uint16) bool { return t == rrA || t == rrAAAA }

// signalsTrust says that a question tells which root keys or algorithms its
// sender trusts (RFC 8145 sections 4 and 5, RFC 6975).
func signalsTrust(b event.DNSAsked) bool {
	if strings.HasPrefix(b.Name, "_ta-") {
		return true
	}
	for _, o := range b.Options {
		if o == optKeyTag || o >= optDAU && o <= optN3U {
			return true
		}
	}
	return false
}

func (p *askedPart) noteTags(b event.DNSAsked) {
	tags := b.KeyTags
	if label, _, _ := strings.Cut(b.Name, "."); strings.HasPrefix(label, "_ta-") {
		for _, h := range strings.Split(label[len("_ta-"):], "-") {
			var tag uint16
			if _, err := fmt.Sscanf(h, "%04x", &tag); err == nil {
				tags = append(slices.Clip(tags), tag)
			}
		}
	}
	for _, t := range tags {
		if p.keyTags == nil {
			p.keyTags = map[uint16]bool{}
		}
		if len(p.keyTags) < keyTagLimit {
			p.keyTags[t] = true
		}
	}
}

func (p *askedPart) noteZone(b event.DNSAsked) {
	if b.Type != rrDNSKEY && b.Type != rrDS {
		return
	}
	z, known := p.zones[b.Name]
	if !known && len(p.zones) >= zoneLimit {
		return
	}
	if p.zones == nil {
		p.zones = map[string]zoneAsked{}
	}
	z.dnskey = z.dnskey || b.Type == rrDNSKEY
	z.ds = z.ds || b.Type == rrDS
	p.zones[b.Name] = z
}

func (p *askedPart) noteName(b event.DNSAsked) {
	if b.Type == rrDNSKEY || b.Type == rrDS || strings.HasPrefix(b.Name, "_ta-") {
		return // a zone's keys, not a name the device wants to use
	}
	n := p.names[b.Name]
	if n == nil {
		if len(p.names) >= nameLimit {
			p.crowded = true
			return
		}
		if p.names == nil {
			p.names = map[string]*askedName{}
		}
		n = &askedName{}
		p.names[b.Name] = n
	}
	n.address = n.address || isAddressType(b.Type)
	n.aaaa = n.aaaa || b.Type == rrAAAA
	n.do = n.do || b.DO
}

func (p *askedPart) answer(ev *sighting, b event.DNSAnswered) {
	p.answers.See(ev)
	if b.Question == 0 {
		p.unasked.See(ev)
	}
	if isFailure(b.RCode) {
		p.failures.See(ev)
	}
	n := p.names[b.Name]
	if n == nil || b.Question == 0 || !hasAddress(b) {
		return
	}
	if !n.resolved {
		p.resolved.See(ev)
	}
	n.resolved = true
	for _, r := range b.Records {
		n.holdsIP6 = n.holdsIP6 || r.Addr.Is6()
	}
}

func (p *askedPart) state(out *Sheet) {
	for _, c := range []struct {
		key string
		b   Because
	}{
		{"dns.queries", p.queries}, {"dns.queries_edns", p.edns}, {"dns.queries_do", p.do},
		{"dns.queries_cd", p.cd}, {"dns.queries_ad", p.ad}, {"dns.queries_rd0", p.rd0},
		{"dns.queries_tcp", p.tcp}, {"dns.queries_dnskey", p.dnskey}, {"dns.queries_ds", p.ds},
		{"dns.queries_rrsig", p.rrsig}, {"dns.queries_any", p.any}, {"dns.queries_address", p.address},
		{"dns.trust_signals", p.trust}, {"dns.answers", p.answers}, {"dns.answers_unasked", p.unasked}, {"dns.failures", p.failures},
		{"dns.malformed", p.malformed},
	} {
		out.Int(c.key, c.b.Seen(), c.b)
	}
	if n := p.address.Seen(); n > 0 {
		out.Double("dns.do_share", float64(p.addressDO.Seen())/float64(n), p.address)
	}
	out.List("dns.key_tags", p.tagList(), p.trust)
	if !p.crowded {
		p.stateNames(out)
	}
}

// tally counts names by what was asked and answered about them.
type tally struct {
	names, reverse, do, address, aaaa, holdsIP6, resolved, chained int
	list                                                           []string
}

func (p *askedPart) tally() tally {
	var t tally
	for name, n := range p.names {
		t.names++
		t.reverse += one(isReverse(name))
		t.do += one(n.do)
		t.address += one(n.address)
		t.aaaa += one(n.aaaa)
		t.holdsIP6 += one(n.holdsIP6)
		t.resolved += one(n.resolved)
		t.chained += one(n.resolved && p.chained(name))
		t.list = append(t.list, shownName(name))
	}
	sort.Strings(t.list)
	return t
}

func (p *askedPart) stateNames(out *Sheet) {
	t := p.tally()
	for _, c := range []struct {
		key string
		n   int
		b   Because
	}{
		{"dns.names", t.names, p.queries}, {"dns.names_reverse", t.reverse, p.queries},
		{"dns.names_do", t.do, p.do}, {"dns.names_address", t.address, p.address},
		{"dns.names_aaaa", t.aaaa, p.address}, {"dns.names_with_aaaa", t.holdsIP6, p.resolved},
		{"dns.names_resolved", t.resolved, p.resolved},
	} {
		out.Int(c.key, c.n, c.b)
	}
	out.List("dns.name_list", t.list[:min(len(t.list), listLimit)], p.queries)
	if t.address > 0 {
		out.Double("dns.aaaa_share", float64(t.aaaa)/float64(t.address), p.address)
	}
	if t.resolved > 0 {
		b := p.dnskey
		b.Join(p.ds)
		out.Double("dns.chain_share", float64(t.chained)/float64(t.resolved), b)
	}
}

// chained says that keys and delegation of a zone around the name, below the
// root, were both asked for.
func (p *askedPart) chained(name string) bool {
	for name != "" {
		if z := p.zones[name]; z.dnskey && z.ds {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

func (p *askedPart) tagList() []string {
	var out []string
	for t := range p.keyTags {
		out = append(out, fmt.Sprintf("%d", t))
	}
	sort.Strings(out)
	return out
}

func isReverse(name string) bool {
	return strings.HasSuffix(name, ".in-addr.arpa.") || strings.HasSuffix(name, ".ip6.arpa.")
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
