package fact

import (
	"strings"

	"assay/internal/assess/event"
)

// How the content of an unrecognised conversation is judged. A thousand bytes of
// a good cipher have 7.8 bits of entropy per byte, and never repeat a block of
// sixteen bytes.
const (
	leastText     = 64   // bytes below which nothing is said about text
	leastMeasured = 1000 // bytes below which nothing is said about entropy
	textShare     = 0.90 // share of printable characters that makes text
	textEntropy   = 5.5  // above this printable text may be Base64 of anything
	plainEntropy  = 5.0  // below this, most of the bytes are not encrypted
	cipherEntropy = 7.2  // below this there is structure beside the cipher
	uniformLimit  = 400  // chi-square above which bytes are not uniform (255 degrees of freedom: mean 255, deviation 23)
	uniformLeast  = 1280 // bytes that chi-square needs: five per value
)

// content is what the bytes of one side look like.
type content uint8

const (
	contentNone       content = iota // nothing to measure
	contentShort                     // too few bytes to say
	contentHigh                      // looks random
	contentStructured                // mostly random, with structure
	contentRepeating                 // half of its blocks repeat: ECB, or hardly encrypted
	contentReadable                  // text, media, or bytes of low entropy
)

func contentOf(c event.Content) content {
	switch {
	case c.Bytes == 0:
		return contentNone
	case c.Media != "" || isText(c):
		return contentReadable
	case c.Bytes < leastMeasured:
		return contentShort
	case c.Printable >= textShare:
		return contentStructured // Base64 or hexadecimal of who knows what
	case 2*16*c.Repeats >= c.Bytes:
		return contentRepeating
	case c.Entropy < plainEntropy:
		return contentReadable
	case isStructured(c):
		return contentStructured
	default:
		return contentHigh
	}
}

func isText(c event.Content) bool {
	return c.Bytes >= leastText && c.Printable >= textShare && c.Entropy < textEntropy && !isHexDigits(c.Head)
}

func isStructured(c event.Content) bool {
	return c.Repeats > 0 || c.Entropy < cipherEntropy || c.Bytes >= uniformLeast && c.ChiSquare > uniformLimit
}

// isHexDigits is true for digits that may spell encrypted bytes.
func isHexDigits(head []byte) bool {
	for _, b := range head {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(b)) {
			return false
		}
	}
	return len(head) > 0
}

// contentOfFlow is the worst of both sides.
func contentOfFlow(b event.FlowEnded) content {
	return max(contentOf(b.Client.Content), contentOf(b.Server.Content))
}

func opaqueSchema() []Decl {
	return []Decl{
		{"opaque.flows", Int, "conversations with the internet whose protocol was not recognised and that carried payload"},
		{"opaque.measured", Int, "of opaque.flows, those of which at least 1000 bytes of one side, or readable text, could be measured"},
		{"opaque.short", Int, "of opaque.flows, those with too few bytes to say anything, or whose bytes the log does not hold"},
		{"opaque.readable", Int, "of opaque.flows, those with text, known media, or entropy under 5 bits per byte"},
		{"opaque.repeating", Int, "of opaque.flows, those in which at least half of the 16-byte blocks are repetitions"},
		{"opaque.structured", Int, "of opaque.flows, those with high entropy but repeated blocks, uneven bytes or printable encoding"},
		{"opaque.high", Int, "of opaque.flows, those whose measured bytes all look random"},
	}
}

// opaqueLens measures conversations that were not recognised.
type opaqueLens struct {
	all, measured Because
	kinds         [6]Because
}

func (*opaqueLens) wants() wanted {
	return wanted{
		Actor: {event.FlowEnded{}},
		Other: {event.FlowEnded{}},
	}
}

func (l *opaqueLens) see(w *world, ev *sighting, role Role) {
	b, ok := ev.Body.(event.FlowEnded)
	if !ok || role == Bystander || b.Protocol != "" || b.Client.Bytes+b.Server.Bytes == 0 {
		return
	}
	mine, theirs := ends(ev, role)
	if !w.isOwnEnd(mine) || w.scope(theirs) != ScopeInternet {
		return
	}
	l.all.See(ev)
	worst := contentOfFlow(b)
	l.kinds[worst].See(ev)
	if worst > contentShort {
		l.measured.See(ev)
	}
}

func (l *opaqueLens) state(_ *world, out *Sheet) {
	short := l.kinds[contentShort]
	short.Join(l.kinds[contentNone])
	for key, b := range map[string]Because{
		"opaque.flows": l.all, "opaque.measured": l.measured, "opaque.short": short,
		"opaque.readable": l.kinds[contentReadable], "opaque.repeating": l.kinds[contentRepeating],
		"opaque.structured": l.kinds[contentStructured], "opaque.high": l.kinds[contentHigh],
	} {
		out.Int(key, b.Seen(), b)
	}
}
