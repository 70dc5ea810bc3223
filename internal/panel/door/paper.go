package door

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// paper is the certificate of a key.
type paper struct {
	file      string
	key       *ecdsa.PrivateKey
	host      string
	addresses []netip.Addr
	now       func() time.Time

	mu   sync.Mutex
	leaf *x509.Certificate // nil while there is none
}

// load reads the certificate that is kept. One that cannot be read is as good as none,
// for another is easily made.
func (p *paper) load() {
	text, err := os.ReadFile(p.file)
	if err != nil {
		return
	}
	if block, _ := pem.Decode(text); block != nil {
		if leaf, err := x509.ParseCertificate(block.Bytes); err == nil {
			p.leaf = leaf
		}
	}
}

// lasts says whether the certificate is good now and for long enough.
func (p *paper) lasts(now time.Time) bool {
	return !now.Before(p.leaf.NotBefore) && p.leaf.NotAfter.Sub(now) >= renewal
}

// good says whether there is a certificate of this key that names all that it must,
// and lasts.
func (p *paper) good(now time.Time) bool {
	if p.leaf == nil || !p.lasts(now) || !p.key.PublicKey.Equal(p.leaf.PublicKey) {
		return false
	}
	if p.host != "" && p.leaf.VerifyHostname(p.host) != nil {
		return false
	}
	for _, a := range p.addresses {
		if p.leaf.VerifyHostname(a.Unmap().WithZone("").String()) != nil {
			return false
		}
	}
	return true
}

// renew makes another certificate and keeps it. Where it cannot be kept it serves all
// the same: a full disk must not lock out who makes room, and the next start makes one.
func (p *paper) renew(now time.Time) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return fmt.Errorf("cannot make a certificate for the page: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Assay box"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if p.host != "" {
		template.DNSNames = []string{p.host}
	}
	for _, a := range p.addresses {
		template.IPAddresses = append(template.IPAddresses, a.Unmap().AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &p.key.PublicKey, p.key)
	if err != nil {
		return fmt.Errorf("cannot make a certificate for the page: %w", err)
	}
	if p.leaf, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("cannot make a certificate for the page: %w", err)
	}
	_ = renameio.WriteFile(p.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), private)
	return nil
}

// show shows the certificate to a browser, and makes another first when it would end
// soon: a box runs longer than a certificate lasts, and one whose clock was wrong when
// it started made one for another time.
func (p *paper) show(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); !p.lasts(now) {
		if err := p.renew(now); err != nil {
			return nil, err
		}
	}
	return &tls.Certificate{Certificate: [][]byte{p.leaf.Raw}, PrivateKey: p.key, Leaf: p.leaf}, nil
}
