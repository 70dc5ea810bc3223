package validate

import (
	"strings"

	"github.com/miekg/dns"
)

// hashLength is a SHA-1 hash in base32hex (RFC 5155 section 3.3).
const hashLength = 32

// nsec3 is a verified NSEC3 record (RFC 5155 section 3).
type nsec3 struct {
	rr         *dns.NSEC3
	hash, next string // of owner and next name, base32hex in upper case
}

// newNSEC3 takes a record whose hash and flags are known and whose owner is a
// hash directly below the apex; others count for nothing (RFC 5155 sections 8.1
// and 8.2).
func newNSEC3(rr *dns.NSEC3, owner, zone string) (nsec3, bool) {
	hash := owner[:max(strings.IndexByte(owner, '.'), 0)]
	known := rr.Hash == dns.SHA1 && rr.Flags <= 1
	placed := parent(owner) == zone && len(hash) == hashLength && len(rr.NextDomain) == hashLength
	return nsec3{rr: rr, hash: strings.ToUpper(hash), next: strings.ToUpper(rr.NextDomain)}, known && placed
}

func (n nsec3) sameParameters(rr *dns.NSEC3) bool {
	return n.rr.Hash == rr.Hash && n.rr.Iterations == rr.Iterations && strings.EqualFold(n.rr.Salt, rr.Salt)
}

func (n nsec3) optOut() bool { return n.rr.Flags&1 != 0 }

// covers says whether a hash lies in the span of the record; the last span wraps.
func (n nsec3) covers(hash string) bool {
	if n.hash < n.next {
		return n.hash < hash && hash < n.next
	}
	return hash > n.hash || hash < n.next
}

// hashOf hashes a name with the parameters of the zone. It costs budget: each
// round hashes 20 octets (a name up to 255 in the first) and the salt in blocks
// of 64 with 9 octets of padding.
func (d *denial) hashOf(name string) (string, bool) {
	if h, ok := d.memo[name]; ok {
		return h, h != ""
	}
	p := d.nsec3[0].rr
	rounds := int(p.Iterations) + 1
	if !d.s.spendHash(rounds*((20+len(p.Salt)/2+9+63)/64) + 4) {
		return "", false
	}
	h := dns.HashName(name, dns.SHA1, p.Iterations, p.Salt)
	d.memo[name] = h
	return h, h != ""
}

func (d *denial) matching3(name string) (nsec3, bool) {
	return d.pick(name, func(n nsec3, hash string) bool { return n.hash == hash })
}

func (d *denial) covering3(name string) (nsec3, bool) {
	return d.pick(name, nsec3.covers)
}

func (d *denial) pick(name string, fits func(nsec3, string) bool) (nsec3, bool) {
	if len(d.nsec3) == 0 || !dns.IsSubDomain(d.zone, name) {
		return nsec3{}, false
	}
	hash, ok := d.hashOf(name)
	if !ok {
		return nsec3{}, false
	}
	for _, n := range d.nsec3 {
		if fits(n, hash) {
			return n, true
		}
	}
	return nsec3{}, false
}

// encloserProof is the closest encloser proof of RFC 5155 section 8.3: the
// closest existing ancestor, and a span that holds the name one label longer.
func (d *denial) encloserProof(name string) (encloser string, next nsec3, ok bool) {
	for closer := name; closer != d.zone && closer != "."; closer = parent(closer) {
		n, found := d.matching3(parent(closer))
		if !found {
			continue
		}
		if parentSide(n.rr.TypeBitMap) {
			return "", nsec3{}, false
		}
		next, ok = d.covering3(closer)
		return parent(closer), next, ok
	}
	return "", nsec3{}, false
}

// nsec3NoData is RFC 5155 sections 8.5 to 8.7, with the empty non-terminals that
// an opt-out span may hide (erratum 3441). ok is false when nothing is proven.
func (d *denial) nsec3NoData(name string, qtype uint16) (proof, bool) {
	if n, found := d.matching3(name); found {
		return d.proven(), lacks(n.rr.TypeBitMap, qtype, name)
	}
	encloser, next, ok := d.encloserProof(name)
	if !ok {
		return proof{}, false
	}
	wildcard := wildcardOf(encloser)
	w, found := d.matching3(wildcard)
	if next.optOut() {
		return d.optedOut(name), !found || lacks(w.rr.TypeBitMap, qtype, wildcard)
	}
	return d.proven(), found && lacks(w.rr.TypeBitMap, qtype, wildcard)
}

// nsec3NXDomain is RFC 5155 section 8.4; an opt-out span leaves room for an
// unsigned delegation (section 9.2).
func (d *denial) nsec3NXDomain(name string) (proof, bool) {
	encloser, next, ok := d.encloserProof(name)
	if !ok {
		return proof{}, false
	}
	if _, ok = d.covering3(wildcardOf(encloser)); !ok {
		return proof{}, false
	}
	if next.optOut() {
		return d.optedOut(name), true
	}
	return d.proven(), true
}

// nsec3NoDS is RFC 5155 section 8.6 and 8.9.
func (d *denial) nsec3NoDS(name string) (proof, cut, bool) {
	if n, found := d.matching3(name); found {
		return d.proven(), cutOf(n.rr.TypeBitMap), lacks(n.rr.TypeBitMap, dns.TypeDS, name)
	}
	_, next, ok := d.encloserProof(name)
	if !ok {
		return proof{}, nothing, false
	}
	if next.optOut() {
		return d.optedOut(name), delegation, true
	}
	return d.proven(), nothing, true
}

func (d *denial) nsec3Expansion(name string, labels int) (proof, bool) {
	next, ok := d.covering3(ancestor(name, labels+1))
	if ok && next.optOut() {
		return d.optedOut(name), true
	}
	return d.proven(), ok
}
