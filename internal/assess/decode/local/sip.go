package local

import (
	"bytes"
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// sip reads SIP over UDP (RFC 3261).
func sip() wire.DatagramKind {
	return wire.DatagramKind{
		Name: "sip",
		Recognise: func(_ wire.Conn, _ event.Side, data []byte) wire.Match {
			_, ok := parseSIP(data)
			return yesIf(ok)
		},
		New: func() wire.Datagram { return &sipReader{} },
	}
}

// sipReader remembers the credentials that await the server's word, by CSeq.
type sipReader struct {
	told    heard[sipCredentials]
	pending map[string]event.Ref
}

type sipCredentials struct{ user, realm string }

// Packet reads one message.
func (r *sipReader) Packet(c wire.Context, from event.Side, data []byte) bool {
	m, ok := parseSIP(data)
	if !ok {
		return len(bytes.Trim(data, "\r\n\x00")) == 0 // a keep-alive, RFC 5626 section 4.4.1
	}
	c.Name("sip")
	if from == event.FromClient && !isSIPAnswer(m) {
		r.request(c, m)
	}
	if from == event.FromServer && isSIPAnswer(m) {
		r.answer(c, m)
	}
	return true
}

func (r *sipReader) request(c wire.Context, m message) {
	header, ok := m.get("authorization")
	if !ok {
		header, ok = m.get("proxy-authorization")
	}
	scheme, params, _ := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "digest") {
		return
	}
	who := sipCredentials{digestParam(params, "username"), digestParam(params, "realm")}
	if !r.told.first(who) {
		return
	}
	c.Emit(0, event.Login{Service: "sip", Scheme: event.LoginDigest, User: who.user, Where: who.realm})
	if seq, ok := m.get("cseq"); ok && len(r.pending) < pendingLimit {
		if r.pending == nil {
			r.pending = map[string]event.Ref{}
		}
		r.pending[seq] = c.Ref()
	}
}

// answer tells what came of credentials. A challenge that only calls the nonce
// stale says nothing about the password (RFC 7616 section 3.3).
func (r *sipReader) answer(c wire.Context, m message) {
	seq, _ := m.get("cseq")
	login, waits := r.pending[seq]
	if !waits {
		return
	}
	outcome := event.OutcomeUnseen
	switch status := strings.TrimPrefix(m.start, "SIP/2.0 "); {
	case strings.HasPrefix(status, "2"):
		outcome = event.OutcomeAccepted
	case strings.HasPrefix(status, "401"), strings.HasPrefix(status, "407"), strings.HasPrefix(status, "403"):
		if !sipStale(m) {
			outcome = event.OutcomeRefused
		}
	case strings.HasPrefix(status, "1"):
		return
	}
	delete(r.pending, seq)
	if outcome != event.OutcomeUnseen {
		c.Emit(0, event.LoginAnswered{Service: "sip", Outcome: outcome, Login: login})
	}
}

func sipStale(m message) bool {
	for _, name := range []string{"www-authenticate", "proxy-authenticate"} {
		if v, ok := m.get(name); ok && strings.EqualFold(digestParam(v, "stale"), "true") {
			return true
		}
	}
	return false
}

func isSIPAnswer(m message) bool { return strings.HasPrefix(m.start, "SIP/2.0 ") }

// parseSIP accepts a request line or status line of SIP 2.0 with the Call-ID and
// CSeq that every message has (section 8.1.1).
func parseSIP(data []byte) (message, bool) {
	line, _, _ := cutLine(data)
	if !bytes.HasPrefix(line, []byte("SIP/2.0 ")) && !bytes.HasSuffix(line, []byte(" SIP/2.0")) {
		return message{}, false
	}
	m, ok := parseMessage(data)
	if !ok {
		return message{}, false
	}
	_, seq := m.get("cseq")
	_, id := m.get("call-id")
	_, short := m.get("i")
	return m, seq && (id || short)
}

// digestParam returns one parameter of a digest header, without its quotes.
func digestParam(params, name string) string {
	for rest := params; rest != ""; {
		var part string
		part, rest = cutParam(rest)
		key, value, ok := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		if i := strings.LastIndexByte(key, ' '); i >= 0 {
			key = key[i+1:] // the scheme stands before the first parameter
		}
		if ok && strings.EqualFold(key, name) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// cutParam cuts at the next comma that stands outside of quotes.
func cutParam(s string) (part, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
