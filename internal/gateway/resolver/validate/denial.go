package validate

import (
	"fmt"

	"github.com/miekg/dns"
)

// cut is what a denial of DS tells about a name.
type cut uint8

const (
	nothing    cut = iota // the name does not exist, so no cut lies at or below it
	inside                // the name exists in the zone and is no cut
	delegation            // the name is a delegation without DS
)

// denial is the verified NSEC and NSEC3 records of one zone in one message.
type denial struct {
	s     *session
	zone  string
	apex  string // sort key of zone
	nsec  []nsec
	nsec3 []nsec3
	sets  []*rrset
	ttl   uint32
	fail  failure           // why a record was left out
	weak  failure           // set when the records are signed with keys that cannot be used
	memo  map[string]string // NSEC3 hashes by name
}

// gather verifies the denial records that a zone signed. What does not verify
// is left out.
func (s *session) gather(z *zone, authority *section) *denial {
	apex, _ := sortKey(z.name)
	d := &denial{s: s, zone: z.name, apex: apex, ttl: ^uint32(0), memo: map[string]string{}}
	left := s.v.limits.Denials
	for _, set := range authority.sets {
		if set.rtype != dns.TypeNSEC && set.rtype != dns.TypeNSEC3 || len(set.rrs) == 0 || !set.signedBy(z.name) {
			continue
		}
		if left--; left < 0 || s.exhausted() {
			break
		}
		d.take(set, s.verify(z, set))
	}
	return d
}

func (set *rrset) signedBy(name string) bool {
	for _, sig := range set.sigs {
		if dns.CanonicalName(sig.SignerName) == name {
			return true
		}
	}
	return false
}

// take adds the records of a set that verified. A denial record that was
// expanded from a wildcard denies nothing (RFC 4035 section 5.4).
func (d *denial) take(set *rrset, p proof) {
	switch {
	case p.status == Insecure:
		d.weak = p.fail
	case p.status != Secure:
		d.fail = p.fail
	case p.labels != ownLabels(set.name):
		d.fail = failure{dns.ExtendedErrorCodeDNSBogus, fmt.Sprintf("%s %s comes from a wildcard", set.name, typeName(set.rtype))}
	default:
		d.sets = append(d.sets, set)
		d.ttl = min(d.ttl, p.ttl)
		for _, rr := range set.rrs {
			d.add(set.name, rr)
		}
	}
}

func (d *denial) add(owner string, rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.NSEC:
		at, ok := sortKey(owner)
		next, ok2 := sortKey(rr.NextDomain)
		if ok && ok2 {
			d.nsec = append(d.nsec, nsec{owner: owner, next: dns.CanonicalName(rr.NextDomain), at: at, nextAt: next, types: rr.TypeBitMap})
		}
	case *dns.NSEC3:
		n, ok := newNSEC3(rr, owner, d.zone)
		if ok && (len(d.nsec3) == 0 || d.nsec3[0].sameParameters(rr)) {
			d.nsec3 = append(d.nsec3, n)
		}
	}
}

// proven is a denial that holds.
func (d *denial) proven() proof { return proof{status: Secure, ttl: d.ttl} }

// optedOut is a denial that holds only as far as unsigned delegations go
// (RFC 5155 section 6).
func (d *denial) optedOut(name string) proof {
	return proof{status: Insecure, ttl: d.ttl, fail: failure{why: name + " lies in an opt-out span of " + d.zone}}
}

// missing is the proof that is not there, with the best reason known.
func (d *denial) missing(what string) proof {
	switch {
	case d.s.exhausted():
		return proof{status: Bogus, fail: d.s.spent}
	case d.weak.why != "":
		return proof{status: Insecure, fail: d.weak}
	case d.fail.why != "":
		return proof{status: Bogus, fail: d.fail}
	default:
		return bogus(dns.ExtendedErrorCodeNSECMissing, d.zone+" does not prove that "+what)
	}
}

// tooManyIterations makes an answer insecure whose NSEC3 records, verified as
// they are, would cost too much to follow (RFC 9276 section 3.2).
func (d *denial) tooManyIterations() (proof, bool) {
	if len(d.nsec3) == 0 || d.nsec3[0].rr.Iterations <= d.s.v.limits.Iterations {
		return proof{}, false
	}
	return proof{status: Insecure, ttl: d.ttl, fail: failure{dns.ExtendedErrorCodeUnsupportedNSEC3IterValue,
		fmt.Sprintf("%s uses %d NSEC3 iterations, more than %d", d.zone, d.nsec3[0].rr.Iterations, d.s.v.limits.Iterations)}}, true
}

// noData proves that name exists without the type, and without being an alias.
func (d *denial) noData(name string, qtype uint16) proof {
	if d.nsecNoData(name, qtype) {
		return d.proven()
	}
	if p, over := d.tooManyIterations(); over {
		return p
	}
	if p, ok := d.nsec3NoData(name, qtype); ok {
		return p
	}
	return d.missing(name + " has no " + typeName(qtype))
}

// nxDomain proves that neither name nor a wildcard that could stand for it exist.
func (d *denial) nxDomain(name string) proof {
	if d.nsecNXDomain(name) {
		return d.proven()
	}
	if p, over := d.tooManyIterations(); over {
		return p
	}
	if p, ok := d.nsec3NXDomain(name); ok {
		return p
	}
	return d.missing(name + " does not exist")
}

// noDS proves that name has no DS and tells what the name is then.
func (d *denial) noDS(name string) (proof, cut) {
	if c, ok := d.nsecNoDS(name); ok {
		return d.proven(), c
	}
	if p, over := d.tooManyIterations(); over {
		return p, delegation
	}
	if p, c, ok := d.nsec3NoDS(name); ok {
		return p, c
	}
	return d.missing(name + " has no DS"), nothing
}

// expansion proves that nothing closer to name exists than the wildcard whose
// parent has the given number of labels (RFC 4035 section 5.3.4, RFC 5155
// section 8.8).
func (d *denial) expansion(name string, labels int) proof {
	if d.nsecExpansion(name, labels) {
		return d.proven()
	}
	if p, over := d.tooManyIterations(); over {
		return p
	}
	if p, ok := d.nsec3Expansion(name, labels); ok {
		return p
	}
	return d.missing("the wildcard may stand for " + name)
}

// expanded adds to a verified set what a wildcard needs: the proof that no
// closer name exists.
func (s *session) expanded(z *zone, set *rrset, p proof, authority *section) proof {
	if p.labels >= ownLabels(set.name) {
		return p
	}
	d := s.gather(z, authority)
	q := d.expansion(set.name, p.labels)
	q.ttl = min(q.ttl, p.ttl)
	if q.status == Secure {
		s.accept(d.sets...)
	}
	return q
}
