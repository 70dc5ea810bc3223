package validate

import (
	"fmt"

	"github.com/miekg/dns"
)

// verify checks an RRset against the keys of the zone that should have signed
// it. One good signature is enough (RFC 4035 section 5.3, RFC 6840 section 5.11).
//
// Secure carries the TTL cap and the Labels field of the good signature.
// Insecure means that the zone signed it with a key that cannot be used here.
func (s *session) verify(z *zone, set *rrset) proof {
	if set.by != z.name {
		set.by, set.found = z.name, s.search(z, set)
	}
	return set.found
}

// search tries the signatures of a set in turn. Only those that reach the
// cryptography count towards the limit of signatures.
func (s *session) search(z *zone, set *rrset) proof {
	best := bogus(dns.ExtendedErrorCodeRRSIGsMissing, fmt.Sprintf("%s %s has no signature by %s", set.name, typeName(set.rtype), z.name))
	tried := 0
	for _, sig := range set.sigs {
		if tried >= s.v.limits.Signatures || s.exhausted() {
			break
		}
		if dns.CanonicalName(sig.SignerName) != z.name || !dns.IsSubDomain(z.name, set.name) {
			continue
		}
		keys, p := s.candidates(z, set, sig)
		if p.fail.why == "" {
			tried++
			p = s.check(set, sig, keys)
		}
		if p.status == Secure {
			return p
		}
		if best.status == Bogus {
			best = p
		}
	}
	return best
}

// candidates finds the keys that may have made a signature, or says why there
// are none.
func (s *session) candidates(z *zone, set *rrset, sig *dns.RRSIG) ([]zoneKey, proof) {
	what := fmt.Sprintf("the signature of %s over %s %s by key %d", z.name, set.name, typeName(set.rtype), sig.KeyTag)
	if f := s.timely(sig, what); f.why != "" {
		return nil, proof{status: Bogus, fail: f}
	}
	if int(sig.Labels) > ownLabels(set.name) || int(sig.Labels) < dns.CountLabel(z.name) || sig.Labels == 0 && set.name != "." {
		return nil, bogus(dns.ExtendedErrorCodeDNSBogus, what+" has a wrong number of labels")
	}
	if !supportedAlgorithm(sig.Algorithm) {
		return nil, bogus(dns.ExtendedErrorCodeDNSBogus, fmt.Sprintf("%s uses algorithm %d, which is not supported, and no other signature holds", what, sig.Algorithm))
	}
	id := keyID{sig.KeyTag, sig.Algorithm}
	keys := z.keys[id]
	switch {
	case len(keys) > 0:
		return keys[:min(len(keys), s.v.limits.Collisions)], proof{}
	case z.others[id]:
		return nil, bogus(dns.ExtendedErrorCodeNoZoneKeyBitSet, what+" was made by a key that is no zone key")
	default:
		return nil, bogus(dns.ExtendedErrorCodeDNSKEYMissing, what+" was made by a key that the zone does not publish")
	}
}

// timely checks the validity period in serial arithmetic (RFC 4034 section
// 3.1.5); both ends belong to it.
func (s *session) timely(sig *dns.RRSIG, what string) failure {
	now := s.clock()
	switch {
	case int32(sig.Expiration-sig.Inception) < 0:
		return failure{dns.ExtendedErrorCodeSignatureExpiredBeforeValid, what + " expires before it becomes valid"}
	case int32(sig.Expiration-now) < 0:
		return failure{dns.ExtendedErrorCodeSignatureExpired, what + " expired on " + dns.TimeToString(sig.Expiration)}
	case int32(now-sig.Inception) < 0:
		return failure{dns.ExtendedErrorCodeSignatureNotYetValid, what + " becomes valid on " + dns.TimeToString(sig.Inception)}
	default:
		return failure{}
	}
}

// check does the cryptography with each key that has the right tag.
func (s *session) check(set *rrset, sig *dns.RRSIG, keys []zoneKey) proof {
	bad := bogus(dns.ExtendedErrorCodeDNSBogus, fmt.Sprintf("the signature over %s %s by key %d does not match", set.name, typeName(set.rtype), sig.KeyTag))
	for _, key := range keys {
		if !key.usable {
			bad = proof{status: Insecure, fail: failure{dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
				fmt.Sprintf("%s %s is signed with key %d, whose size or exponent cannot be used", set.name, typeName(set.rtype), sig.KeyTag)}}
			continue
		}
		if !s.spendVerification() {
			return proof{status: Bogus, fail: s.spent}
		}
		if rightLength(sig) && sig.Verify(key.rr, set.uniform()) == nil {
			ttl := min(set.minTTL(), sig.OrigTtl, sig.Expiration-s.clock())
			return proof{status: Secure, ttl: ttl, labels: int(sig.Labels)}
		}
		s.work.Failures++
	}
	return bad
}

// rightLength holds signatures of a fixed size to that size (RFC 6605 section
// 4, RFC 8080 section 4). Four base64 characters stand for three octets.
func rightLength(sig *dns.RRSIG) bool {
	want := map[uint8]int{dns.ECDSAP256SHA256: 88, dns.ECDSAP384SHA384: 128, dns.ED25519: 88}[sig.Algorithm]
	return want == 0 || len(sig.Signature) == want
}

func typeName(t uint16) string { return dns.Type(t).String() }
