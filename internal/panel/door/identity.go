package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// The files of the door in the folder of the box's state.
const (
	keyFile         = "page-key.pem"
	certificateFile = "page-certificate.pem"
	tokenFile       = "page-token"
	sessionsFile    = "page-sessions.json"
	private         = 0o600
)

// lifetime is how long a certificate is good for; browsers take no longer ones from
// anybody (CA/Browser Forum, ballot SC22). It is made anew when less than renewal is
// left of it.
const (
	lifetime = 397 * 24 * time.Hour
	renewal  = 30 * 24 * time.Hour
)

// Identity is how the box shows itself to browsers.
type Identity struct {
	paper       *paper
	fingerprint string
}

// LoadIdentity reads the key and the certificate of the box from the folder. What is
// missing there is made: the key once, for the fingerprint is its own; the certificate
// when it does not fit the key, a name or an address any more, or ends soon. One that
// fits stays, so that a browser that was told to trust it does not ask again.
func LoadIdentity(folder, host string, addresses []netip.Addr, now time.Time) (id Identity, err error) {
	key, err := loadKey(filepath.Join(folder, keyFile))
	if err != nil {
		return id, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return id, fmt.Errorf("cannot read the page's key: %w", err)
	}
	id.fingerprint = grouped(sha256.Sum256(public))
	id.paper = &paper{file: filepath.Join(folder, certificateFile), key: key, host: host, addresses: addresses, now: time.Now}
	id.paper.load()
	if id.paper.good(now) {
		return id, nil
	}
	return id, id.paper.renew(now)
}

// Fingerprint is the SHA-256 of the box's public key (as of RFC 7469, in hexadecimal):
// it stays when addresses change and the certificate with them.
func (id Identity) Fingerprint() string { return id.fingerprint }

// CertificateFingerprint is the SHA-256 of the certificate, which every browser shows;
// not all show that of the key. It changes with the certificate.
func (id Identity) CertificateFingerprint() string {
	id.paper.mu.Lock()
	defer id.paper.mu.Unlock()
	return grouped(sha256.Sum256(id.paper.leaf.Raw))
}

// TLS is how connections are taken: TLS 1.3 alone, which every browser has.
func (id Identity) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: id.paper.show}
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
