package zone

import (
	"slices"
	"sort"
	"strings"

	"github.com/miekg/dns"
)

// chained is one link of the chain that proves what does not exist.
type chained struct {
	place string // where it sorts: canonical name (NSEC) or hash (NSEC3)
	rr    dns.RR
}

// buildChain makes the chain. The zone's content must be complete.
func (z *Zone) buildChain() {
	switch z.denial {
	case nsec:
		z.buildNSEC()
	case nsec3, nsec3OptOut:
		z.buildNSEC3()
	case unsigned:
	}
}

func (z *Zone) buildNSEC() {
	var owners []string
	for _, name := range z.names() {
		if len(z.nodes[name]) > 0 {
			owners = append(owners, name)
		}
	}
	for i, name := range owners {
		types := append(z.nodes[name].types(), dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(types)
		z.chain = append(z.chain, chained{canonical(name), &dns.NSEC{
			Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: denialTTL},
			NextDomain: owners[(i+1)%len(owners)], TypeBitMap: types,
		}})
	}
}

func (z *Zone) buildNSEC3() {
	for _, name := range z.names() {
		if z.denial == nsec3OptOut && z.onlyUnsignedBelow(name) {
			continue
		}
		types := z.nodes[name].types()
		if len(types) > 0 && (!z.cutAt(name) || len(z.nodes[name][dns.TypeDS]) > 0) {
			types = append(types, dns.TypeRRSIG)
		}
		slices.Sort(types)
		z.chain = append(z.chain, chained{z.hash(name), z.newNSEC3(name, types)})
	}
	slices.SortFunc(z.chain, func(a, b chained) int { return strings.Compare(a.place, b.place) })
	for i := range z.chain {
		z.chain[i].rr.(*dns.NSEC3).NextDomain = z.chain[(i+1)%len(z.chain)].place
	}
}

func (z *Zone) newNSEC3(name string, types []uint16) *dns.NSEC3 {
	rr := &dns.NSEC3{
		Hdr: dns.RR_Header{Name: strings.ToLower(z.hash(name)) + under(z.name), Rrtype: dns.TypeNSEC3,
			Class: dns.ClassINET, Ttl: denialTTL},
		Hash: dns.SHA1, Iterations: z.iterations, Salt: z.salt, SaltLength: uint8(len(z.salt) / 2),
		HashLength: 20, TypeBitMap: types,
	}
	if z.denial == nsec3OptOut {
		rr.Flags = 1
	}
	return rr
}

// onlyUnsignedBelow: names that opt-out leaves out of the chain.
func (z *Zone) onlyUnsignedBelow(name string) bool {
	for other, n := range z.nodes {
		if len(n) > 0 && dns.IsSubDomain(name, other) && (!z.cutAt(other) || len(n[dns.TypeDS]) > 0) {
			return false
		}
	}
	return true
}

func (z *Zone) hash(name string) string { return dns.HashName(name, dns.SHA1, z.iterations, z.salt) }

// at finds the link at a place or the last one before it; ok says whether it is
// exactly there.
func (z *Zone) at(place string) (rr dns.RR, ok bool) {
	i := sort.Search(len(z.chain), func(i int) bool { return z.chain[i].place > place })
	if i == 0 {
		return z.chain[len(z.chain)-1].rr, false // the chain is a ring
	}
	return z.chain[i-1].rr, z.chain[i-1].place == place
}

// proof collects links, each once.
type proof []dns.RR

func (p *proof) add(rr dns.RR) {
	if !slices.Contains(*p, rr) {
		*p = append(*p, rr)
	}
}

// noData proves that a name of the zone lacks a type (RFC 4035 section
// 3.1.3.1, RFC 5155 sections 7.2.3 and 7.2.4).
func (z *Zone) noData(name string) proof {
	var p proof
	if z.denial == nsec {
		rr, _ := z.at(canonical(name)) // of an empty non-terminal: the link over it
		p.add(rr)
		return p
	}
	if rr, ok := z.at(z.hash(name)); ok {
		p.add(rr)
		return p
	}
	z.closest(&p, name)
	return p
}

// noName proves that a name does not exist and that no wildcard stands for it.
func (z *Zone) noName(name, encloser string) proof {
	var p proof
	star, place := "*"+under(encloser), canonical
	if z.denial == nsec {
		p = z.noCloser(name, encloser)
	} else {
		z.closest(&p, name)
		place = z.hash
	}
	rr, _ := z.at(place(star))
	p.add(rr)
	return p
}

// noCloser is what goes with an answer from a wildcard: the name itself does
// not exist (RFC 4035 section 3.1.3.3, RFC 5155 section 7.2.6).
func (z *Zone) noCloser(name, encloser string) proof {
	var p proof
	place := canonical(name)
	if z.denial != nsec {
		place = z.hash(nextCloser(name, encloser))
	}
	rr, _ := z.at(place)
	p.add(rr)
	return p
}

// noDataWildcard proves that the wildcard that stands for a name lacks a type.
func (z *Zone) noDataWildcard(name, encloser string) proof {
	p := z.noCloser(name, encloser)
	place := canonical("*" + under(encloser))
	if z.denial != nsec {
		rr, _ := z.at(z.hash(encloser))
		p.add(rr)
		place = z.hash("*" + under(encloser))
	}
	rr, _ := z.at(place)
	p.add(rr)
	return p
}

// closest adds the closest encloser proof of RFC 5155, section 7.2.1.
func (z *Zone) closest(p *proof, name string) {
	next := name
	for encloser := parentOf(name); ; encloser = parentOf(encloser) {
		if rr, ok := z.at(z.hash(encloser)); ok || encloser == "." {
			p.add(rr)
			covering, _ := z.at(z.hash(next))
			p.add(covering)
			return
		}
		next = encloser
	}
}

// nextCloser is the name one label longer than the encloser on the way to name.
func nextCloser(name, encloser string) string {
	for parentOf(name) != encloser && name != "." {
		name = parentOf(name)
	}
	return name
}
