package fault

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// signed is an RRset of address records with its signatures, which are those of the
// message itself.
type signed struct {
	name  string
	rtype uint16
	rrs   []dns.RR
	sigs  []*dns.RRSIG
}

// addressSets finds the address records of an answer with their signatures.
func addressSets(m *dns.Msg) []signed {
	var out []signed
	find := func(name string, rtype uint16) *signed {
		name = dns.CanonicalName(name)
		for i := range out {
			if out[i].name == name && out[i].rtype == rtype {
				return &out[i]
			}
		}
		out = append(out, signed{name: name, rtype: rtype})
		return &out[len(out)-1]
	}
	for _, rr := range m.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok && isAddress(sig.TypeCovered) {
			set := find(sig.Hdr.Name, sig.TypeCovered)
			set.sigs = append(set.sigs, sig)
		} else if isAddress(rr.Header().Rrtype) {
			set := find(rr.Header().Name, rr.Header().Rrtype)
			set.rrs = append(set.rrs, rr)
		}
	}
	return out
}

// text names an RRset by its data, whatever its TTL and the order of its records.
func (s signed) text() string {
	var lines []string
	for _, rr := range s.rrs {
		lines = append(lines, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(lines)
	return s.name + " " + dns.Type(s.rtype).String() + "\n" + strings.Join(lines, "\n")
}

// flipBit changes one bit in the middle of a signature. It says no for one that is
// none.
func flipBit(sig *dns.RRSIG) bool {
	b, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil || len(b) == 0 {
		return false
	}
	b[len(b)/2] ^= 1
	sig.Signature = base64.StdEncoding.EncodeToString(b)
	return true
}

// flipAll damages every signature over the address records.
func flipAll(m *dns.Msg) bool {
	done := false
	for _, set := range addressSets(m) {
		for _, sig := range set.sigs {
			done = flipBit(sig) || done
		}
	}
	return done
}

// flipDenial damages every signature over NSEC and NSEC3 records of a negative answer.
func flipDenial(m *dns.Msg) bool {
	done := false
	for _, rr := range m.Ns {
		if sig, ok := rr.(*dns.RRSIG); ok && (sig.TypeCovered == dns.TypeNSEC || sig.TypeCovered == dns.TypeNSEC3) {
			done = flipBit(sig) || done
		}
	}
	return done
}

// strip leaves out what DNSSEC added.
func strip(m *dns.Msg) bool {
	before := len(m.Answer) + len(m.Ns)
	isProof := func(rr dns.RR) bool {
		switch rr.Header().Rrtype {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
			return true
		default:
			return false
		}
	}
	m.Answer = slices.DeleteFunc(m.Answer, isProof)
	m.Ns = slices.DeleteFunc(m.Ns, isProof)
	return len(m.Answer)+len(m.Ns) < before
}

// keyring holds one key of each algorithm that no zone has. It is filled when a key
// is first needed.
type keyring struct {
	mu   sync.Mutex
	keys map[uint8]crypto.Signer
}

// keyBits are the sizes of the keys that are made, by algorithm (RFC 8624 section
// 3.1). Others are not signed with.
var keyBits = map[uint8]int{
	dns.RSASHA1: 2048, dns.RSASHA1NSEC3SHA1: 2048, dns.RSASHA256: 2048, dns.RSASHA512: 2048,
	dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256,
}

func (k *keyring) signer(algorithm uint8) (crypto.Signer, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.keys[algorithm]; s != nil {
		return s, true
	}
	bits := keyBits[algorithm]
	if bits == 0 {
		return nil, false
	}
	fresh := &dns.DNSKEY{Algorithm: algorithm, Flags: dns.ZONE, Protocol: 3}
	private, err := fresh.Generate(bits)
	s, ok := private.(crypto.Signer)
	if err != nil || !ok {
		return nil, false
	}
	if k.keys == nil {
		k.keys = map[uint8]crypto.Signer{}
	}
	k.keys[algorithm] = s
	return s, true
}

// forge signs the address records again with keys of the ring.
func (k *keyring) forge(m *dns.Msg) (done bool, made string) {
	made = "signed"
	for _, set := range addressSets(m) {
		for _, sig := range set.sigs {
			if len(set.rrs) == 0 || !k.resign(sig, set.rrs) {
				made = "random bytes"
				done = randomise(sig) || done
				continue
			}
			done = true
		}
	}
	return done, made
}

// resign makes the signature that the key of the ring gives, with all else as it was.
func (k *keyring) resign(sig *dns.RRSIG, rrs []dns.RR) bool {
	signer, ok := k.signer(sig.Algorithm)
	if !ok {
		return false
	}
	header, labels, original := sig.Hdr, sig.Labels, sig.Signature
	if err := sig.Sign(signer, rrs); err != nil || sig.Labels != labels {
		// Of a name out of a wildcard: what was signed is the wildcard.
		sig.Hdr, sig.Labels, sig.Signature = header, labels, original
		return false
	}
	sig.Hdr = header
	return true
}

func randomise(sig *dns.RRSIG) bool {
	b, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil || len(b) == 0 {
		return false
	}
	_, _ = rand.Read(b) // it never fails
	sig.Signature = base64.StdEncoding.EncodeToString(b)
	return true
}

// longPast is how far the times of a signature are moved back beyond its end, in
// seconds: more than any clock of a device that asks is wrong by.
const longPast = 400 * 24 * 3600

// expire puts signatures in whose time is over: replayed ones where there are any.
func (m *memory) expire(msg *dns.Msg, now uint32) (done bool, made string) {
	made = "replayed"
	for _, set := range addressSets(msg) {
		old := m.ended(set)
		for i, sig := range set.sigs {
			done = true
			if len(old) > 0 {
				header := sig.Hdr
				*sig = *old[i%len(old)]
				sig.Hdr = header
				continue
			}
			made = "times changed"
			sig.Inception, sig.Expiration = now-longPast-30*24*3600, now-longPast
		}
	}
	return done, made
}
