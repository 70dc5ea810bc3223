package lookup

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"assay/internal/assess/event"
)

// offer is one ClientHello that a server is given. Each is given once.
type offer struct {
	name     string
	min, max uint16
	suites   []uint16 // nil: those of crypto/tls that are good
}

// What an offer got.
const (
	offerAccepted = "accepted" // the server chose from it
	offerRefused  = "refused"  // an alert, or the end of the connection
	offerSilent   = "silent"   // nothing in time
	offerUntried  = "untried"
)

// offers are what tells good, phase-out and insufficient apart (NCSC-NL TLS
// guidelines 2025-05, RFC 9325 section 3 and 4): what is current, TLS 1.0 and 1.1,
// key exchange without forward secrecy or broken ciphers, and CBC.
func offers() []offer {
	return []offer{
		{"modern", tls.VersionTLS12, tls.VersionTLS13, nil},
		{"old", tls.VersionTLS10, tls.VersionTLS11, []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
			tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
			tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA,
		}},
		{"rsa", tls.VersionTLS12, tls.VersionTLS12, []uint16{
			tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
			tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA,
			tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA,
		}},
		{"cbc", tls.VersionTLS12, tls.VersionTLS12, []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
			tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
		}},
	}
}

// servers makes the offers to each name and port once, at the first address that
// the device used.
func (l *Looker) servers(ctx context.Context, ends []used) {
	done := map[string]bool{}
	for _, e := range ends {
		if !l.cfg.Servers || ctx.Err() != nil || len(done) >= serverLimit {
			return
		}
		subject := e.subject()
		if e.TLS && !e.UDP && !done[subject] && l.mayTouch(e.Addr.Addr()) {
			done[subject] = true
			l.server(ctx, e)
		}
	}
}

// subject is "name:port" without the final dot, or "address:port".
func (u used) subject() string {
	if u.name == "" {
		return u.Addr.String()
	}
	return net.JoinHostPort(strings.TrimSuffix(u.name, "."), strconv.Itoa(int(u.Addr.Port())))
}

// server makes all offers to one end. One that cannot be reached at all is not
// asked again.
func (l *Looker) server(ctx context.Context, e used) {
	n := event.LookupNote{Kind: KindTLS, Subject: e.subject(), Outcome: OutcomeSilent, Data: map[string]string{"address": e.Addr.String()}}
	for _, o := range offers() {
		n.Data["offer_"+o.name] = offerUntried
	}
	for _, o := range offers() {
		r, err := l.offer(ctx, e, o)
		if ctx.Err() != nil {
			break
		}
		if r.unreached {
			n.Outcome, n.Why = OutcomeUnreachable, err.Error()
			break
		}
		r.tell(&n, o, err)
		if len(r.chosen.PeerCertificates) > 0 && n.Data["chain"] == "" {
			l.certificates(&n, e, r.chosen.PeerCertificates)
			n.Data["scts"] = timestamps(r.chosen)
		}
	}
	l.note(n)
}

// reply is what came of an offer.
type reply struct {
	got       string
	chosen    tls.ConnectionState // version, suite and certificates when accepted
	asked     bool                // the server asked for a certificate of the client
	unreached bool                // there was no TCP connection
}

// tell writes a reply into a note; err is how the handshake ended.
func (r reply) tell(n *event.LookupNote, o offer, err error) {
	if err != nil && o.name == "modern" {
		n.Why = err.Error()
	}
	n.Data["offer_"+o.name] = r.got
	if r.asked {
		n.Data["client_certificate"] = "asked"
	}
	if r.got == offerRefused && n.Outcome == OutcomeSilent {
		n.Outcome = OutcomeRefused
	}
	if r.got == offerAccepted {
		n.Outcome = OutcomeCompleted
		n.Data["offer_"+o.name+"_version"] = tls.VersionName(r.chosen.Version)
		n.Data["offer_"+o.name+"_suite"] = tls.CipherSuiteName(r.chosen.CipherSuite)
	}
}

// offer makes one handshake and says goodbye.
func (l *Looker) offer(ctx context.Context, e used, o offer) (reply, error) {
	r := reply{got: offerRefused}
	raw, err := l.connect(ctx, e.Addr)
	if err != nil {
		r.unreached = true
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, shakeTime)
	defer cancel()
	c := tls.Client(raw, &tls.Config{
		ServerName: serverName(e), MinVersion: o.min, MaxVersion: o.max, CipherSuites: o.suites,
		InsecureSkipVerify: true, // the chain is judged by certificates, whatever it is
		VerifyConnection: func(s tls.ConnectionState) error {
			r.got, r.chosen = offerAccepted, s
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			r.asked = true
			return &tls.Certificate{}, nil
		},
	})
	err = c.HandshakeContext(ctx)
	_ = c.Close() // says goodbye where there was a handshake
	if err != nil && r.got != offerAccepted && !refused(err) {
		r.got = offerSilent
	}
	return r, err
}

// serverName is the SNI; a literal address has none (RFC 6066 section 3), and
// crypto/tls sends none for it.
func serverName(e used) string {
	if e.name == "" {
		return e.Addr.Addr().String()
	}
	return strings.TrimSuffix(e.name, ".")
}

// refused says that the server ended the handshake, which is not the same as to say
// nothing or not to be there any more.
func refused(err error) bool {
	var alert tls.AlertError
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &alert), errors.As(err, &header):
		return true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return true
	case errors.As(err, &op):
		return op.Op == "remote error"
	}
	return strings.HasPrefix(err.Error(), "tls: ") // the server answered what was not offered
}

// own is how an address is found in the certificate of a server without a name.
func own(e used) string {
	if e.name != "" {
		return serverName(e)
	}
	return e.Addr.Addr().String()
}
