package servers

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"strings"
	"sync"
)

// Flaw is what is wrong with a machine's certificate.
type Flaw uint8

// Flaws. The zero value is a certificate that everybody should accept.
const (
	Valid      Flaw = iota
	Expired         // it ended a month ago
	SelfSigned      // it is its own authority
	WrongName       // it names another machine
)

// Profile is the TLS of one machine: the oldest and newest version it speaks
// (tls.VersionTLS10 to tls.VersionTLS13; zero: 1.2 and 1.3), and its flaw.
type Profile struct {
	Min, Max uint16
	Flaw     Flaw
}

// book hands out certificates by the name a client asks for.
type book struct {
	ca    *CA
	flaw  Flaw
	name  string // for clients that send no name, or one that nobody has
	addrs []netip.Addr
	known func(name string) (owner string, ok bool)

	mu    sync.Mutex
	certs map[string]*tls.Certificate // bounded by the names that exist
}

// Config is the TLS configuration of a machine. name and addrs are what it is
// called by default; known turns a name of the internet into its owner name (a
// wildcard where one stands for it) and says whether it exists.
func (ca *CA) Config(p Profile, name string, addrs []netip.Addr, known func(string) (string, bool)) *tls.Config {
	b := &book{ca: ca, flaw: p.Flaw, name: name, addrs: addrs, known: known, certs: map[string]*tls.Certificate{}}
	c := &tls.Config{MinVersion: p.Min, MaxVersion: p.Max, GetCertificate: b.get, Time: ca.clock}
	if p.Min == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

func (b *book) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := b.name
	if owner, ok := b.known(hello.ServerName); ok && hello.ServerName != "" {
		name = strings.TrimSuffix(owner, ".")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.certs[name]; ok && b.ca.clock().Before(c.Leaf.NotAfter) {
		return c, nil
	}
	c, err := b.make(name)
	if err != nil {
		return nil, err
	}
	b.certs[name] = c
	return c, nil
}

func (b *book) make(name string) (*tls.Certificate, error) {
	t, parent := b.ca.template(name, b.addrs), b.ca.cert
	switch b.flaw {
	case Expired:
		t.NotAfter = b.ca.clock().Add(-endedBefore)
		t.NotBefore = t.NotAfter.Add(-leafAfter)
	case SelfSigned:
		parent = nil
	case WrongName:
		t.DNSNames, t.IPAddresses = []string{"somebody.else.example"}, nil
		t.Subject.CommonName = t.DNSNames[0]
	case Valid:
	}
	c, err := b.ca.issue(t, parent)
	if err != nil {
		return nil, err
	}
	c.Leaf, err = x509.ParseCertificate(c.Certificate[0])
	return c, err
}
