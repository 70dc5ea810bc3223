package intercept

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"sync"
	"time"

	"assay/internal/assess/event"
)

// The kinds of keys, as in InterceptNote.KeyType.
const (
	keyRSA   = "rsa"
	keyECDSA = "ecdsa"
)

const rsaBits = 2048

// forger makes the certificates of flawed servers.
type forger struct {
	rand io.Reader
	now  func() time.Time
	keys map[string]crypto.Signer // of leaves, by kind
	// authority is nobody's: its certificate and key, by kind.
	authority map[string]authority
	operator  *Operator
	mu        sync.Mutex
	leaves    map[forged]tls.Certificate
}

// forged is what a leaf was made for: each attempt meets the same one, as it would meet
// the same attacker.
type forged struct {
	flaw, kind, subject string
}

// leafLimit bounds the leaves that are kept; then they are made anew.
const leafLimit = 256

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newForger(cfg Config) (*forger, error) {
	f := &forger{rand: cfg.Rand, now: cfg.Now, keys: map[string]crypto.Signer{}, authority: map[string]authority{}, operator: cfg.Operator, leaves: map[forged]tls.Certificate{}}
	for _, kind := range []string{keyRSA, keyECDSA} {
		leaf, err := f.newKey(kind)
		if err != nil {
			return nil, fmt.Errorf("cannot make a key: %w", err)
		}
		f.keys[kind] = leaf
		if f.authority[kind], err = f.newAuthority(kind); err != nil {
			return nil, fmt.Errorf("cannot make an authority: %w", err)
		}
	}
	return f, nil
}

func (f *forger) newKey(kind string) (crypto.Signer, error) {
	if kind == keyRSA {
		return rsa.GenerateKey(f.rand, rsaBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), f.rand)
}

// Life of what is forged: shorter than any limit that clients set.
const (
	validBefore = 36 * time.Hour
	validAfter  = 90 * 24 * time.Hour
)

