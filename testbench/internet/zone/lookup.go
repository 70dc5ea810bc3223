package zone

import (
	"strings"

	"github.com/miekg/dns"
)

// Result is what the authority of one zone says about a name and type.
// Signatures and proofs are in it only where they were asked for.
type Result struct {
	Rcode      int      // NOERROR or NXDOMAIN
	Answer     []dns.RR // records found, aliases included
	Authority  []dns.RR // SOA, proofs, or the name servers of the zone below
	Additional []dns.RR // addresses of those name servers
	Next       string   // where an alias leads, "" if the answer is complete
	Referral   bool     // the data are in a zone below
}

// search is one lookup under way; the first error stops it.
type search struct {
	z      *Zone
	name   string
	rrtype uint16
	do     bool
	out    Result
	err    error
}

// Lookup answers for one zone as RFC 1034 section 4.3.2, RFC 6672 section 3.2
// and RFC 4035 section 3.1 say. name must lie in the zone; do asks for
// signatures and proofs.
func (z *Zone) Lookup(name string, rrtype uint16, do bool) (Result, error) {
	s := &search{z: z, name: dns.CanonicalName(name), rrtype: rrtype, do: do && z.signed()}
	s.run()
	return s.out, s.err
}

func (s *search) run() {
	if cut := s.cut(); cut != "" {
		s.refer(cut)
		return
	}
	if owner := s.renamedTree(); owner != "" {
		s.dname(owner)
		return
	}
	if n, ok := s.z.nodes[s.name]; ok {
		s.at(n)
		return
	}
	s.absent()
}

// cut finds the zone cut the name lies at or below. The DS at the cut itself
// belongs to this side of it.
func (s *search) cut() string {
	found := ""
	for name := s.name; name != s.z.name; name = parentOf(name) {
		if s.z.cutAt(name) {
			found = name
		}
	}
	if found == s.name && s.rrtype == dns.TypeDS {
		return ""
	}
	return found
}

// renamedTree finds a DNAME above the name.
func (s *search) renamedTree() string {
	for name := s.name; name != s.z.name; {
		name = parentOf(name)
		if len(s.z.nodes[name][dns.TypeDNAME]) > 0 {
			return name
		}
	}
	return ""
}

func (s *search) put(section *[]dns.RR, set rrset) {
	rrs, err := s.z.withSig(set, s.do)
	if err != nil {
		s.err = err
		return
	}
	*section = append(*section, rrs...)
}

// refer sends to the zone below: its servers, and the signed word about its keys.
func (s *search) refer(cut string) {
	s.out.Referral = true
	n := s.z.nodes[cut]
	s.out.Authority = append(s.out.Authority, copied(n[dns.TypeNS])...)
	for _, rr := range n[dns.TypeNS] {
		s.out.Additional = append(s.out.Additional, copied(s.z.glue[rr.(*dns.NS).Ns])...)
	}
	switch {
	case len(n[dns.TypeDS]) > 0 && s.do:
		s.put(&s.out.Authority, n[dns.TypeDS])
	case s.do:
		s.name, s.rrtype = cut, dns.TypeDS
		s.prove(s.z.noData(cut))
	}
}

// prove adds links of the chain with their signatures, unless leaving them out
// is what is wrong with this zone or this delegation.
func (s *search) prove(p proof) {
	child := s.z.u.zones[s.name]
	stripped := child != nil && child.link == dsProofStripped && s.rrtype == dns.TypeDS
	if !s.do || stripped || s.z.fault == noDenial {
		return
	}
	for _, rr := range p {
		s.put(&s.out.Authority, rrset{rr})
	}
}

func (s *search) soa() { s.put(&s.out.Authority, s.z.nodes[s.z.name][dns.TypeSOA]) }

// dname answers with the DNAME and the alias that follows from it.
func (s *search) dname(owner string) {
	set := s.z.nodes[owner][dns.TypeDNAME]
	s.put(&s.out.Answer, set)
	target := strings.TrimSuffix(s.name, owner) + set[0].(*dns.DNAME).Target
	if len(target) > maxName {
		s.out.Rcode = dns.RcodeYXDomain
		return
	}
	s.out.Answer = append(s.out.Answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: s.name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: set[0].Header().Ttl},
		Target: target,
	})
	if s.rrtype != dns.TypeCNAME {
		s.out.Next = dns.CanonicalName(target)
	}
}

// maxName is the most that a name in presentation form without escapes may
// have: 255 octets on the wire (RFC 1035, section 2.3.4).
const maxName = 254

// at answers from a node that exists.
func (s *search) at(n node) {
	sets := s.wanted(n)
	for _, set := range sets {
		s.put(&s.out.Answer, set)
	}
	if len(sets) == 0 {
		s.soa()
		s.prove(s.z.chainFor(func() proof { return s.z.noData(s.name) }))
	}
}

// wanted picks the record sets that answer the question.
func (s *search) wanted(n node) []rrset {
	if alias := n[dns.TypeCNAME]; len(alias) > 0 && s.rrtype != dns.TypeCNAME && s.rrtype != dns.TypeANY {
		s.out.Next = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
		return []rrset{alias}
	}
	if s.rrtype != dns.TypeANY {
		if len(n[s.rrtype]) == 0 {
			return nil
		}
		return []rrset{n[s.rrtype]}
	}
	var out []rrset
	for _, t := range n.types() {
		out = append(out, n[t])
	}
	return out
}

// absent answers for a name that has no node: a wildcard, or nothing.
func (s *search) absent() {
	encloser := s.name
	for s.z.nodes[encloser] == nil {
		encloser = parentOf(encloser)
	}
	wild, ok := s.z.nodes["*"+under(encloser)]
	if !ok {
		s.out.Rcode = dns.RcodeNameError
		s.soa()
		s.prove(s.z.chainFor(func() proof { return s.z.noName(s.name, encloser) }))
		return
	}
	s.expand(wild, encloser)
}

// expand answers from a wildcard. Its signatures are over the asterisk; only
// the owner is replaced (RFC 4035, section 3.1.3.3).
func (s *search) expand(wild node, encloser string) {
	sets := s.wanted(wild)
	if len(sets) == 0 {
		s.soa()
		s.prove(s.z.chainFor(func() proof { return s.z.noDataWildcard(s.name, encloser) }))
		return
	}
	for _, set := range sets {
		s.put(&s.out.Answer, set)
	}
	for _, rr := range s.out.Answer {
		rr.Header().Name = s.name
	}
	if s.z.fault != strippedWildcard {
		s.prove(s.z.chainFor(func() proof { return s.z.noCloser(s.name, encloser) }))
	}
}

// chainFor asks for a proof where the zone has one to give.
func (z *Zone) chainFor(p func() proof) proof {
	if !z.signed() {
		return nil
	}
	return p()
}
