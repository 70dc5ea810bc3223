package validate

import (
	"github.com/miekg/dns"
)

// rrset is the records of one name and type in one section of a message, with
// the signatures over them.
type rrset struct {
	name  string // canonical
	rtype uint16
	rrs   []dns.RR
	sigs  []*dns.RRSIG
	at    []int  // positions in the section, of records and signatures
	by    string // the zone that verification asked for last
	found proof  // and what it said
}

type setKey struct {
	name  string
	rtype uint16
}

// section is a section of a message by RRsets, in order of appearance.
type section struct {
	sets  []*rrset
	byKey map[setKey]*rrset
}

// index sorts the records of class IN of a section into RRsets.
func index(rrs []dns.RR) *section {
	s := &section{byKey: make(map[setKey]*rrset, len(rrs))}
	for i, rr := range rrs {
		if rr == nil || rr.Header().Class != dns.ClassINET {
			continue
		}
		name := dns.CanonicalName(rr.Header().Name)
		if sig, ok := rr.(*dns.RRSIG); ok {
			set := s.ensure(setKey{name, sig.TypeCovered})
			set.sigs, set.at = append(set.sigs, sig), append(set.at, i)
			continue
		}
		set := s.ensure(setKey{name, rr.Header().Rrtype})
		set.rrs, set.at = append(set.rrs, rr), append(set.at, i)
	}
	return s
}

func (s *section) ensure(key setKey) *rrset {
	if set := s.byKey[key]; set != nil {
		return set
	}
	set := &rrset{name: key.name, rtype: key.rtype}
	s.byKey[key] = set
	s.sets = append(s.sets, set)
	return set
}

// get finds an RRset that has records, not signatures alone; nil if there is none.
func (s *section) get(name string, rtype uint16) *rrset {
	if set := s.byKey[setKey{name, rtype}]; set != nil && len(set.rrs) > 0 {
		return set
	}
	return nil
}

// named lists the RRsets of a name that have records.
func (s *section) named(name string) []*rrset {
	var out []*rrset
	for _, set := range s.sets {
		if set.name == name && len(set.rrs) > 0 {
			out = append(out, set)
		}
	}
	return out
}

// above finds the DNAME that redirects name: one at a proper ancestor.
func (s *section) above(name string) *rrset {
	for n := name; n != "."; {
		n = parent(n)
		if set := s.get(n, dns.TypeDNAME); set != nil {
			return set
		}
	}
	return nil
}

// uniform gives the records one spelling of their owner, as the library wants
// it from an RRset; spelling is not part of what is signed.
func (set *rrset) uniform() []dns.RR {
	same := true
	for _, rr := range set.rrs {
		same = same && rr.Header().Name == set.rrs[0].Header().Name
	}
	if same {
		return set.rrs
	}
	out := make([]dns.RR, len(set.rrs))
	for i, rr := range set.rrs {
		out[i] = dns.Copy(rr)
		out[i].Header().Name = set.name
	}
	return out
}

// minTTL is the least TTL of the records.
func (set *rrset) minTTL() uint32 {
	ttl := ^uint32(0)
	for _, rr := range set.rrs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return ttl
}

// signers lists the names that signed the set, each once, the longest first,
// as far as they can be signers: the owner or an ancestor of it, and for DS,
// which belongs to the parent, not the owner itself (RFC 4035 section 2.4).
func (set *rrset) signers(owner string, most int) []string {
	var out []string
	for _, sig := range set.sigs {
		name := dns.CanonicalName(sig.SignerName)
		if !dns.IsSubDomain(name, owner) || set.rtype == dns.TypeDS && name == owner && name != "." {
			continue
		}
		out = insertName(out, name)
	}
	return out[:min(len(out), most)]
}

// insertName adds a name to a list of ancestors of one name, the longest first.
func insertName(list []string, name string) []string {
	for i, have := range list {
		if have == name {
			return list
		}
		if len(have) < len(name) {
			return append(list[:i], append([]string{name}, list[i:]...)...)
		}
	}
	return append(list, name)
}
