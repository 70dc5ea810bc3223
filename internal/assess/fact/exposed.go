package fact

import (
	"fmt"
	"net/netip"

	"assay/internal/assess/event"
)

func exposedSchema() []Decl {
	return []Decl{
		{"exposed.proven", Int, "planted canaries, credentials, tokens, cookies in use and media that the device sent readable, and canaries sent to it"},
		{"exposed.proven_list", List, "kind and destination of each of exposed.proven; never the data"},
		{"exposed.identifiers", Int, "identifiers of the device that were readable: own MAC address, serial number, Wi-Fi name or key, a cookie that was only set"},
		{"exposed.identifier_list", List, "kind and destination of each of exposed.identifiers"},
		{"exposed.review", Int, "finds that a person has to judge: what looks like an e-mail address, a position, a name or a picture"},
		{"exposed.review_list", List, "kind and destination of each of exposed.review"},
		{"exposed.searched", Int, "conversations of the device, local ones too, in a protocol that was read in clear and searched"},
	}
}

// exposedLens watches personal and secret data that anybody on the path could
// read.
type exposedLens struct {
	proven, identifiers, review findings
	searched                    Because
}

// findings counts finds and lists them.
type findings struct {
	because Because
	lines   map[string]bool
}

func (t *findings) add(ev *sighting, line string) {
	const keep = 256
	t.because.See(ev)
	if t.lines == nil {
		t.lines = map[string]bool{}
	}
	if len(t.lines) < keep {
		t.lines[line] = true
	}
}

// list is what was found, in order.
func (t *findings) list() []string {
	lines := make([]string, 0, len(t.lines))
	for line := range t.lines {
		lines = append(lines, line)
	}
	return sortedUnique(lines)
}

func (t *findings) state(out *Sheet, count, list string) {
	out.Int(count, t.because.Seen(), t.because)
	out.List(list, t.list(), t.because)
}

// weight is what a find proves.
type weight uint8

const (
	weightNone weight = iota
	weightIdentifier
	weightReview
	weightProven
)

func (*exposedLens) wants() wanted {
	return wanted{
		Actor: {event.Exposed{}, event.Login{}, event.FlowEnded{}},
		Other: {event.Exposed{}, event.FlowEnded{}},
	}
}

func (l *exposedLens) see(w *world, ev *sighting, role Role) {
	if role == Bystander {
		return
	}
	mine, theirs := ends(ev, role)
	if !w.isOwnEnd(mine) {
		return
	}
	switch b := ev.Body.(type) {
	case event.Exposed:
		l.seeFind(w, ev, b, role, theirs)
	case event.Login:
		if role == Actor && isReadableSecret(b) {
			l.proven.add(ev, "credential to "+place(w, theirs))
		}
	case event.FlowEnded:
		if protocolKinds[b.Protocol] == clearPlain || b.Protocol == "http" {
			l.searched.See(ev)
		}
	}
}

// isReadableSecret leaves out community strings, which are graded with the logins.
func isReadableSecret(b event.Login) bool {
	readable := b.Scheme == event.LoginPlain || b.Scheme == event.LoginToken
	return readable && b.Secret.Len() > 0 && b.Service != "snmp" && !isAnonymous(b)
}

func (l *exposedLens) seeFind(w *world, ev *sighting, b event.Exposed, role Role, theirs netip.Addr) {
	sent := (b.From == event.FromClient) == (role == Actor)
	verb := "to"
	if !sent {
		verb = "from"
	}
	line := fmt.Sprintf("%s %s %s", b.Kind, verb, place(w, theirs))
	switch weigh(w, b, sent, role) {
	case weightProven:
		l.proven.add(ev, line)
	case weightIdentifier:
		l.identifiers.add(ev, line)
	case weightReview:
		l.review.add(ev, line)
	case weightNone:
	}
}

// weigh says what a find proves. Only what the device itself sent speaks of the
// device, but a planted canary is its owner's word wherever it shows up.
func weigh(w *world, b event.Exposed, sent bool, role Role) weight {
	if b.Kind == event.ExposedCanary {
		return weightProven
	}
	if !sent {
		return weighReceived(b.Kind)
	}
	switch b.Kind {
	case event.ExposedMAC:
		return weighMAC(w, b)
	case event.ExposedSerial, event.ExposedWiFi:
		return weightIdentifier
	case event.ExposedJWT, event.ExposedKey, event.ExposedH264, event.ExposedRTP:
		return weightProven
	case event.ExposedCookie:
		return map[bool]weight{true: weightProven, false: weightIdentifier}[role == Actor]
	case event.ExposedJPEG:
		// A picture that the device's own page shows may be a logo.
		return map[bool]weight{true: weightProven, false: weightReview}[role == Actor]
	default: // e-mail address, position, personal name: free text is no proof
		return weightReview
	}
}

// weighReceived: pictures and addresses that a server publishes are not the
// user's; a cookie that is only set identifies.
func weighReceived(k event.ExposedKind) weight {
	switch k {
	case event.ExposedCookie:
		return weightIdentifier
	case event.ExposedRTP, event.ExposedH264:
		return weightReview
	default:
		return weightNone
	}
}

// weighMAC counts a MAC address only when it is the device's own.
func weighMAC(w *world, b event.Exposed) weight {
	mac, ok := w.host.MAC()
	if !ok {
		return weightNone
	}
	text := b.Shown
	if text == "" {
		text = b.Sample.Reveal()
	}
	if strip(text) != strip(event.FormatMAC(mac)) {
		return weightNone
	}
	return weightIdentifier
}

// place names the far end and whether it is on the local network.
func place(w *world, a netip.Addr) string {
	switch w.scope(a) {
	case ScopeInternet:
		return a.String() + " on the internet"
	case ScopeGroup:
		return "everybody on the local network"
	default:
		return a.String() + " on the local network"
	}
}

func (l *exposedLens) state(_ *world, out *Sheet) {
	l.proven.state(out, "exposed.proven", "exposed.proven_list")
	l.identifiers.state(out, "exposed.identifiers", "exposed.identifier_list")
	l.review.state(out, "exposed.review", "exposed.review_list")
	out.Int("exposed.searched", l.searched.Seen(), l.searched)
}
