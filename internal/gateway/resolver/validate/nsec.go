package validate

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// nsec is a verified NSEC record (RFC 4034 section 4).
type nsec struct {
	owner, next string // canonical names
	at, nextAt  string // their sort keys
	types       []uint16
}

// parentSide says whether a type bit map belongs to the parent's side of a cut
// or to a DNAME: below such a name the record denies nothing (RFC 6840 section
// 4.1, RFC 6672 section 5.3.4.1).
func parentSide(types []uint16) bool {
	return slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeSOA) || slices.Contains(types, dns.TypeDNAME)
}

// lacks says whether a bit map at the very name proves that the name has no such
// type: neither it nor a CNAME (RFC 6840 section 4.3), and told by the right
// side of a cut, which is the parent for DS and the child for the rest (RFC 6840
// section 4.1, RFC 4035 section 5.2).
func lacks(types []uint16, qtype uint16, name string) bool {
	if qtype == dns.TypeANY || slices.Contains(types, qtype) || slices.Contains(types, dns.TypeCNAME) {
		return false
	}
	soa := slices.Contains(types, dns.TypeSOA)
	if qtype == dns.TypeDS {
		return !soa || name == "."
	}
	return soa || !slices.Contains(types, dns.TypeNS)
}

// cutOf reads what a bit map at a name without DS says of a zone cut.
func cutOf(types []uint16) cut {
	if slices.Contains(types, dns.TypeNS) {
		return delegation
	}
	return inside
}

// covering finds the record whose span holds a name: between owner and next,
// or after the last name of the zone (RFC 4034 section 4.1.1).
func (d *denial) covering(name string) (nsec, bool) {
	key, ok := sortKey(name)
	if !ok || !strings.HasPrefix(key, d.apex) {
		return nsec{}, false
	}
	for _, n := range d.nsec {
		last := n.nextAt == d.apex
		if n.at < key && (key < n.nextAt || last) && (!strings.HasPrefix(key, n.at) || !parentSide(n.types)) {
			return n, true
		}
	}
	return nsec{}, false
}

// absent is covering without the empty non-terminals: the next name does not
// lie below name, so name really is not there.
func (d *denial) absent(name string) (nsec, bool) {
	n, ok := d.covering(name)
	return n, ok && !dns.IsSubDomain(name, n.next)
}

func (d *denial) matching(name string) (nsec, bool) {
	for _, n := range d.nsec {
		if n.owner == name {
			return n, true
		}
	}
	return nsec{}, false
}

// encloser is the closest name above an absent one that exists: the longest that
// it shares with either end of the span (RFC 4592 section 2.2).
func (n nsec) encloser(name string) string {
	return ancestor(name, max(dns.CompareDomainName(name, n.owner), dns.CompareDomainName(name, n.next)))
}

// nsecNoData: the name is there without the type, is an empty non-terminal, or
// a wildcard without the type stands for it (RFC 4035 section 5.4).
func (d *denial) nsecNoData(name string, qtype uint16) bool {
	if n, ok := d.matching(name); ok {
		return lacks(n.types, qtype, name)
	}
	n, ok := d.covering(name)
	if !ok {
		return false
	}
	if dns.IsSubDomain(name, n.next) {
		return true
	}
	wildcard := wildcardOf(n.encloser(name))
	w, ok := d.matching(wildcard)
	return ok && lacks(w.types, qtype, wildcard)
}

func (d *denial) nsecNXDomain(name string) bool {
	n, ok := d.absent(name)
	if !ok {
		return false
	}
	_, ok = d.absent(wildcardOf(n.encloser(name)))
	return ok
}

func (d *denial) nsecNoDS(name string) (cut, bool) {
	if n, ok := d.matching(name); ok {
		return cutOf(n.types), lacks(n.types, dns.TypeDS, name)
	}
	n, ok := d.covering(name)
	switch {
	case !ok:
		return nothing, false
	case dns.IsSubDomain(name, n.next):
		return inside, true
	default:
		return nothing, true
	}
}

func (d *denial) nsecExpansion(name string, labels int) bool {
	n, ok := d.absent(name)
	return ok && dns.CountLabel(n.encloser(name)) == labels
}
