package clear

import (
	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// scanLimit is how many bytes of one side of a conversation with messages are
	// looked through; of one message no more than scan.Budget are.
	scanLimit = 256 << 10
	// bannerLimit and textLimit bound the strings of events.
	bannerLimit = 256
	textLimit   = 256
)

// talk is what all readers share: the scanner and the way of reporting.
type talk struct {
	scanner *scan.Scanner
	known   bool
}

func newTalk(p *scan.Patterns, limit int) talk {
	return talk{scanner: scan.New(p, limit)}
}

// look searches data, which begins at off of what was offered.
func (t *talk) look(c wire.Context, from event.Side, off int, data []byte, depth scan.Depth) {
	t.expose(c, off, t.search(c, from, data, depth))
}

// lookInside searches text that was decoded from bytes at off.
func (t *talk) lookInside(c wire.Context, from event.Side, off int, text []byte, depth scan.Depth) {
	for _, f := range t.search(c, from, text, depth) {
		c.Emit(off, f.Exposed())
	}
}

func (t *talk) search(c wire.Context, from event.Side, data []byte, depth scan.Depth) []scan.Found {
	if !t.known {
		conn := c.Conn()
		t.scanner.Own(conn.Device, conn.Peer)
		t.known = true
	}
	return t.scanner.Feed(from, data, depth)
}

// endMessage ends what was looked at as one text.
func (t *talk) endMessage(c wire.Context, from event.Side, off int) {
	t.expose(c, off, t.scanner.Flush(from))
}

func (t *talk) expose(c wire.Context, off int, finds []scan.Found) {
	for _, f := range finds {
		c.Emit(off+f.Off, f.Exposed())
	}
}

// login reports a credential.
func (t *talk) login(c wire.Context, off int, service, where string, cred auth.Credential) login {
	c.Emit(off, event.Login{
		Service: service, Scheme: cred.Scheme, User: cred.User, Secret: cred.Secret, Where: auth.Cut(where, textLimit),
	})
	return login{service: service, ref: c.Ref(), scheme: cred.Scheme, open: true}
}

// login is a reported credential whose outcome is awaited.
type login struct {
	service string
	ref     event.Ref
	scheme  event.LoginScheme
	open    bool
}

// answer reports the server's word on l, once.
func (l *login) answer(c wire.Context, off int, outcome event.LoginOutcome) {
	if !l.open || outcome == event.OutcomeUnseen {
		return
	}
	l.open = false
	c.Emit(off, event.LoginAnswered{Service: l.service, Outcome: outcome, Login: l.ref})
}
