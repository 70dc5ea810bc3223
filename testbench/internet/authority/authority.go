// Package authority puts DNS answers on sockets: UDP with truncation to what
// the client can take, TCP, and DNS over TLS. What is answered is a function's
// business; it must not know zones.
package authority

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/testbench/internet/serve"
)

// Answer is what is said to a question. It never returns nil.
type Answer func(q *dns.Msg) *dns.Msg

// Ports of DNS: RFC 1035 section 4.2, RFC 7858 section 3.1.
const (
	Port    = 53
	TLSPort = 853
)

// Plain serves UDP and TCP on port 53 of an address.
func Plain(ctx context.Context, g *serve.Group, at netip.Addr, answer Answer) error {
	point := netip.AddrPortFrom(at, Port)
	c, err := g.ListenPacket(ctx, point)
	if err != nil {
		return err
	}
	start(g, &dns.Server{PacketConn: c, Handler: handler{answer}, UDPSize: dns.DefaultMsgSize})
	l, err := g.Listen(ctx, point)
	if err != nil {
		return err
	}
	start(g, stream(l, answer))
	return nil
}

// TLS serves DNS over TLS on port 853 of an address.
func TLS(ctx context.Context, g *serve.Group, at netip.Addr, config *tls.Config, answer Answer) error {
	l, err := g.Listen(ctx, netip.AddrPortFrom(at, TLSPort))
	if err != nil {
		return err
	}
	start(g, stream(tls.NewListener(l, config), answer))
	return nil
}

// idle is how long a connection may be silent: RFC 7766, section 6.2.3.
const idle = 10 * time.Second

func stream(l net.Listener, answer Answer) *dns.Server {
	return &dns.Server{Listener: l, Handler: handler{answer}, MaxTCPQueries: -1,
		IdleTimeout: func() time.Duration { return idle }}
}

// start returns when the server answers.
func start(g *serve.Group, s *dns.Server) {
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), idle)
		defer cancel()
		return s.ShutdownContext(ctx)
	}
	g.Go(stop, func() { _ = s.ActivateAndServe() }) // its error is that it was stopped
	<-started
}

type handler struct{ answer Answer }

// ServeDNS answers one question.
func (h handler) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := h.answer(q)
	m.Compress = true
	if _, datagram := w.RemoteAddr().(*net.UDPAddr); datagram {
		m.Truncate(room(q))
	}
	_ = w.WriteMsg(m) // a client that has gone away needs no answer
}

// maxDatagram is the most that is sent in one datagram: RFC 9715, section 3.2.
const maxDatagram = 1232

// room is how many octets of answer the client of a datagram can take.
func room(q *dns.Msg) int {
	opt := q.IsEdns0()
	if opt == nil {
		return dns.MinMsgSize
	}
	return min(max(int(opt.UDPSize()), dns.MinMsgSize), maxDatagram)
}
