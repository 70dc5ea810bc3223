package fault

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver"
)

// Candidate is a name that the device asked for.
type Candidate struct {
	Name   string // canonical
	Asked  int    // address questions
	Status resolver.Status
	// HasAddress says that a genuine answer held an address.
	HasAddress bool
	// DO, CD: at least one question had that bit. Plain: at least one had no DO.
	DO, CD, Plain bool
	TCP           bool     // at least one came over TCP
	Aliases       []string // the names that its CNAMEs lead to, at most 16
	// Rare says that none of the signatures over its addresses is of an algorithm that
	// every validator has (RFC 9904): one without it takes the name for unsigned.
	Rare bool
	// Cut is the unsigned zone whose denial of DS is signed; Plan finds it out. Empty
	// when there is none.
	Cut string
}

// Bounds of what is remembered of one device.
const (
	nameLimit   = 256
	recordLimit = 256 // RRsets of which signatures are kept
)

// memory is what was learned of the device's names and their signatures.
type memory struct {
	now   func() time.Time
	mu    sync.Mutex
	names map[string]*Candidate
	old   map[string][]*dns.RRSIG // by the text of the records they sign
}

// learn takes a genuine answer.
func (m *memory) learn(asked resolver.Asked, genuine *dns.Msg) {
	if !isAddress(asked.Type) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remember(genuine)
	n := m.candidate(asked.Name)
	if n == nil {
		return
	}
	n.Asked++
	n.DO, n.Plain = n.DO || asked.DO, n.Plain || !asked.DO
	n.CD, n.TCP = n.CD || asked.CD, n.TCP || asked.TCP
	if has := addresses(genuine); has || !n.HasAddress {
		n.HasAddress, n.Status = has, asked.Status
		n.Aliases = chainOf(genuine, asked.Name)
		n.Rare = rare(genuine)
	}
}

// rare says that an answer's signatures are all of algorithms that a validator may do
// without.
func rare(m *dns.Msg) bool {
	some := false
	for _, set := range addressSets(m) {
		for _, sig := range set.sigs {
			some = true
			switch sig.Algorithm {
			case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384:
				return false
			}
		}
	}
	return some
}

// candidate finds or makes the record of a name; nil when there are too many.
func (m *memory) candidate(name string) *Candidate {
	n := m.names[name]
	if n != nil || len(m.names) >= nameLimit {
		return n
	}
	if m.names == nil {
		m.names = map[string]*Candidate{}
	}
	n = &Candidate{Name: name}
	m.names[name] = n
	return n
}

func addresses(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeA || rr.Header().Rrtype == dns.TypeAAAA
	})
}

// chainOf follows the CNAMEs of an answer and gives where they lead, in order.
func chainOf(m *dns.Msg, name string) []string {
	next := map[string]string{}
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok {
			next[dns.CanonicalName(c.Hdr.Name)] = dns.CanonicalName(c.Target)
		}
	}
	var out []string
	for at, ok := next[name]; ok && len(out) < aliasLimit && at != name && !slices.Contains(out, at); at, ok = next[at] {
		out = append(out, at)
	}
	return out
}

// remember keeps the signatures over address records, for the time when they have
// ended.
func (m *memory) remember(genuine *dns.Msg) {
	for _, set := range addressSets(genuine) {
		key := set.text()
		if m.old == nil {
			m.old = map[string][]*dns.RRSIG{}
		}
		if _, known := m.old[key]; known || len(m.old) >= recordLimit || len(set.sigs) == 0 {
			continue
		}
		for _, sig := range set.sigs {
			if own, ok := dns.Copy(sig).(*dns.RRSIG); ok {
				m.old[key] = append(m.old[key], own)
			}
		}
	}
}

// ended gives the signatures over records that were seen before and whose time is
// over by now.
func (m *memory) ended(set signed) []*dns.RRSIG {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*dns.RRSIG
	for _, sig := range m.old[set.text()] {
		if int32(sig.Expiration-uint32(m.now().Unix())) < 0 { // serial arithmetic, RFC 4034 section 3.1.5
			out = append(out, sig)
		}
	}
	return out
}

// Candidates lists the names that the device asked addresses of, those asked most
// often first; at most 256.
func (c *Conductor) Candidates() []Candidate {
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	var out []Candidate
	for _, name := range slices.Sorted(maps.Keys(c.seen.names)) {
		n := *c.seen.names[name]
		n.Aliases = slices.Clone(n.Aliases)
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return cmp.Compare(b.Asked, a.Asked) })
	return out
}
