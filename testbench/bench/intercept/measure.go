//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/gateway/intercept"
)

// name is that of the server in the certificate.
const name = "www.cam.example"

// bench is a server, and an interceptor before it.
type bench struct {
	server  net.Listener
	between net.Listener
	flaw    atomic.Pointer[string]
	stop    context.CancelFunc
	running sync.WaitGroup
	failed  error
}

// build starts both on the loopback.
func build(ctx context.Context) (*bench, error) {
	cert, err := certificate()
	if err != nil {
		return nil, err
	}
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	between, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	own, stop := context.WithCancel(ctx)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	b := &bench{server: tls.NewListener(plain, config), between: between, stop: stop}
	genuine, err := netip.ParseAddrPort(plain.Addr().String())
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	i, err := intercept.New(intercept.Config{
		Listener: between, Policy: b, Original: func(net.Conn) (netip.AddrPort, error) { return genuine, nil },
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", to.String())
		},
	})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.running.Go(b.serve)
	b.running.Go(func() { b.failed = i.Serve(own) })
	return b, nil
}

func (b *bench) close() error {
	b.stop()
	err := b.server.Close()
	_ = b.between.Close() // its owner has closed it when it served
	b.running.Wait()
	return errors.Join(err, b.failed)
}

// Decide is the policy: all connections alike.
func (b *bench) Decide(intercept.Hello) intercept.Decision {
	if flaw := b.flaw.Load(); flaw != nil {
		return intercept.Decision{Case: *flaw, Attempt: 1}
	}
	return intercept.Decision{}
}

// Ended is not of interest.
func (*bench) Ended(intercept.Hello, intercept.Decision, string) {}

// serve gives back what it gets.
func (b *bench) serve() {
	for {
		c, err := b.server.Accept()
		if err != nil {
			return
		}
		b.running.Go(func() {
			_, _ = io.Copy(c, c) // until the client goes
			_ = c.Close()
		})
	}
}

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	wanted := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, wanted, wanted, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// client accepts every certificate: what is measured is the server's work.
func client() *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
}

// aim makes all connections meet a target, and gives its address.
func (b *bench) aim(t target) string {
	b.flaw.Store(nil)
	if t.flaw != "" {
		b.flaw.Store(&t.flaw)
	}
	if t.bare {
		return b.server.Addr().String()
	}
	return b.between.Addr().String()
}

// handshakes counts those that were completed in a second.
func (b *bench) handshakes(ctx context.Context, t target, long time.Duration, clients int) (perSecond float64, err error) {
	to := b.aim(t)
	if err := connect(ctx, to, false); err != nil { // what is found out once is found out
		return 0, err
	}
	var all sync.WaitGroup
	var done, bad atomic.Int64
	var last atomic.Pointer[error]
	began := time.Now()
	for range clients {
		all.Go(func() {
			for time.Since(began) < long {
				if err := connect(ctx, to, false); err != nil {
					bad.Add(1)
					last.Store(&err)
					continue
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if bad.Load() > done.Load()/100 {
		return 0, fmt.Errorf("%d of %d handshakes failed, such as: %w", bad.Load(), bad.Load()+done.Load(), *last.Load())
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

// connect does one handshake; with echo it waits for one byte that comes back.
func connect(ctx context.Context, to string, echo bool) (err error) {
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }() // nothing is lost by it
	c := tls.Client(plain, client())
	if err := c.HandshakeContext(ctx); err != nil || !echo {
		return err
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// delays are how long a connection takes, sorted.
type delays struct{ bare, passed []time.Duration }

// turns is how often each is timed, in turn.
const turns = 500

func (b *bench) delays(ctx context.Context) (d delays, err error) {
	for range turns {
		for _, t := range []struct {
			target
			to *[]time.Duration
		}{{targets[0], &d.bare}, {targets[len(targets)-1], &d.passed}} {
			to := b.aim(t.target)
			began := time.Now()
			if err := connect(ctx, to, true); err != nil {
				return d, fmt.Errorf("%s: %w", t.name, err)
			}
			*t.to = append(*t.to, time.Since(began))
		}
	}
	slices.Sort(d.bare)
	slices.Sort(d.passed)
	return d, nil
}

// at is the value below which the given part of a sorted list lies.
func at(d []time.Duration, part float64) time.Duration {
	return d[min(int(float64(len(d))*part), len(d)-1)]
}
