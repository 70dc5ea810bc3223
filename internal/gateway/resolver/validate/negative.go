package validate

import (
	"github.com/miekg/dns"
)

// negative proves what the response code claims of the name that the chain has
// led to: that it does not exist, or that it has no such type.
func (c *chase) negative() proof {
	if c.rcode == dns.RcodeYXDomain {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "the answer says YXDOMAIN without a DNAME that makes too long a name")
	}
	anchor, f := c.s.v.anchorFor(c.name)
	if f.why != "" {
		return proof{status: Insecure, fail: f, ttl: ^uint32(0)}
	}
	best := bogus(dns.ExtendedErrorCodeNSECMissing, "nothing proves that "+c.name+" has no "+typeName(c.qtype))
	for _, signer := range c.deniers() {
		if !dns.IsSubDomain(anchor, signer) {
			continue
		}
		n := c.s.place(signer)
		if n.status != Secure {
			return proof{status: n.status, fail: n.fail, ttl: ^uint32(0)}
		}
		if n.zone.name != signer {
			continue
		}
		p := c.denied(n.zone)
		if p.status != Bogus {
			return p
		}
		best = p
	}
	n := c.s.home(c.name, c.qtype)
	if n.status != Secure {
		return proof{status: n.status, fail: n.fail, ttl: ^uint32(0)}
	}
	return best
}

// deniers lists the zones that signed denial records and can hold the name, the
// longest first.
func (c *chase) deniers() []string {
	var out []string
	for _, set := range c.s.authority.sets {
		if set.rtype != dns.TypeNSEC && set.rtype != dns.TypeNSEC3 {
			continue
		}
		for _, signer := range set.signers(set.name, maxSigners) {
			child := c.qtype == dns.TypeDS && c.name != "." && signer == c.name // a DS is the parent's
			if dns.IsSubDomain(signer, c.name) && !child {
				out = insertName(out, signer)
			}
		}
	}
	return out[:min(len(out), maxSigners)]
}

// denied proves the denial with the records of one zone, and the SOA that
// bounds how long it may be kept (RFC 2308 section 5).
func (c *chase) denied(z *zone) proof {
	d := c.s.gather(z, c.s.authority)
	var p proof
	if c.rcode == dns.RcodeNameError {
		p = d.nxDomain(c.name)
	} else {
		p = d.noData(c.name, c.qtype)
	}
	if p.status != Secure {
		return p
	}
	c.s.accept(d.sets...)
	soa := c.s.authority.get(z.name, dns.TypeSOA)
	if soa == nil {
		return p
	}
	q := c.s.verify(z, soa)
	if q.status == Secure {
		q.ttl = min(p.ttl, q.ttl)
		c.s.accept(soa)
	}
	return q
}
