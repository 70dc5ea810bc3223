package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// The files of the door in the folder of the box's state.
const (
	keyFile      = "page-key.pem"
	tokenFile    = "page-token"
	sessionsFile = "page-sessions.json"
	private      = 0o600
)

// lifetime is how long a certificate is good for; browsers take no longer ones from
// anybody (CA/Browser Forum, ballot SC22).
const lifetime = 397 * 24 * time.Hour

// Identity is how the box shows itself to browsers.
type Identity struct {
	certificate tls.Certificate
	fingerprint string
}

// LoadIdentity reads the key of the box from the folder, or makes one there, and makes
// a certificate for the names and addresses. The key stays: with it the fingerprint.
func LoadIdentity(folder, host string, addresses []netip.Addr, now time.Time) (id Identity, err error) {
	key, err := loadKey(filepath.Join(folder, keyFile))
	if err != nil {
		return id, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return id, fmt.Errorf("cannot make a certificate for the page: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Assay box"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if host != "" {
		template.DNSNames = []string{host}
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, a.Unmap().AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return id, fmt.Errorf("cannot make a certificate for the page: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return id, fmt.Errorf("cannot read the page's key: %w", err)
	}
	id.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	id.fingerprint = grouped(sha256.Sum256(public))
	return id, nil
}

// Fingerprint is the SHA-256 of the box's public key (as of RFC 7469, in hexadecimal):
// it stays when addresses change and the certificate with them.
func (id Identity) Fingerprint() string { return id.fingerprint }

// TLS is how connections are taken: TLS 1.3 alone, which every browser has.
func (id Identity) TLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{id.certificate}, MinVersion: tls.VersionTLS13}
}

func grouped(sum [sha256.Size]byte) string {
	var parts []string
	for i := 0; i < len(sum); i += 2 {
		parts = append(parts, fmt.Sprintf("%02x%02x", sum[i], sum[i+1]))
	}
	return strings.Join(parts, " ")
}

func loadKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the page's key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("cannot read the page's key: %s is no PEM file; delete it and the box makes another", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	own, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read the page's key: %s holds no ECDSA key; delete it and the box makes another", file)
	}
	return own, nil
}

func makeKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key for the page: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key for the page: %w", err)
	}
	if err := renameio.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), private); err != nil {
		return nil, fmt.Errorf("cannot keep the page's key: %w", err)
	}
	return key, nil
}
