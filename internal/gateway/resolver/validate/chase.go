package validate

import (
	"fmt"

	"github.com/miekg/dns"
)

// maxSigners bounds the signers that are tried for one RRset or denial. Honest
// sets have one.
const maxSigners = 3

// chase follows one question through an answer: aliases first, then data or
// denial.
type chase struct {
	s     *session
	qtype uint16
	rcode int
	name  string // where the chain has led so far, canonical
	sum   proof  // the worst part so far
}

// add takes the proof of one part of the answer into account and says whether
// it makes sense to go on.
func (c *chase) add(p proof) bool {
	ttl := c.sum.ttl
	if p.status == Secure || p.status == Insecure {
		ttl = min(ttl, p.ttl)
	}
	if p.status.worse(c.sum.status) {
		c.sum = p
	}
	c.sum.ttl = ttl
	return c.sum.status == Secure || c.sum.status == Insecure
}

func (c *chase) run() proof {
	for range c.s.v.limits.Chain {
		if sets := c.data(); len(sets) > 0 {
			return c.positive(sets)
		}
		next, found := c.alias()
		if !found {
			c.add(c.negative())
			return c.sum
		}
		if next == "" {
			return c.sum
		}
		c.name = next
	}
	c.add(bogus(dns.ExtendedErrorCodeDNSBogus, "the answer is a longer chain of aliases than is followed"))
	return c.sum
}

// data is the RRsets that answer the question at the current name.
func (c *chase) data() []*rrset {
	if c.qtype == dns.TypeANY {
		return c.s.answer.named(c.name)
	}
	if set := c.s.answer.get(c.name, c.qtype); set != nil {
		return []*rrset{set}
	}
	return nil
}

func (c *chase) positive(sets []*rrset) proof {
	if c.rcode != dns.RcodeSuccess {
		c.add(bogus(dns.ExtendedErrorCodeDNSBogus, fmt.Sprintf("the answer has data and says %s", dns.RcodeToString[c.rcode])))
		return c.sum
	}
	for _, set := range sets {
		if !c.part(set) {
			break
		}
	}
	return c.sum
}

// part validates one RRset that answers the question. A CNAME that was made from a
// DNAME stands on that: it has no signature of its own (RFC 6672 section 5.3.1).
func (c *chase) part(set *rrset) bool {
	if set.rtype == dns.TypeCNAME && len(set.sigs) == 0 {
		if maker := c.s.answer.above(set.name); maker != nil {
			return c.dname(maker) != ""
		}
	}
	return c.add(c.s.trust(set))
}

// alias follows a DNAME or CNAME at the current name. next is empty when the
// chain ends here: at something bogus, or at a name that grew too long.
func (c *chase) alias() (next string, found bool) {
	if set := c.s.answer.above(c.name); set != nil {
		return c.dname(set), true
	}
	set := c.s.answer.get(c.name, dns.TypeCNAME)
	if set == nil {
		return "", false
	}
	cname, ok := set.rrs[0].(*dns.CNAME)
	if !ok || len(set.rrs) != 1 {
		c.add(bogus(dns.ExtendedErrorCodeDNSBogus, c.name+" has more than one CNAME"))
		return "", true
	}
	if !c.add(c.s.trust(set)) {
		return "", true
	}
	return dns.CanonicalName(cname.Target), true
}

// dname validates a DNAME and the CNAME that was made from it, which carries no
// signature of its own (RFC 6672 section 5.3.1).
func (c *chase) dname(set *rrset) string {
	dname, ok := set.rrs[0].(*dns.DNAME)
	if !ok || len(set.rrs) != 1 {
		c.add(bogus(dns.ExtendedErrorCodeDNSBogus, set.name+" has more than one DNAME"))
		return ""
	}
	if !c.add(c.s.trust(set)) {
		return ""
	}
	next, fits := substitute(c.name, set.name, dns.CanonicalName(dname.Target))
	if !fits {
		if c.rcode != dns.RcodeYXDomain {
			c.add(bogus(dns.ExtendedErrorCodeDNSBogus, "the DNAME of "+set.name+" makes too long a name of "+c.name))
		}
		return ""
	}
	if made := c.s.answer.get(c.name, dns.TypeCNAME); made != nil {
		cname, ok := made.rrs[0].(*dns.CNAME)
		if !ok || len(made.rrs) != 1 || dns.CanonicalName(cname.Target) != next {
			c.add(bogus(dns.ExtendedErrorCodeDNSBogus, "the CNAME of "+c.name+" does not follow from the DNAME of "+set.name))
			return ""
		}
		c.s.accept(made)
	}
	return next
}

// substitute replaces the suffix from of a name by to (RFC 6672 section 2.2).
func substitute(name, from, to string) (string, bool) {
	if from == "." || !dns.IsSubDomain(from, name) {
		return "", false
	}
	out := name[:len(name)-len(from)]
	if to != "." {
		out += to
	}
	_, ok := sortKey(out)
	return out, ok
}

// trust validates one RRset of the answer: by the zone that signed it, or, when
// nothing holds, by looking whether it should have been signed.
func (s *session) trust(set *rrset) proof {
	anchor, f := s.v.anchorFor(set.name)
	if f.why != "" {
		return proof{status: Insecure, fail: f, ttl: set.minTTL()}
	}
	best := bogus(dns.ExtendedErrorCodeRRSIGsMissing, fmt.Sprintf("%s %s is not signed", set.name, typeName(set.rtype)))
	for _, signer := range set.signers(set.name, maxSigners) {
		if !dns.IsSubDomain(anchor, signer) {
			continue
		}
		n := s.place(signer)
		if n.status != Secure {
			return proof{status: n.status, fail: n.fail, ttl: set.minTTL()}
		}
		if n.zone.name != signer {
			best.fail.why = fmt.Sprintf("%s %s is signed by %s, which is no zone", set.name, typeName(set.rtype), signer)
			continue
		}
		p := s.verify(n.zone, set)
		if p.status == Secure {
			p = s.expanded(n.zone, set, p, s.authority)
		}
		if p.status != Bogus {
			s.accept(set)
			return p
		}
		best = p
	}
	n := s.home(set.name, set.rtype)
	if n.status != Secure {
		return proof{status: n.status, fail: n.fail, ttl: set.minTTL()}
	}
	return best
}
