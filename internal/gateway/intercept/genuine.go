package intercept

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
)

// genuine is what the genuine server presents to a client like this one.
type genuine struct {
	chain []*x509.Certificate
	alpn  string
	asks  bool // for a certificate of the client
	bytes int  // of the chain, DER
}

// kind is the kind of the server's key, "" when it is another one.
func (g *genuine) kind() string {
	if g == nil || len(g.chain) == 0 {
		return ""
	}
	return map[x509.PublicKeyAlgorithm]string{x509.RSA: keyRSA, x509.ECDSA: keyECDSA}[g.chain[0].PublicKeyAlgorithm]
}

func (g *genuine) size() int {
	if g == nil {
		return 0
	}
	return g.bytes
}

// library remembers the genuine servers of destinations.
type library struct {
	mu    sync.Mutex
	known map[place]*lookup
}

// place is a destination: a name or, without one, an address, and a port.
type place struct {
	name string
	port uint16
}

func placeOf(h Hello) place {
	if h.Name == "" {
		return place{h.Server.Addr().String(), h.Server.Port()}
	}
	return place{h.Name, h.Server.Port()}
}

// lookup is one look at a genuine server, done once.
type lookup struct {
	done  chan struct{}
	found *genuine // nil when it was not to be had
}

// genuine looks at the server itself, once for each destination, and waits for it at
// most as long as ctx lasts. nil when it is not known.
func (i *Interceptor) genuine(ctx context.Context, h Hello, hello *tls.ClientHelloInfo) *genuine {
	l := i.look(h, hello)
	if l == nil {
		return nil
	}
	select {
	case <-l.done:
		return l.found
	case <-ctx.Done():
		return nil
	}
}

// look begins to look at a server, or finds that somebody did; nil when too many are
// remembered.
func (i *Interceptor) look(h Hello, hello *tls.ClientHelloInfo) *lookup {
	i.library.mu.Lock()
	defer i.library.mu.Unlock()
	key := placeOf(h)
	if l := i.library.known[key]; l != nil {
		return l
	}
	if len(i.library.known) >= genuineLimit {
		return nil
	}
	l := &lookup{done: make(chan struct{})}
	i.library.known[key] = l
	i.running.Go(func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(i.life, i.cfg.Times.Genuine)
		defer cancel()
		l.found = i.fetch(ctx, h, hello.SupportedProtos)
	})
	return l
}

// fetch asks the server for its certificate, as the client would.
func (i *Interceptor) fetch(ctx context.Context, h Hello, protos []string) *genuine {
	raw, err := i.cfg.Dial(ctx, h.Server)
	if err != nil {
		return nil
	}
	defer func() { _ = raw.Close() }() // nothing was written to it that matters
	g := &genuine{}
	c := tls.Client(raw, &tls.Config{
		ServerName: h.Name, NextProtos: protos, MinVersion: tls.VersionTLS10,
		InsecureSkipVerify: true, //nolint:gosec // it is looked at, not trusted
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			g.asks = true
			return &tls.Certificate{}, nil
		},
		VerifyConnection: func(s tls.ConnectionState) error {
			g.chain, g.alpn = s.PeerCertificates, s.NegotiatedProtocol
			return nil
		},
	})
	_ = c.HandshakeContext(ctx) // a server that wants a certificate has shown its own before it refuses
	for _, cert := range g.chain {
		g.bytes += len(cert.Raw)
	}
	if len(g.chain) == 0 {
		return nil
	}
	return g
}
