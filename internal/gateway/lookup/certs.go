package lookup

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// What a chain leads to.
const (
	chainPublic     = "public"      // to a root of the system
	chainPrivate    = "private"     // to another authority, or to none that was sent
	chainSelfSigned = "self-signed" // the leaf is its own authority
)

// Where signed certificate timestamps were found (RFC 6962 section 3.3). They are not
// verified: a public authority vouches for those in its own certificate.
const (
	sctsCertificate = "certificate"
	sctsHandshake   = "handshake"
	sctsStaple      = "staple" // in the OCSP response
	sctsNone        = "none"
)

// sctList is the object identifier of the list in a certificate.
func sctList() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2} }

// sctStapled is the one of the list in an OCSP response, as DER.
func sctStapled() []byte {
	return []byte{0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05}
}

// timestamps says where a server showed that its certificate is publicly logged.
func timestamps(s tls.ConnectionState) string {
	listed := slices.ContainsFunc(s.PeerCertificates[0].Extensions, func(e pkix.Extension) bool { return e.Id.Equal(sctList()) })
	switch {
	case listed:
		return sctsCertificate
	case len(s.SignedCertificateTimestamps) > 0:
		return sctsHandshake
	case bytes.Contains(s.OCSPResponse, sctStapled()):
		return sctsStaple
	default:
		return sctsNone
	}
}

// certificates says what the chain of a server is. The dates are judged apart: an
// expired public certificate is still a public one.
func (l *Looker) certificates(n *event.LookupNote, e used, chain []*x509.Certificate) {
	leaf, now := chain[0], l.cfg.Now()
	n.Data["chain"] = l.leadsTo(chain)
	n.Data["host"] = "match"
	if leaf.VerifyHostname(own(e)) != nil {
		n.Data["host"] = "mismatch"
	}
	n.Data["dates"] = dates(leaf, now)
	n.Data["not_after"] = leaf.NotAfter.UTC().Format(time.RFC3339)
	keys(n.Data, chain)
}

func dates(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.Before(leaf.NotBefore):
		return "early"
	case now.After(leaf.NotAfter):
		return "expired"
	default:
		return "valid"
	}
}

func (l *Looker) leadsTo(chain []*x509.Certificate) string {
	leaf, others := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		others.AddCert(c)
	}
	at := l.cfg.Now()
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: l.cfg.Roots, Intermediates: others, CurrentTime: at})
	switch {
	case err == nil:
		return chainPublic
	case isOwnIssuer(leaf):
		return chainSelfSigned
	default:
		return chainPrivate
	}
}

func isOwnIssuer(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// keysLimit bounds the certificates of one chain that are looked at.
const keysLimit = 8

// keys lists the public keys of a chain, the leaf's first. A root that is sent along
// is trusted by itself, not by its key's signature, and does not count; a leaf that
// is its own authority does.
func keys(data map[string]string, chain []*x509.Certificate) {
	leastRSA, leastEC := 0, 0
	var told []string
	for i, c := range chain[:min(len(chain), keysLimit)] {
		if i > 0 && isOwnIssuer(c) {
			continue
		}
		switch k := c.PublicKey.(type) {
		case *rsa.PublicKey:
			told = append(told, fmt.Sprintf("RSA %d", k.N.BitLen()))
			leastRSA = least(leastRSA, k.N.BitLen())
		case *ecdsa.PublicKey:
			told = append(told, fmt.Sprintf("ECDSA %d", k.Params().BitSize))
			leastEC = least(leastEC, k.Params().BitSize)
		case ed25519.PublicKey:
			told = append(told, "Ed25519")
		default:
			told = append(told, "unknown")
		}
	}
	data["keys"] = strings.Join(told, ", ")
	data["least_rsa"], data["least_ec"] = count(leastRSA), count(leastEC)
}

func least(a, b int) int {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// count is a number, or nothing for none.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
