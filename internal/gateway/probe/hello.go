package probe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"assay/internal/assess/event"
)

// offer is a ClientHello that a careful service has to refuse, or to answer with the
// best it holds.
type offer struct {
	name    string
	version uint16
	suites  []uint16
}

// offers are those of NCSC-NL's guidelines: what is good is asked for with an ordinary
// handshake, before and after; these are what should be refused.
func offers() []offer {
	old := []uint16{0xc014, 0xc013, 0xc00a, 0xc009, 0x0039, 0x0033, 0x0035, 0x002f, 0x000a, 0x0005, 0x0004}
	return []offer{
		{"tls-1.0", tls.VersionTLS10, old},
		{"tls-1.1", tls.VersionTLS11, old},
		{"cbc", tls.VersionTLS12, []uint16{0xc028, 0xc027, 0xc024, 0xc023, 0xc014, 0xc013, 0xc00a, 0xc009, 0x006b, 0x0067, 0x0039, 0x0033}},
		{"finite-field", tls.VersionTLS12, []uint16{0x009f, 0x009e, 0xccaa}},
		{"static", tls.VersionTLS12, []uint16{0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f}},
		{"broken", tls.VersionTLS12, []uint16{0xc012, 0xc008, 0x0016, 0x000a, 0xc011, 0xc007, 0x0005, 0x0004, 0x0009, 0x0003, 0x0001, 0x0002, 0x003b}},
	}
}

// handshakes examines what a TLS service agrees to.
func (p *Prober) handshakes(ctx context.Context, s service) {
	p.goodHandshake(ctx, s)
	for _, o := range offers() {
		if ctx.Err() != nil {
			return
		}
		p.oldHandshake(ctx, s, o)
	}
	p.goodHandshake(ctx, s) // it still answers, so the refusals were no accident
}

func (p *Prober) goodHandshake(ctx context.Context, s service) {
	c, err := p.dial(ctx, "tcp", s.at.String())
	n := event.ProbeNote{Kind: event.ProbeTLS, Server: s.at, Service: s.name, Outcome: event.ProbeFailed, Detail: map[string]string{"offer": "modern"}}
	if err != nil {
		n.Why = err.Error()
		p.note(n)
		return
	}
	defer func() { _ = c.Close() }() // it was only opened
	n.Client = localEnd(c)
	t := tls.Client(c, p.anyTLS(tls.VersionTLS12))
	if err := t.HandshakeContext(ctx); err != nil {
		n.Outcome, n.Why = event.ProbeRefused, err.Error()
	} else {
		state := t.ConnectionState()
		n.Outcome = event.ProbeAccepted
		n.Detail["version"], n.Detail["suite"] = fmt.Sprintf("%04x", state.Version), fmt.Sprintf("%04x", state.CipherSuite)
		if len(state.PeerCertificates) > 0 {
			n.Detail["spki"] = spki(state.PeerCertificates[0])
		}
	}
	p.note(n)
}

// oldHandshake sends one hello and reads the beginning of the answer: nothing is agreed.
func (p *Prober) oldHandshake(ctx context.Context, s service, o offer) {
	c, err := p.dial(ctx, "tcp", s.at.String())
	n := event.ProbeNote{Kind: event.ProbeTLS, Server: s.at, Service: s.name, Outcome: event.ProbeFailed, Detail: map[string]string{"offer": o.name}}
	if err != nil {
		n.Why = err.Error()
		p.note(n)
		return
	}
	defer func() { _ = c.Close() }() // it was only opened
	n.Client = localEnd(c)
	if _, err := c.Write(clientHello(o)); err == nil {
		n.Outcome = takeHello(readFor(c, 4*time.Second), n.Detail)
	}
	p.note(n)
}

// takeHello reads what was chosen from the first record (RFC 5246 sections 6.2 and 7.4.1.3).
func takeHello(answer []byte, into map[string]string) string {
	switch {
	case len(answer) == 0:
		return event.ProbeRefused
	case answer[0] == 21: // alert
		return event.ProbeRefused
	case answer[0] != 22 || len(answer) < 5+4+2+32+1 || answer[5] != 2: // handshake, ServerHello
		return event.ProbeUnclear
	}
	after := 5 + 4 + 2 + 32 + 1 + int(answer[5+4+2+32])
	if len(answer) < after+2 {
		return event.ProbeUnclear
	}
	into["version"] = fmt.Sprintf("%04x", binary.BigEndian.Uint16(answer[9:]))
	into["suite"] = fmt.Sprintf("%04x", binary.BigEndian.Uint16(answer[after:]))
	return event.ProbeAccepted
}

// clientHello writes a hello of TLS 1.2 or older (RFC 5246 section 7.4.1.2) with the
// extensions without which servers refuse elliptic curves (RFC 8422) or anything.
func clientHello(o offer) []byte {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it never fails
	var body []byte
	body = binary.BigEndian.AppendUint16(body, o.version)
	body = append(append(body, random...), 0)
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(o.suites))) //nolint:gosec // a dozen
	for _, suite := range o.suites {
		body = binary.BigEndian.AppendUint16(body, suite)
	}
	body = append(body, 1, 0) // no compression
	extensions := []byte{
		0x00, 0x0a, 0x00, 0x08, 0x00, 0x06, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x18, // groups: x25519, P-256, P-384
		0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, // uncompressed points
		0x00, 0x17, 0x00, 0x00, // extended master secret, RFC 7627
		0xff, 0x01, 0x00, 0x01, 0x00, // renegotiation_info, RFC 5746
	}
	if o.version >= tls.VersionTLS12 {
		extensions = append(extensions, 0x00, 0x0d, 0x00, 0x14, 0x00, 0x12,
			0x04, 0x03, 0x05, 0x03, 0x08, 0x04, 0x08, 0x05, 0x08, 0x06, 0x04, 0x01, 0x05, 0x01, 0x06, 0x01, 0x02, 0x01)
	}
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions))) //nolint:gosec // a few dozen
	body = append(body, extensions...)
	message := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...) //nolint:gosec // under 64 KiB
	record := []byte{22, 3, 1, byte(len(message) >> 8), byte(len(message))}         //nolint:gosec // under 64 KiB
	return append(record, message...)
}

func localEnd(c net.Conn) (end netip.AddrPort) {
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return a.AddrPort()
	}
	return end
}
