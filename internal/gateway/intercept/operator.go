package intercept

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Operator is a publicly trusted certificate of the operator's, with its key.
type Operator struct {
	cert tls.Certificate
}

func (o *Operator) key() crypto.Signer {
	s, _ := o.cert.PrivateKey.(crypto.Signer) // LoadOperator saw to it
	return s
}

// Name is a name that the certificate is for.
func (o *Operator) Name() string {
	if len(o.cert.Leaf.DNSNames) > 0 {
		return o.cert.Leaf.DNSNames[0]
	}
	return o.cert.Leaf.Subject.CommonName
}

// LoadOperator reads a chain, leaf first, and the key, both PEM. It refuses what
// would prove nothing: a certificate that a device may refuse for another reason than
// its name. roots are the public authorities; the system's when nil.
func LoadOperator(chain, key []byte, roots *x509.CertPool, now time.Time) (*Operator, error) {
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the operator's certificate: %w; give the chain, leaf first, and its key, both PEM", err)
	}
	leaf := cert.Leaf
	switch {
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("cannot use the operator's certificate: it is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case now.After(leaf.NotAfter):
		return nil, fmt.Errorf("cannot use the operator's certificate: it expired at %s; renew it", leaf.NotAfter.UTC().Format(time.RFC3339))
	case len(leaf.DNSNames) == 0:
		return nil, errors.New("cannot use the operator's certificate: it names no host")
	}
	if _, ok := cert.PrivateKey.(crypto.Signer); !ok {
		return nil, errors.New("cannot use the operator's certificate: its key cannot sign")
	}
	between := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("cannot use the operator's certificate: its chain cannot be read: %w", err)
		}
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, DNSName: leaf.DNSNames[0]}); err != nil {
		return nil, fmt.Errorf("cannot use the operator's certificate: it is not publicly trusted with the chain that was given, so that a refusal would prove nothing: %w", err)
	}
	return &Operator{cert}, nil
}
