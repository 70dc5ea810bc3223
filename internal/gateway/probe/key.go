package probe

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
)

// spki is the digest by which the key of a certificate is compared with those of other
// units (RFC 7469 section 2.4).
func spki(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
