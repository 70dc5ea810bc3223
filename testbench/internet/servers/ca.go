package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	day         = 24 * time.Hour
	caLife      = 10 * 365 * day
	leafBefore  = 7 * day // devices with slow clocks shall not fail for that
	leafAfter   = 83 * day
	endedBefore = 30 * day // how long ago expired certificates ended
)

// CA is the lab's public certificate authority: what operating systems and
// devices are made to trust.
type CA struct {
	clock func() time.Time
	key   *ecdsa.PrivateKey // signs, and is the key of every leaf: names matter here, keys do not
	leaf  *ecdsa.PrivateKey
	cert  *x509.Certificate
	der   []byte

	mu     sync.Mutex
	serial int64
}

// NewCA makes an authority with new keys.
func NewCA(clock func() time.Time) (*CA, error) {
	ca := &CA{clock: clock, serial: 1}
	var err error
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("cannot make the authority's key: %w", err)
	}
	if ca.leaf, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("cannot make the servers' key: %w", err)
	}
	now := clock()
	ca.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Assay lab"}, CommonName: "Assay Lab Public Root"},
		NotBefore: now.Add(-caLife / 10), NotAfter: now.Add(caLife), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if ca.der, err = x509.CreateCertificate(rand.Reader, ca.cert, ca.cert, ca.key.Public(), ca.key); err != nil {
		return nil, fmt.Errorf("cannot make the authority's certificate: %w", err)
	}
	if ca.cert, err = x509.ParseCertificate(ca.der); err != nil {
		return nil, err
	}
	return ca, nil
}

// PEM is the authority's certificate.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.der})
}

// template is a leaf for a name; addresses are added for clients that connect
// to a literal.
func (ca *CA) template(name string, addrs []netip.Addr) *x509.Certificate {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.serial++
	now := ca.clock()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-leafBefore), NotAfter: now.Add(leafAfter),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, a := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.AsSlice()))
	}
	return t
}

// issue signs a leaf; without a parent the leaf signs itself.
func (ca *CA) issue(t, parent *x509.Certificate) (*tls.Certificate, error) {
	key, chain := ca.key, [][]byte{nil, ca.der}
	if parent == nil {
		parent, key, chain = t, ca.leaf, [][]byte{nil}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, ca.leaf.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("cannot make a certificate for %s: %w", t.Subject.CommonName, err)
	}
	chain[0] = der
	return &tls.Certificate{Certificate: chain, PrivateKey: ca.leaf}, nil
}

// Certificate is a trusted certificate for a name, and its key, as an owner of that
// name holds them: both PEM, the chain leaf first.
func (ca *CA) Certificate(name string) (chain, key []byte, err error) {
	cert, err := ca.issue(ca.template(name, nil), ca.cert)
	if err != nil {
		return nil, nil, err
	}
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot write the key of %s: %w", name, err)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
