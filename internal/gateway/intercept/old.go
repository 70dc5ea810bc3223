package intercept

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"assay/internal/assess/event"
)

// against answers with an old version though the client offers only newer ones: a
// ServerHello with a suite of the offer, and a certificate. The connection cannot
// come to an end; what counts is what the client minds.
func (i *Interceptor) against(c net.Conn, f first, cert tls.Certificate, version uint16, n *event.InterceptNote) {
	suite, existed := oldSuite(f.hello.CipherSuites)
	if suite == 0 {
		n.Outcome, n.Why = event.InterceptNoHello, "the hello offers no cipher suite"
		n.Phase = event.Begun
		i.note(*n)
		reset(c)
		return
	}
	if !existed {
		n.Why = "none of the offered cipher suites existed in that version; the first one was chosen"
	}
	n.Version, n.Suite, n.Phase = version, suite, event.Begun
	i.note(*n)
	hello, err := i.oldFlight(version, suite, cert)
	if err != nil {
		n.Outcome, n.Why = event.InterceptBroken, err.Error()
		reset(c)
		return
	}
	if _, err := c.Write(hello); err != nil {
		n.Outcome = event.InterceptRefused // it went away at the ServerHello
		return
	}
	i.minded(c, n)
}

// minded reads what the client says to the answer.
func (i *Interceptor) minded(c net.Conn, n *event.InterceptNote) {
	_ = c.SetReadDeadline(time.Now().Add(i.cfg.Times.Data)) // where that fails the read does too
	var record [recordHeader + 2]byte
	_, err := io.ReadFull(c, record[:])
	const alert = 21
	switch {
	case err == nil && record[0] == alert && binary.BigEndian.Uint16(record[3:]) == 2:
		n.Outcome, n.Alert, n.Alerted = event.InterceptRefused, record[6], true
	case err == nil:
		n.Outcome = event.InterceptCompleted // it went on with the handshake
		n.Why = "it went on after the ServerHello"
	case errors.Is(err, os.ErrDeadlineExceeded):
		n.Outcome, n.Why = event.InterceptBroken, "the client fell silent after the ServerHello"
	default:
		n.Outcome = event.InterceptRefused
	}
}

// oldSuite is a suite of the offer that TLS 1.0 and 1.1 had. Where there is none it is
// the first that is one at all: a client looks at the version first (RFC 8446 section
// 4.1.3, RFC 5246 appendix E.1), and one that does not is told apart by what it minds.
// 0 when nothing is offered.
func oldSuite(offer []uint16) (id uint16, existed bool) {
	for _, id := range offer {
		name := tls.CipherSuiteName(id)
		if strings.HasSuffix(name, "_CBC_SHA") || strings.HasSuffix(name, "_RC4_128_SHA") {
			return id, true
		}
	}
	i := slices.IndexFunc(offer, func(id uint16) bool { return !isSignal(id) })
	if i < 0 {
		return 0, false
	}
	return offer[i], false
}

// isSignal says that a value in the place of a cipher suite is none: the signals of
// renegotiation (RFC 5746 section 3.3) and of a fallback (RFC 7507 section 2), and what
// is there to be ignored (RFC 8701 section 2).
func isSignal(id uint16) bool {
	const renegotiation, fallback = 0x00ff, 0x5600
	return id == renegotiation || id == fallback || id&0x0f0f == 0x0a0a && id>>8 == id&0xff
}

// oldFlight is ServerHello and Certificate (RFC 4346 sections 7.4.1.3 and 7.4.2), each
// in a record of its own.
func (i *Interceptor) oldFlight(version, suite uint16, cert tls.Certificate) ([]byte, error) {
	var random [32]byte
	if _, err := io.ReadFull(i.cfg.Rand, random[:]); err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	const serverHello, certificate = 2, 11
	handshakeRecord(&b, version, serverHello, func(b *cryptobyte.Builder) {
		b.AddUint16(version)
		b.AddBytes(random[:])
		b.AddUint8(0) // no session to resume
		b.AddUint16(suite)
		b.AddUint8(0) // no compression
	})
	handshakeRecord(&b, version, certificate, func(b *cryptobyte.Builder) {
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, der := range cert.Certificate {
				b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(der) })
			}
		})
	})
	return b.Bytes()
}

func handshakeRecord(b *cryptobyte.Builder, version uint16, kind uint8, body func(*cryptobyte.Builder)) {
	b.AddUint8(recordHandshake)
	b.AddUint16(version)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(kind)
		b.AddUint24LengthPrefixed(body)
	})
}
