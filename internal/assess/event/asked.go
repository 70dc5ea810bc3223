package event

import (
	"encoding/json"
	"fmt"
	"strings"
)

// askedTitles say what the box asked the device itself, for people.
var askedTitles = map[string]string{
	ProbeScan: "tried the ports of", ProbeService: "asked what is spoken at", ProbeTLS: "tried a TLS handshake with",
	ProbeGet: "asked without a password", ProbeLogin: "tried a factory password at", ProbeLogins: "tried factory passwords at",
	ProbeLockout: "tried a wrong password at", ProbeLockouts: "tried wrong passwords at", ProbeUDP: "asked over UDP",
	ProbeOpen: "opens a conversation with",
}

// Describe is one line for a report. It quotes the device, and no secret is in it.
func (b ProbeNote) Describe() string {
	title, known := askedTitles[b.Kind]
	if !known {
		title = b.Kind + " of"
	}
	out := "the gateway " + title + " " + b.Server.String()
	if b.Service != "" {
		out += " (" + b.Service + ")"
	}
	if b.User != "" {
		out += fmt.Sprintf(" as %q", b.User)
	}
	if b.Outcome != "" {
		out += ": " + b.Outcome
	}
	if b.Why != "" {
		out += ", " + b.Why
	}
	return Clean(out)
}

// Describe is one line for a report.
func (b ConsentNote) Describe() string {
	about := strings.TrimSpace(b.Model + " " + b.Serial)
	return Clean(fmt.Sprintf("%s has the consent of %s to try to log in to %s", b.Tester, b.Owner, about))
}

// describeAsked tells the notes about questions to the device itself; false for others.
func describeAsked(kind string, js []byte) (string, bool) {
	switch kind {
	case NoteProbe:
		var n ProbeNote
		if json.Unmarshal(js, &n) == nil && n.Kind != "" {
			return n.Describe(), true
		}
	case NoteConsent:
		var n ConsentNote
		if json.Unmarshal(js, &n) == nil && n.Tester != "" {
			return n.Describe(), true
		}
	}
	return "", false
}
