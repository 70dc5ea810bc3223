package secure

import (
	"crypto/dsa" //nolint:staticcheck // only to name the type of an old key
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"

	"golang.org/x/crypto/cryptobyte"

	"assay/internal/assess/event"
)

const (
	// chainLimit is how many certificates of a chain are read, sanLimit how many
	// names of one certificate are kept.
	chainLimit = 8
	sanLimit   = 32
	// nameBytes is the longest encoded distinguished name that is turned into
	// text: the text is built attribute by attribute, which is slow for long ones.
	nameBytes = 4 << 10
	// textLimit is how much of a text in a certificate is kept, in bytes.
	textLimit = 256
)

// shelf keeps the certificates read before, by the SHA-256 of their encoding: a
// device meets the same few again and again, and parsing one costs more than all
// else about a handshake. One shelf serves one decoder.
type shelf map[[sha256.Size]byte]event.Certificate

// shelfLimit bounds a shelf; what comes when it is full is read afresh.
const shelfLimit = 256

// read sums up one certificate, or finds it on the shelf.
func (s shelf) read(der []byte) event.Certificate {
	sum := sha256.Sum256(der)
	if known, ok := s[sum]; ok {
		return known
	}
	cert := readCertificate(der, sum)
	if s != nil && len(s) < shelfLimit {
		s[sum] = cert
	}
	return cert
}

// readCertificates reads the body of a Certificate message of TLS 1.2 and older
// (RFC 5246 section 7.4.2).
func (s shelf) readCertificates(body []byte, from event.Side) (event.Certificates, bool) {
	out := event.Certificates{From: from, Bytes: len(body)}
	message := cryptobyte.String(body)
	var list cryptobyte.String
	if !message.ReadUint24LengthPrefixed(&list) || !message.Empty() {
		return out, false
	}
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) {
			return out, false
		}
		if len(out.Chain) < chainLimit {
			out.Chain = append(out.Chain, s.read(der))
		}
	}
	return out, true
}

// readCertificate sums up one certificate; what cannot be parsed has Bad set.
func readCertificate(der []byte, sum [sha256.Size]byte) event.Certificate {
	out := event.Certificate{SHA256: hex.EncodeToString(sum[:])}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		out.Bad = clip(err.Error())
		return out
	}
	spki := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	out.SPKI = hex.EncodeToString(spki[:])
	out.Subject = nameText(cert.RawSubject, cert.Subject.String)
	out.Issuer = nameText(cert.RawIssuer, cert.Issuer.String)
	out.Names = certificateNames(cert)
	out.Serial = clip(cert.SerialNumber.Text(16))
	out.NotBefore, out.NotAfter = cert.NotBefore, cert.NotAfter
	out.KeyType, out.KeyBits = keyKind(cert)
	out.SigAlg = cert.SignatureAlgorithm.String()
	return out
}

func nameText(raw []byte, text func() string) string {
	if len(raw) > nameBytes {
		return "(name of unusual length)"
	}
	return clip(text())
}

func clip(s string) string { return s[:min(len(s), textLimit)] }

func certificateNames(cert *x509.Certificate) []string {
	var out []string
	for _, n := range cert.DNSNames[:min(len(cert.DNSNames), sanLimit)] {
		out = append(out, clip(n))
	}
	for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), sanLimit-len(out))] {
		out = append(out, ip.String())
	}
	return out
}

func keyKind(cert *x509.Certificate) (string, int) {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", key.N.BitLen()
	case *ecdsa.PublicKey:
		return "EC", key.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 256
	case *dsa.PublicKey:
		return "DSA", key.P.BitLen()
	default:
		return "", 0
	}
}
