package scan

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"

	"assay/internal/assess/event"
)

const (
	// maxCanaries bounds the planted texts that are looked for.
	maxCanaries = 16
	// canaryMin and canaryMax bound a canary's length in bytes: what is shorter
	// turns up by chance.
	canaryMin = 4
	canaryMax = 64
)

// mark is a fixed byte string to be found.
type mark struct {
	bytes []byte
	kind  event.ExposedKind
	shown string
	// folded marks are in lower case and are looked for in lower-cased text.
	folded bool
}

// Patterns are the planted canaries in every form in which they may travel, and
// what all scanners of one decoder share: a workspace, so that a scanner costs
// nothing until it finds something, and the marks of the hosts met before. They
// must not be used by two goroutines.
type Patterns struct {
	marks []mark
	// hay and low hold the piece under search with its tail, as it is and in lower
	// case, only during a call.
	hay, low [tailLen + blockLen]byte
	own      map[event.HostID]*ownMarks
	// reach is the length of the longest folded mark there can be.
	reach int
}

// ownMarks are the forms in which a host writes its link-layer address.
type ownMarks struct {
	raw mark
	// texts all begin with the same two digits, so one search finds them all.
	texts []mark
}

// ownReach is the longest text form: six pairs of digits and five "%3a".
const ownReach = 6*2 + 5*3

// maxOwn bounds the hosts whose marks are kept; a device can forge any number of
// addresses, and then all are forgotten and made again.
const maxOwn = 256

// Compile prepares at most 16 canaries of 4 to 64 bytes; others are left out.
func Compile(canaries []string) *Patterns {
	p := &Patterns{own: map[event.HostID]*ownMarks{}, reach: ownReach}
	taken := 0
	for _, text := range canaries {
		text = strings.TrimSpace(text)
		if len(text) < canaryMin || len(text) > canaryMax || taken == maxCanaries {
			continue
		}
		taken++
		p.addCanary(text)
	}
	return p
}

func (p *Patterns) addCanary(text string) {
	known := map[string]bool{}
	add := func(form string, folded bool) {
		if form == "" || known[form] {
			return
		}
		known[form] = true
		p.marks = append(p.marks, mark{bytes: []byte(form), kind: event.ExposedCanary, folded: folded})
		p.reach = max(p.reach, len(form))
	}
	lower := foldASCII(text)
	add(lower, true)
	add(foldASCII(percent(text)), true)
	add(strings.ReplaceAll(foldASCII(percent(text)), "%20", "+"), true)
	add(strings.ReplaceAll(lower, " ", "+"), true)
	add(foldASCII(jsonEscaped(text)), true)
	add(utf16LE(text), false)
	for shift := range 3 {
		for _, form := range base64Core(text, shift) {
			add(form, false)
		}
	}
}

// percent writes text as a URL component (RFC 3986 section 2.1).
func percent(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if isAlnum(text[i]) || strings.IndexByte("-._~", text[i]) >= 0 {
			out.WriteByte(text[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", text[i])
		}
	}
	return out.String()
}

// jsonEscaped writes what is not ASCII as \uXXXX, as many JSON writers do.
func jsonEscaped(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit < 0x80 {
			out.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

func utf16LE(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// base64Core is the part of the Base64 form of text that does not depend on its
// neighbours, when shift bytes stand before it in its group of three; in both
// alphabets of RFC 4648.
func base64Core(text string, shift int) []string {
	padded := append(make([]byte, shift), text...)
	whole := len(padded) / 3 * 3
	first := 0
	if shift > 0 {
		first = 4
	}
	var forms []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		if form := enc.EncodeToString(padded[:whole]); len(form) >= first+4 {
			forms = append(forms, form[first:])
		}
	}
	if len(forms) > 0 && len(forms[0]) < 6 {
		return nil // too short to be more than chance
	}
	return forms
}

// ownOf finds or makes the marks of a host.
func (p *Patterns) ownOf(h event.HostID) *ownMarks {
	if marks, known := p.own[h]; known {
		return marks
	}
	if len(p.own) == maxOwn {
		clear(p.own)
	}
	marks := newOwnMarks(h)
	p.own[h] = &marks
	return &marks
}

func newOwnMarks(h event.HostID) ownMarks {
	mac, ok := h.MAC()
	if !ok || h.IsGroup() || !telling(mac) {
		return ownMarks{}
	}
	colon := event.FormatMAC(mac)
	plain := strings.ReplaceAll(colon, ":", "")
	own := ownMarks{raw: mark{bytes: mac[:], kind: event.ExposedMAC, shown: colon}}
	for _, form := range []string{
		colon, plain,
		strings.ReplaceAll(colon, ":", "-"),
		strings.ReplaceAll(colon, ":", "%3a"),
		plain[:4] + "." + plain[4:8] + "." + plain[8:],
	} {
		own.texts = append(own.texts, mark{bytes: []byte(form), kind: event.ExposedMAC, shown: colon, folded: true})
	}
	return own
}

// telling leaves out addresses such as 00:00:00:00:00:01, which occur in any
// binary data.
func telling(mac [6]byte) bool {
	distinct := 0
	for i, b := range mac {
		if b != 0 && b != 0xff && bytes.IndexByte(mac[:i], b) < 0 {
			distinct++
		}
	}
	return distinct >= 3
}

func foldASCII(s string) string {
	out := []byte(s)
	for i, b := range out {
		out[i] = lowered(b)
	}
	return string(out)
}

func lowered(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b | 0x20
	}
	return b
}

func isAlnum(b byte) bool {
	return b >= '0' && b <= '9' || lowered(b) >= 'a' && lowered(b) <= 'z'
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
