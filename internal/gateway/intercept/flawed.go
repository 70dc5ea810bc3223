package intercept

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/event"
)

// flawed stands in for the server.
func (i *Interceptor) flawed(ctx context.Context, c net.Conn, f first, h Hello, n *event.InterceptNote) {
	waiting, cancel := context.WithTimeout(ctx, i.cfg.Times.Genuine)
	g := i.genuine(waiting, h, f.hello)
	cancel()
	n.GenuineBytes = g.size()
	kind := kindFor(f.hello, g)
	if n.Case == event.CaseWrongName && i.cfg.Operator != nil {
		kind = kindOf(i.forger.operator.key())
	}
	cert, err := i.forger.chain(n.Case, kind, h, g)
	if err != nil {
		n.Phase = event.Begun
		i.note(*n)
		n.Outcome, n.Why = event.InterceptBroken, err.Error()
		reset(c)
		return
	}
	n.KeyType = kind
	describe(cert, n)
	if old := oldVersion(n.Case); old != 0 && !offersOld(f.hello, old) {
		i.against(c, f, cert, old, n)
		return
	}
	i.handshake(ctx, c, f, cert, g, n)
}

// offersOld says that a hello has all that a handshake of an old version needs: the
// version, and a cipher suite of that time.
func offersOld(h *tls.ClientHelloInfo, version uint16) bool {
	_, existed := oldSuite(h.CipherSuites)
	return existed && slices.Contains(h.SupportedVersions, version)
}

// describe notes what is presented.
func describe(cert tls.Certificate, n *event.InterceptNote) {
	sum := sha256.Sum256(cert.Certificate[0])
	n.Leaf = hex.EncodeToString(sum[:])
	for _, der := range cert.Certificate {
		n.ChainBytes += len(der)
	}
}

// kindFor is the kind of key to present: the genuine server's where the client can
// use it, else one that it can use.
func kindFor(h *tls.ClientHelloInfo, g *genuine) string {
	rsa, ecdsa := usable(h)
	switch {
	case g.kind() == keyRSA && rsa, g.kind() == keyECDSA && ecdsa:
		return g.kind()
	case rsa:
		return keyRSA
	case ecdsa:
		return keyECDSA
	}
	return keyRSA // and no ServerHello will be possible
}

// usable says which kinds of keys a client can use.
func usable(h *tls.ClientHelloInfo) (rsa, ecdsa bool) {
	rsa, ecdsa = signatures(h.SignatureSchemes)
	if slices.Contains(h.SupportedVersions, tls.VersionTLS13) {
		return rsa, ecdsa
	}
	forRSA := slices.ContainsFunc(h.CipherSuites, func(id uint16) bool {
		name := tls.CipherSuiteName(id)
		return strings.HasPrefix(name, "TLS_ECDHE_RSA_") || strings.HasPrefix(name, "TLS_RSA_")
	})
	forECDSA := slices.ContainsFunc(h.CipherSuites, func(id uint16) bool {
		return strings.HasPrefix(tls.CipherSuiteName(id), "TLS_ECDHE_ECDSA_")
	})
	return rsa && forRSA, ecdsa && forECDSA
}

// signatures says which keys' signatures a client takes; a client that does not say
// takes both (RFC 5246 section 7.4.1.4.1).
func signatures(list []tls.SignatureScheme) (rsa, ecdsa bool) {
	forRSA := []tls.SignatureScheme{
		tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512,
		tls.PKCS1WithSHA1, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512,
	}
	for _, s := range list {
		rsa = rsa || slices.Contains(forRSA, s)
		ecdsa = ecdsa || s == tls.ECDSAWithP256AndSHA256 || s == tls.ECDSAWithSHA1
	}
	return rsa || len(list) == 0, ecdsa || len(list) == 0
}

func oldVersion(flaw string) uint16 {
	switch flaw {
	case event.CaseTLS10:
		return tls.VersionTLS10
	case event.CaseTLS11:
		return tls.VersionTLS11
	}
	return 0
}

