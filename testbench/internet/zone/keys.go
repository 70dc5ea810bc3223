package zone

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/dns"
)

// flags of a key, RFC 4034 section 2.1.1.
const (
	zoneKey  = dns.ZONE
	entryKey = dns.ZONE | dns.SEP
)

// key is a zone's key with both halves.
type key struct {
	public *dns.DNSKEY
	signer crypto.Signer
}

// steady signs without randomness, so that a seed gives the same bytes again:
// a nil source means RFC 6979 for ECDSA; RSA and Ed25519 use none anyway.
type steady struct{ crypto.Signer }

// Sign ignores the source of randomness that the DNS library hands in.
func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(nil, digest, opts)
}

// secretOf derives 32 secret bytes for one purpose.
func secretOf(seed uint64, purpose string) []byte {
	var k [8]byte
	binary.BigEndian.PutUint64(k[:], seed)
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

// newKey derives a zone's key for a role ("ksk", "zsk").
func (u *Universe) newKey(zone, role string, algorithm uint8, flags uint16) (key, error) {
	purpose := zone + "/" + role
	var signer crypto.Signer
	var public []byte
	var err error
	switch algorithm {
	case dns.ECDSAP256SHA256:
		signer, public, err = ecdsaKey(u.seed, purpose)
	case dns.ED25519:
		k := ed25519.NewKeyFromSeed(secretOf(u.seed, purpose))
		signer, public = k, k.Public().(ed25519.PublicKey)
	case dns.RSASHA256:
		signer, public, err = u.sharedRSA()
	default:
		err = fmt.Errorf("cannot make a key of algorithm %d: use 8, 13 or 15", algorithm)
	}
	if err != nil {
		return key{}, err
	}
	return key{signer: steady{signer}, public: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: keyTTL},
		Flags: flags, Protocol: 3, Algorithm: algorithm,
		PublicKey: base64.StdEncoding.EncodeToString(public),
	}}, nil
}

func ecdsaKey(seed uint64, purpose string) (crypto.Signer, []byte, error) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secretOf(seed, purpose))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot derive the key of %s: take another seed: %w", purpose, err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, nil, err
	}
	return k, point[1:], nil // RFC 6605, section 4: without the leading 04
}

// sharedRSA is the one RSA key of the universe: making it is by far the
// dearest step, and which zone it belongs to is never what a zone is about.
func (u *Universe) sharedRSA() (crypto.Signer, []byte, error) {
	if u.rsa == nil {
		k, err := rsaKey(u.seed)
		if err != nil {
			return nil, nil, err
		}
		u.rsa = k
	}
	// RFC 3110, section 2: length of the exponent, exponent, modulus.
	return u.rsa, append([]byte{3, 1, 0, 1}, u.rsa.N.Bytes()...), nil
}

const rsaExponent = 65537

func rsaKey(seed uint64) (*rsa.PrivateKey, error) {
	p, q := primeOf(seed, "rsa/p"), primeOf(seed, "rsa/q")
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{Primes: []*big.Int{p, q}, D: new(big.Int).ModInverse(big.NewInt(rsaExponent), phi)}
	k.N, k.E = new(big.Int).Mul(p, q), rsaExponent
	k.Precompute()
	if err := k.Validate(); err != nil {
		return nil, fmt.Errorf("cannot derive the RSA key: take another seed: %w", err)
	}
	return k, nil
}

// primeOf is the first fitting prime of 1024 bits at or after a number derived
// from the seed. Good enough for a lab whose seed everybody may know.
func primeOf(seed uint64, purpose string) *big.Int {
	var raw []byte
	for i := range 4 {
		raw = append(raw, secretOf(seed, fmt.Sprintf("%s/%d", purpose, i))...)
	}
	raw[0] |= 0xC0 // both primes this large: the product has 2048 bits
	raw[len(raw)-1] |= 1
	p, two := new(big.Int).SetBytes(raw), big.NewInt(2)
	small, rest := smallPrimes(), new(big.Int)
	for {
		if !dividedBy(p, small, rest) && p.ProbablyPrime(0) {
			return p
		}
		p.Add(p, two)
	}
}

// dividedBy also says yes where p-1 is a multiple of the exponent: no inverse.
func dividedBy(p *big.Int, small []int64, rest *big.Int) bool {
	d := new(big.Int)
	for _, s := range small {
		if rest.Mod(p, d.SetInt64(s)).Sign() == 0 {
			return true
		}
	}
	return rest.Mod(p, d.SetInt64(rsaExponent)).Cmp(big.NewInt(1)) == 0
}

func smallPrimes() []int64 {
	var out []int64
	for n := int64(3); n < 2000; n += 2 {
		if big.NewInt(n).ProbablyPrime(0) {
			out = append(out, n)
		}
	}
	return out
}
