package event

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanLimit is the most characters of one foreign string that a report shows.
const cleanLimit = 256

// Clean makes a string that came off the wire safe to show anywhere: control
// characters, invalid UTF-8 and characters that reorder or hide text (terminal
// escapes, bidirectional overrides, zero-width marks) are written as \x.. or
// \u...., backslash as \\, and what is longer than 256 characters is cut with a mark.
func Clean(s string) string {
	if isPlain(s) && len(s) <= cleanLimit {
		return s
	}
	var out strings.Builder
	shown := 0
	for i, r := range s {
		if shown == cleanLimit {
			out.WriteString("…[" + strconv.Itoa(len(s)-i) + " more bytes]")
			break
		}
		writeRune(&out, s, i, r)
		shown++
	}
	return out.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '\\' {
			return false
		}
	}
	return true
}

func writeRune(out *strings.Builder, s string, i int, r rune) {
	switch {
	case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
		out.WriteString(`\x` + hex2(s[i]))
	case r == '\\':
		out.WriteString(`\\`)
	case r < 0x80 && !unicode.IsPrint(r):
		out.WriteString(`\x` + hex2(byte(r)))
	case !unicode.IsPrint(r):
		out.WriteString(`\u{` + strconv.FormatInt(int64(r), 16) + `}`)
	default:
		out.WriteRune(r)
	}
}

func hex2(b byte) string {
	const hex = "0123456789abcdef"
	return string([]byte{hex[b>>4], hex[b&15]})
}
