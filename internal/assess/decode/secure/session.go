package secure

import (
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// eventLimit is the most events of one conversation: an honest one has a dozen.
	eventLimit = 64
	// faultLimit is how many broken messages of one conversation are reported.
	faultLimit = 4
)

// session is what must be remembered of one TLS session to read the next message.
type session struct {
	transport event.Transport
	name      string // "tls", "dtls", "quic" or "gquic"
	named     bool
	client    hello // the last ClientHello
	greeted   bool  // client is set
	version   uint16
	suite     uint16
	retried   bool // the server sent a HelloRetryRequest
	hint      string
	known     shelf // nil where certificates are read afresh
	app       [2]appSeen
	changed   [2]bool // ChangeCipherSpec was seen
	events    int
	faults    int
}

// appSeen says which application data records of a side were reported.
type appSeen struct{ any, afterBoth, long bool }

// is13 says that TLS 1.3 was negotiated (or is about to be).
func (s *session) is13() bool { return s.retried || event.TLSVersion(s.version) == 0x0304 }

// worn says that the conversation has told more than any honest one would.
func (s *session) worn() bool { return s.events >= eventLimit }

func (s *session) emit(c wire.Context, off int, body event.Body) {
	if s.worn() {
		return
	}
	s.events++
	s.introduce(c)
	c.Emit(off, body)
}

func (s *session) introduce(c wire.Context) {
	if !s.named {
		s.named = true
		c.Name(s.name)
	}
}

// broken reports a malformed message of the client; an event is always about
// the client, and it is not to blame for its server.
func (s *session) broken(c wire.Context, from event.Side, off int, why string) {
	if from != event.FromClient || s.faults >= faultLimit {
		return
	}
	s.faults++
	c.Emit(off, event.Malformed{Layer: s.name, Why: why})
}

// message reads one whole handshake message.
func (s *session) message(c wire.Context, from event.Side, off int, kind byte, body []byte) {
	if from == event.FromClient {
		s.fromClient(c, off, kind, body)
	} else {
		s.fromServer(c, off, kind, body)
	}
}

func (s *session) fromClient(c wire.Context, off int, kind byte, body []byte) {
	switch kind {
	case typeClientHello:
		s.clientHello(c, off, body)
	case typeCertificate:
		s.certificates(c, event.FromClient, off, body)
	case typeClientKeyExchange:
		if id, ok := readPSKIdentity(body, s.suite); ok {
			s.emit(c, off, event.PSKIdentity{Identity: id, Hint: s.hint})
		}
	}
}

func (s *session) clientHello(c wire.Context, off int, body []byte) {
	h, ok := readClientHello(body, s.transport)
	if !ok {
		s.broken(c, event.FromClient, off, "a ClientHello whose lengths do not add up")
		return
	}
	// A datagram may be repeated, and the hello that brings back a cookie is the
	// same offer once more.
	repeat := s.greeted && s.transport != event.TCP && s.client.random == h.random
	if s.greeted && !repeat && s.transport != event.TCP {
		s.forget()
	}
	s.client, s.greeted = h, true
	if !repeat {
		s.emit(c, off, h.ClientHello)
	}
}

// forget makes ready for another session on the same conversation.
func (s *session) forget() {
	*s = session{transport: s.transport, name: s.name, named: s.named, events: s.events, faults: s.faults}
}

func (s *session) fromServer(c wire.Context, off int, kind byte, body []byte) {
	switch kind {
	case typeServerHello:
		s.serverHello(c, off, body)
	case typeCertificate:
		s.certificates(c, event.FromServer, off, body)
	case typeServerKeyExchange:
		if x, hint, ok := readServerKeyExchange(body, s.suite, s.version); ok {
			s.hint = hint
			s.emit(c, off, x)
		}
	case typeCertificateRequest:
		s.emit(c, off, event.CertificateRequested{})
	}
}

func (s *session) serverHello(c wire.Context, off int, body []byte) {
	h, ok := readServerHello(body, s.client.session, s.transport)
	if !ok {
		return
	}
	s.version, s.suite = h.Version, h.Suite
	s.retried = s.retried || h.Retry
	s.emit(c, off, h)
}

// certificates reads a chain; in TLS 1.3 the message is encrypted, and one in
// clear is nobody's.
func (s *session) certificates(c wire.Context, from event.Side, off int, body []byte) {
	if s.is13() {
		return
	}
	chain, ok := s.known.readCertificates(body, from)
	if !ok {
		s.broken(c, from, off, "a Certificate message whose lengths do not add up")
		return
	}
	s.emit(c, off, chain)
}

func (s *session) keysChanged(c wire.Context, from event.Side, off int) {
	if s.changed[from] {
		return
	}
	s.changed[from] = true
	s.emit(c, off, event.TLSKeysChanged{From: from})
}

// alert reads the two bytes of an alert, or notes one that cannot be read.
func (s *session) alert(c wire.Context, from event.Side, off int, body []byte) {
	a := event.TLSAlert{From: from, Encrypted: true}
	clear := len(body) == alertLen && (body[0] == 1 || body[0] == 2) && (s.is13() || !s.changed[from])
	if clear {
		a = event.TLSAlert{From: from, Level: body[0], Description: body[1]}
	}
	s.emit(c, off, a)
}

// appData reports an application data record when it shows something new.
func (s *session) appData(c wire.Context, from event.Side, off, length int) {
	seen := &s.app[from]
	both := s.changed[event.FromClient] && s.changed[event.FromServer]
	// Before the ServerHello it is early data, which says nothing of the end.
	long := length >= event.FinishedLimit && s.version != 0
	news := both && !seen.afterBoth
	if s.is13() {
		news = long && !seen.long
	}
	if seen.any && !news {
		return
	}
	*seen = appSeen{any: true, afterBoth: seen.afterBoth || both, long: seen.long || long}
	s.emit(c, off, event.TLSAppData{From: from, AfterBoth: both, Length: length})
}

// settled says that nothing more can be learned from either side's records.
func (s *session) settled() bool {
	for _, seen := range s.app {
		if !seen.any || s.is13() && !seen.long || !s.is13() && !seen.afterBoth {
			return false
		}
	}
	return true
}
