package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// connectFor is how long one address of a server is tried.
const connectFor = 2 * time.Second

// dial connects to a server by its name, the preferred family first.
func (p *product) dial(ctx context.Context, network, at string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	found, err := p.names.addresses(ctx, name)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: connectFor}
	for _, a := range found {
		var c net.Conn
		if c, err = d.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// tlsTrait is how a device makes sure of its servers; nil where it uses no TLS.
type tlsTrait struct {
	config *tls.Config
	// named says that the certificate must be for the name that was dialled. It is
	// looked at after the handshake, before anything is sent, as many products do.
	named bool
}

// checked is a client that verifies chain, dates and name. versions and suites are those
// of the configuration.
func checked(c *tls.Config) *tlsTrait {
	c.InsecureSkipVerify = true //nolint:gosec // VerifyConnection does it, but for the name
	c.VerifyConnection = func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
		for _, further := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(further)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
	return &tlsTrait{config: c, named: true}
}

// client begins TLS on a connection to a server of that name.
func (t *tlsTrait) client(ctx context.Context, c net.Conn, name string) (*tls.Conn, error) {
	own := t.config.Clone()
	own.ServerName = name
	conn := tls.Client(c, own)
	err := conn.HandshakeContext(ctx)
	if err == nil && t.named {
		err = conn.ConnectionState().PeerCertificates[0].VerifyHostname(name)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// dialTLS connects to a server and begins TLS.
func (p *product) dialTLS(ctx context.Context, t *tlsTrait, network, at string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	c, err := p.dial(ctx, network, at)
	if err != nil {
		return nil, err
	}
	return t.client(ctx, c, name)
}

// answerLimit bounds what is read of a server's answer.
const answerLimit = 1 << 20

// web is a request over HTTP, with TLS where t is not nil; body is sent when there is
// one.
func web(url string, t *tlsTrait, body []byte) func(context.Context, *product) error {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	return func(ctx context.Context, p *product) error {
		own := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
		if t != nil {
			own.DialTLSContext = func(ctx context.Context, network, at string) (net.Conn, error) { return p.dialTLS(ctx, t, network, at) }
		}
		defer own.CloseIdleConnections()
		r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		answer, err := own.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, answerLimit))
		return errors.Join(err, answer.Body.Close())
	}
}

// clockTraits are where a device takes the time from.
type clockTraits struct {
	offered bool   // the servers that the network offers, where it offers some
	name    string // else this one
}

// clockEvery is how often the time is asked for (RFC 8633 section 3.1: not more often
// than every 64 seconds).
const clockEvery = 64 * time.Second

func (t clockTraits) errand() errand {
	return errand{clockEvery, func(ctx context.Context, p *product) error {
		k, _ := p.home.now()
		if t.offered && len(k.timeServers) > 0 {
			return askTime(ctx, netip.AddrPortFrom(k.timeServers[0], 123).String(), new(net.Dialer).DialContext)
		}
		return askTime(ctx, net.JoinHostPort(t.name, "123"), p.dial)
	}}
}

// askTime asks a server for the time once (RFC 5905 section 14), from a random port,
// with nothing of its own clock in the request (RFC 8633 section 5.3). The device goes
// on by its own clock, which is right.
func askTime(ctx context.Context, at string, dial func(ctx context.Context, network, at string) (net.Conn, error)) error {
	c, err := dial(ctx, "udp", at)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // nothing more is to come
	if end, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(end); err != nil {
			return err
		}
	}
	const size, clientV4 = 48, 0x23
	m := make([]byte, size)
	m[0] = clientV4
	if _, err := c.Write(m); err != nil {
		return err
	}
	if n, err := c.Read(m); err != nil || n < size {
		return fmt.Errorf("no time from %s: %w", at, err)
	}
	return nil
}
