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

// readCertificates reads the body of a Certificate message of TLS 1.2 and older
// (RFC 5246 section 7.4.2).
func readCertificates(body []byte, from event.Side) (event.Certificates, bool) {
	out := event.Certificates{From: from, Bytes: len(body)}
	s := cryptobyte.String(body)
	var list cryptobyte.String
	if !s.ReadUint24LengthPrefixed(&list) || !s.Empty() {
		return out, false
	}
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) {
			return out, false
		}
		if len(out.Chain) < chainLimit {
			out.Chain = append(out.Chain, readCertificate(der))
		}
	}
	return out, true
}

// readCertificate sums up one certificate; what cannot be parsed has Bad set.
func readCertificate(der []byte) event.Certificate {
	sum := sha256.Sum256(der)
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