// settings are those of a flawed server.
func (i *Interceptor) settings(f first, cert tls.Certificate, g *genuine, n *event.InterceptNote) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{cert}, CipherSuites: everySuite(), SessionTicketsDisabled: true,
		MinVersion: tls.VersionTLS12, KeyLogWriter: secrets{i, n.Client}, Time: i.cfg.Now,
	}
	if old := oldVersion(n.Case); old != 0 {
		c.MinVersion, c.MaxVersion = old, old
	} else if slices.Max(f.hello.SupportedVersions) < tls.VersionTLS12 {
		c.MinVersion = tls.VersionTLS10 // it offers nothing better; that is another check's matter
	}
	switch {
	case g != nil && g.alpn != "" && slices.Contains(f.hello.SupportedProtos, g.alpn):
		c.NextProtos = []string{g.alpn}
	case g == nil && len(f.hello.SupportedProtos) > 0:
		c.NextProtos = f.hello.SupportedProtos
	}
	if g != nil && g.asks {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}

// everySuite is what crypto/tls can do, the weak ones too: what the client offers is
// its own matter, and a suite in common is what the flaw needs.
func everySuite() []uint16 {
	var out []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		out = append(out, s.ID)
	}
	return out
}

// secrets passes key log lines on.
type secrets struct {
	i      *Interceptor
	client netip.AddrPort
}

func (s secrets) Write(line []byte) (int, error) {
	if s.i.cfg.Secrets != nil {
		s.i.cfg.Secrets(s.client, string(line))
	}
	return len(line), nil
}

// handshake presents the certificate and sees what the client does.
func (i *Interceptor) handshake(ctx context.Context, c net.Conn, f first, cert tls.Certificate, g *genuine, n *event.InterceptNote) {
	wire := &watched{Conn: resume(c, f.bytes)}
	server := tls.Server(wire, i.settings(f, cert, g, n))
	n.Phase = event.Begun
	i.note(*n)
	limited, cancel := context.WithTimeout(ctx, i.cfg.Times.Handshake)
	err := server.HandshakeContext(limited)
	cancel()
	state := server.ConnectionState()
	n.Version, n.Suite, n.ClientCertificate = state.Version, state.CipherSuite, len(state.PeerCertificates) > 0
	if err != nil {
		i.refused(ctx, err, wire, n)
		return
	}
	i.after(server, n)
}

// refused says what a handshake came to that did not end well.
func (i *Interceptor) refused(ctx context.Context, err error, wire *watched, n *event.InterceptNote) {
	n.Alert, n.Alerted = alertOf(err)
	if !n.Alerted {
		n.Alert, n.Alerted = wire.alert.description, wire.alert.seen
	}
	switch {
	case ctx.Err() != nil:
		n.Outcome, n.Why = event.InterceptBroken, "the interception was ended"
	case !wire.answered:
		n.Outcome, n.Why = event.InterceptNoHello, err.Error()
	case n.Alerted || gone(err):
		n.Outcome = event.InterceptRefused
	case errors.Is(err, context.DeadlineExceeded):
		n.Outcome, n.Why = event.InterceptBroken, "the client fell silent in the handshake"
	default:
		n.Outcome, n.Why = event.InterceptBroken, err.Error()
	}
}

// gone says that the client closed or reset the connection.
func gone(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && op.Op != "local error" && !op.Timeout()
}

// alertOf is the alert that the client sent.
func alertOf(err error) (description uint8, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return uint8(v.Uint()), true //nolint:gosec // its kind says so
	}
	return 0, false
}

// after sees what comes after a handshake: application data is acceptance.
func (i *Interceptor) after(server *tls.Conn, n *event.InterceptNote) {
	n.Outcome = event.InterceptCompleted
	if words := greeting(n.Server.Port()); words != "" {
		_, _ = io.WriteString(server, words) // the read tells whether it is still there
	}
	deadline := time.Now().Add(i.cfg.Times.Data)
	buffer := make([]byte, 4096)
	for n.AppBytes < appLimit {
		if server.SetReadDeadline(deadline) != nil {
			break
		}
		got, err := server.Read(buffer)
		n.AppBytes += got
		if err != nil {
			n.Alert, n.Alerted = alertOf(err)
			break
		}
		deadline = time.Now().Add(min(time.Second, i.cfg.Times.Data)) // there may be more
	}
	if n.AppBytes > 0 {
		n.Outcome = event.InterceptAccepted
	}
	_ = server.Close() // the client may have gone
}

// greeting is what a server says first, where the protocol of the port wants it.
func greeting(port uint16) string {
	switch port {
	case 25, 465, 587:
		return "220 ready\r\n"
	case 110, 995:
		return "+OK ready\r\n"
	case 143, 993:
		return "* OK ready\r\n"
	case 21, 990:
		return "220 ready\r\n"
	}
	return ""
}
