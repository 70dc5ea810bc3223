package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
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

// answerLimit bounds what is read of a server's answer.
const answerLimit = 1 << 20

// web is a request over HTTP, with TLS where c is not nil; body is sent when there is
// one.
func web(url string, c *tls.Config, body []byte) func(context.Context, *product) error {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	return func(ctx context.Context, p *product) error {
		t := &http.Transport{DialContext: p.dial, TLSClientConfig: c, DisableKeepAlives: true}
		defer t.CloseIdleConnections()
		r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		answer, err := t.RoundTrip(r)
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