func (f *forger) newAuthority(kind string) (authority, error) {
	key, err := f.newKey(kind)
	if err != nil {
		return authority{}, err
	}
	serial, err := f.serial()
	if err != nil {
		return authority{}, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Assay"}, CommonName: "Assay test authority, trusted by nobody"},
		NotBefore: f.now().Add(-validBefore), NotAfter: f.now().Add(validAfter),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(f.rand, t, t, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return authority{cert, key}, err
}

// serial is a random number of 127 bits (RFC 5280 section 4.1.2.2 allows 20 bytes).
func (f *forger) serial() (*big.Int, error) {
	const bits = 127
	return rand.Int(f.rand, new(big.Int).Lsh(big.NewInt(1), bits))
}

// errNoMaterial says that a flaw cannot be presented, with the reason.
var errNoMaterial = errors.New("cannot present this flaw")

// chain makes what a flawed server presents.
func (f *forger) chain(flaw, kind string, h Hello, g *genuine) (tls.Certificate, error) {
	switch flaw {
	case event.CaseSelfSigned, event.CaseTLS10, event.CaseTLS11:
		return f.kept(flaw, h, kind, nil, f.keys[kind], nil)
	case event.CaseUnknownCA:
		a := f.authority[kind]
		return f.kept(flaw, h, kind, a.cert, a.key, [][]byte{a.cert.Raw})
	case event.CaseReplacedKey:
		return f.copied(kind, g)
	case event.CaseWrongName:
		if f.operator == nil {
			return tls.Certificate{}, fmt.Errorf("%w: no certificate of the operator was given", errNoMaterial)
		}
		return f.operator.cert, nil
	case event.CaseLeafAsCA:
		if f.operator == nil {
			return tls.Certificate{}, fmt.Errorf("%w: no certificate of the operator was given", errNoMaterial)
		}
		return f.kept(flaw, h, kind, f.operator.cert.Leaf, f.operator.key(), f.operator.cert.Certificate)
	}
	return tls.Certificate{}, fmt.Errorf("%w: %q is not known", errNoMaterial, flaw)
}

// kept gives the leaf that was made before for the same client's question, or makes one.
func (f *forger) kept(flaw string, h Hello, kind string, parent *x509.Certificate, signer crypto.Signer, above [][]byte) (tls.Certificate, error) {
	key := forged{flaw, kind, subject(h)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, made := f.leaves[key]; made {
		return c, nil
	}
	c, err := f.leaf(h, kind, parent, signer, above)
	if err != nil {
		return c, err
	}
	if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
		return c, fmt.Errorf("%w: %w", errNoMaterial, err)
	}
	if len(f.leaves) >= leafLimit {
		clear(f.leaves)
	}
	f.leaves[key] = c
	return c, nil
}

// leaf makes a certificate for the name that the client asked for. Without a parent
// it signs itself.
func (f *forger) leaf(h Hello, kind string, parent *x509.Certificate, signer crypto.Signer, above [][]byte) (tls.Certificate, error) {
	serial, err := f.serial()
	if err != nil {
		return tls.Certificate{}, err
	}
	now := f.now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: subject(h)},
		NotBefore: now.Add(-validBefore), NotAfter: now.Add(validAfter),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if kind == keyRSA {
		t.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if addr, err := netip.ParseAddr(subject(h)); err == nil {
		t.IPAddresses = append(t.IPAddresses, addr.AsSlice())
	} else {
		t.DNSNames = []string{subject(h)}
	}
	if parent == nil {
		parent = t
	}
	key := f.keys[kind]
	der, err := x509.CreateCertificate(f.rand, t, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%w: %w", errNoMaterial, err)
	}
	return tls.Certificate{Certificate: append([][]byte{der}, above...), PrivateKey: key}, nil
}

// subject is the name that the client asked for, else the address it went to. A name
// that no certificate can hold is the address, too.
func subject(h Hello) string {
	const most = 253
	for _, r := range h.Name {
		if r <= ' ' || r > '~' {
			return h.Server.Addr().String()
		}
	}
	if h.Name == "" || len(h.Name) > most {
		return h.Server.Addr().String()
	}
	return h.Name
}

// copied is the genuine chain with another key in its leaf. The signature is made by
// a key that is not the issuer's.
func (f *forger) copied(kind string, g *genuine) (tls.Certificate, error) {
	if g == nil || len(g.chain) == 0 {
		return tls.Certificate{}, fmt.Errorf("%w: the genuine server's certificate is not known", errNoMaterial)
	}
	old := g.chain[0]
	t := &x509.Certificate{
		SerialNumber: old.SerialNumber, RawSubject: old.RawSubject, Subject: old.Subject,
		NotBefore: old.NotBefore, NotAfter: old.NotAfter, ExtraExtensions: old.Extensions,
	}
	signer, algorithm := f.authority[keyECDSA].key, x509.ECDSAWithSHA256
	if old.SignatureAlgorithm >= x509.MD2WithRSA && old.SignatureAlgorithm <= x509.SHA512WithRSA || old.SignatureAlgorithm >= x509.SHA256WithRSAPSS && old.SignatureAlgorithm <= x509.SHA512WithRSAPSS {
		signer, algorithm = f.authority[keyRSA].key, x509.SHA256WithRSA
	}
	t.SignatureAlgorithm = algorithm
	issuer := &x509.Certificate{RawSubject: old.RawIssuer, PublicKey: signer.Public()}
	key := f.keys[kind]
	der, err := x509.CreateCertificate(f.rand, t, issuer, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%w: the genuine certificate cannot be copied: %w", errNoMaterial, err)
	}
	out := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	for _, c := range g.chain[1:] {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out, nil
}

func kindOf(key crypto.Signer) string {
	if _, ok := key.Public().(*rsa.PublicKey); ok {
		return keyRSA
	}
	return keyECDSA
}
