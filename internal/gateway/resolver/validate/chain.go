package validate

import (
	"time"

	"github.com/miekg/dns"
)

// home finds the zone that holds the records of an owner name. A DS belongs to
// the parent's side of a cut (RFC 4035 section 2.4).
func (s *session) home(owner string, qtype uint16) node {
	if qtype == dns.TypeDS && owner != "." {
		return s.place(parent(owner))
	}
	return s.place(owner)
}

// place follows the chain of trust from the closest anchor down to name, label
// by label, by asking for DS records. NS records play no part in it.
func (s *session) place(name string) node {
	anchor, f := s.v.anchorFor(name)
	if f.why != "" {
		return node{status: Insecure, fail: f}
	}
	at := name
	n, ok := s.known(at)
	for !ok && at != anchor {
		at = parent(at)
		n, ok = s.known(at)
	}
	if !ok {
		n = s.keep(anchor, s.enter(anchor, s.v.anchors[anchor], ttlSeconds(s.v.limits.KeyTTL)), ttlSeconds(s.v.limits.KeyTTL))
	}
	for labels := dns.CountLabel(at) + 1; labels <= dns.CountLabel(name) && n.open(); labels++ {
		next := ancestor(name, labels)
		n = s.keep(next, s.step(n, next), n.left(s.now))
	}
	return n
}

// anchorFor is the anchor that counts for a name: the closest one above, if no
// negative anchor is as close (RFC 7646 section 2). A failure says why there is
// none.
func (v *Validator) anchorFor(name string) (string, failure) {
	for n := name; ; n = parent(n) {
		if v.negatives[n] {
			return "", failure{why: n + " is a negative trust anchor"}
		}
		if v.anchors[n] != nil {
			return n, failure{}
		}
		if n == "." {
			return "", failure{why: "no trust anchor covers " + name}
		}
	}
}

func (s *session) known(name string) (node, bool) {
	if n, ok := s.nodes[name]; ok {
		return n, true
	}
	return s.v.cuts.get(name, s.now)
}

// keep remembers a node for this call and, unless it stands for a failure to
// find out, for later ones. A child never outlives its parent.
func (s *session) keep(name string, n node, above uint32) node {
	n.made = s.now
	n.ttl = min(n.ttl, above, ttlSeconds(s.v.limits.KeyTTL))
	if n.status == Bogus {
		n.ttl = ttlSeconds(s.v.limits.BadTTL)
	}
	s.nodes[name] = n
	if n.status != Indeterminate && n.ttl > 0 && !s.exhausted() {
		s.v.cuts.put(name, n)
	}
	return n
}

// step decides what lies at name, one label below a place in a secure zone: a
// signed child, an unsigned one, or no cut.
func (s *session) step(above node, name string) node {
	msg, f := s.query(name, dns.TypeDS)
	if msg == nil {
		return node{status: Indeterminate, fail: f}
	}
	answer := index(msg.Answer)
	if set := answer.get(name, dns.TypeDS); set != nil {
		return s.signedCut(above.zone, set)
	}
	for _, set := range []*rrset{answer.above(name), answer.get(name, dns.TypeCNAME)} {
		if set != nil && dns.IsSubDomain(above.zone.name, set.name) {
			return s.aliasAt(above.zone, set, msg)
		}
	}
	p, cut := s.gather(above.zone, index(msg.Ns)).noDS(name)
	switch {
	case p.status == Bogus:
		return node{status: Bogus, fail: p.fail}
	case p.status == Insecure:
		return node{status: Insecure, fail: p.fail, ttl: p.ttl}
	case cut == delegation:
		return node{status: Insecure, fail: failure{why: above.zone.name + " delegates " + name + " without DS"}, ttl: p.ttl}
	default:
		return node{status: Secure, zone: above.zone, closed: cut == nothing, ttl: p.ttl}
	}
}

func (s *session) signedCut(z *zone, set *rrset) node {
	p := s.verify(z, set)
	if p.status == Secure && p.labels < ownLabels(set.name) {
		p = bogus(dns.ExtendedErrorCodeDNSBogus, "the DS of "+set.name+" comes from a wildcard")
	}
	if p.status != Secure {
		return node{status: p.status, fail: p.fail, ttl: set.minTTL()}
	}
	var list []*dns.DS
	for _, rr := range set.rrs {
		if ds, ok := rr.(*dns.DS); ok {
			list = append(list, ds)
		}
	}
	return s.enter(set.name, list, p.ttl)
}

// aliasAt handles a name that is an alias, or lies below one: it is no zone cut,
// nor is anything under it.
func (s *session) aliasAt(z *zone, set *rrset, msg *dns.Msg) node {
	p := s.verify(z, set)
	if p.status == Secure {
		p = s.expanded(z, set, p, index(msg.Ns))
	}
	if p.status != Secure {
		return node{status: p.status, fail: p.fail, ttl: set.minTTL()}
	}
	return node{status: Secure, zone: z, closed: true, ttl: p.ttl}
}

func ttlSeconds(d time.Duration) uint32 { return uint32(d / time.Second) }
