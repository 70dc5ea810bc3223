package validate

import (
	"encoding/base64"
	"fmt"
	"math/bits"
	"strings"

	"github.com/miekg/dns"
)

// keyID is how a signature or DS names a key; several keys may share it.
type keyID struct {
	tag       uint16
	algorithm uint8
}

type zoneKey struct {
	rr     *dns.DNSKEY
	usable bool // false: RSA of a size or exponent that is refused
}

// zone is a zone whose keys are trusted. It is never written after it was made.
type zone struct {
	name   string
	keys   map[keyID][]zoneKey
	others map[keyID]bool // keys without the zone bit, revoked or of another protocol
}

// newZone sorts the keys of a DNSKEY RRset. Only zone keys of protocol 3 count
// (RFC 4034 section 2.1), revoked keys do not (RFC 5011 section 2.1).
func newZone(name string, rrs []dns.RR) *zone {
	z := &zone{name: name, keys: map[keyID][]zoneKey{}, others: map[keyID]bool{}}
	for _, rr := range rrs {
		key, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		id := keyID{key.KeyTag(), key.Algorithm}
		if key.Flags&dns.ZONE == 0 || key.Flags&dns.REVOKE != 0 || key.Protocol != 3 {
			z.others[id] = true
			continue
		}
		z.keys[id] = append(z.keys[id], zoneKey{key, usable(key)})
	}
	return z
}

func supportedAlgorithm(a uint8) bool {
	switch a {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	default:
		return false
	}
}

// supportedDigest lists the digests of the IANA registry that can be computed;
// 5, which the library takes for SHA-512, is GOST there.
func supportedDigest(d uint8) bool {
	return d == dns.SHA1 || d == dns.SHA256 || d == dns.SHA384
}

// Bounds of an RSA key that is used.
const (
	minModulusBits = 1024 // what crypto/rsa accepts
	maxModulusBits = 4096 // what the DNS library accepts, RFC 3110 section 2
	maxExponentLen = 31   // bits
)

// usable is false for a well-formed RSA key that is too small, too large or has
// too large an exponent. A malformed key is usable in this sense: it verifies
// nothing and what it should have signed is bogus.
func usable(key *dns.DNSKEY) bool {
	switch key.Algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
	default:
		return true
	}
	exponent, modulus, ok := rsaParts(key.PublicKey)
	if !ok {
		return true
	}
	n := bitLen(modulus)
	return n >= minModulusBits && n <= maxModulusBits && bitLen(exponent) <= maxExponentLen
}

// rsaParts splits a public key as RFC 3110 section 2 writes it.
func rsaParts(text string) (exponent, modulus []byte, ok bool) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < 3 {
		return nil, nil, false
	}
	n, key := int(key[0]), key[1:]
	if n == 0 {
		n, key = int(key[0])<<8|int(key[1]), key[2:]
	}
	if n == 0 || n >= len(key) || key[0] == 0 || key[n] == 0 {
		return nil, nil, false
	}
	return key[:n], key[n:], true
}

// bitLen is the length of a big-endian number without leading zero octets.
func bitLen(b []byte) int { return 8*(len(b)-1) + bits.Len8(b[0]) }

// relevantDS leaves the DS records by which a zone can be entered: a known
// algorithm and digest, SHA-1 only where nothing better is there (RFC 4509
// section 3). With none left the zone is insecure (RFC 4035 section 5.2), f
// says why.
func relevantDS(all []*dns.DS) (out []*dns.DS, f failure) {
	f = failure{dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "no DS of the zone has a supported algorithm"}
	better := false
	for _, ds := range all {
		if !supportedAlgorithm(ds.Algorithm) {
			continue
		}
		if !supportedDigest(ds.DigestType) {
			f = failure{dns.ExtendedErrorCodeUnsupportedDSDigestType, "no DS of the zone has a supported digest"}
			continue
		}
		out = append(out, ds)
		better = better || ds.DigestType != dns.SHA1
	}
	if !better {
		return out, f
	}
	kept := out[:0]
	for _, ds := range out {
		if ds.DigestType != dns.SHA1 {
			kept = append(kept, ds)
		}
	}
	return kept, failure{}
}

// entry matches DS records with the published keys of a zone. The result holds
// the keys that the parent vouches for. unusable is true when every DS leads to
// a key that cannot be used: then nobody can have swapped the keys, and the zone
// is insecure.
func (s *session) entry(published *zone, list []*dns.DS) (trusted *zone, unusable bool) {
	trusted = &zone{name: published.name, keys: map[keyID][]zoneKey{}, others: published.others}
	unusable = true
	for _, ds := range list {
		key, ok := s.match(published, ds)
		if !ok || key.usable {
			unusable = false
		}
		if ok && key.usable {
			id := keyID{ds.KeyTag, ds.Algorithm}
			trusted.keys[id] = append(trusted.keys[id], key)
		}
	}
	return trusted, unusable
}

// match finds the key that a DS is the digest of.
func (s *session) match(z *zone, ds *dns.DS) (zoneKey, bool) {
	keys := z.keys[keyID{ds.KeyTag, ds.Algorithm}]
	for _, key := range keys[:min(len(keys), s.v.limits.Collisions)] {
		if !s.spendDigest() {
			return zoneKey{}, false
		}
		if got := key.rr.ToDS(ds.DigestType); got != nil && strings.EqualFold(got.Digest, ds.Digest) {
			return key, true
		}
	}
	return zoneKey{}, false
}

// enter fetches the keys of a zone and checks them against its DS records or
// anchors (RFC 4035 section 5.2). ttl is how long the DS records are good.
func (s *session) enter(name string, all []*dns.DS, ttl uint32) node {
	list, f := relevantDS(all)
	if len(list) == 0 {
		return node{status: Insecure, fail: f, ttl: ttl}
	}
	msg, f := s.query(name, dns.TypeDNSKEY)
	if msg == nil {
		return node{status: Indeterminate, fail: f}
	}
	set := index(msg.Answer).get(name, dns.TypeDNSKEY)
	if set == nil {
		return node{status: Bogus, fail: failure{dns.ExtendedErrorCodeDNSKEYMissing, name + " has a DS and no DNSKEY"}}
	}
	published := newZone(name, set.rrs)
	trusted, unusable := s.entry(published, list)
	switch {
	case unusable && !s.exhausted():
		return node{status: Insecure, ttl: ttl, fail: failure{dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "the keys that the DS of " + name + " leads to cannot be used"}}
	case len(trusted.keys) == 0:
		return node{status: Bogus, fail: noEntry(published, list)}
	}
	p := s.verify(trusted, set)
	if p.status == Secure {
		return node{status: Secure, zone: published, ttl: min(ttl, p.ttl)}
	}
	return node{status: Bogus, fail: p.fail}
}

// noEntry explains why no DS matched.
func noEntry(z *zone, list []*dns.DS) failure {
	for _, ds := range list {
		if z.others[keyID{ds.KeyTag, ds.Algorithm}] {
			return failure{dns.ExtendedErrorCodeNoZoneKeyBitSet, fmt.Sprintf("the DS of %s leads to key %d, which is no zone key", z.name, ds.KeyTag)}
		}
	}
	return failure{dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY of " + z.name + " matches its DS"}
}
