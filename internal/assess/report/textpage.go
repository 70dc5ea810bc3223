package report

import (
	"strings"
	"unicode/utf8"
)

// textPage collects lines of at most width characters.
type textPage struct {
	out    strings.Builder
	width  int
	colour bool
}

// paint puts a tone's colour around text, on terminals that want it.
func (p *textPage) paint(t tone, text string) string {
	if !p.colour {
		return text
	}
	return toneEscape(t) + text + "\x1b[0m"
}

func (p *textPage) bold(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// toneEscape is the terminal's colour for a tone (ECMA-48 SGR).
func toneEscape(t tone) string {
	switch t {
	case toneGood:
		return "\x1b[32m"
	case toneRemarks:
		return "\x1b[33m"
	case toneBad:
		return "\x1b[31m"
	case toneCritical:
		return "\x1b[1;31m"
	case toneUnknown:
		return "\x1b[34m"
	default:
		return "\x1b[2m"
	}
}

func (p *textPage) line(s string) { p.out.WriteString(strings.TrimRight(s, " ") + "\n") }

func (p *textPage) blank() { p.out.WriteByte('\n') }

// heading opens a section.
func (p *textPage) heading(s string) {
	p.blank()
	p.line(p.bold(s))
	p.line(strings.Repeat("─", min(p.width, utf8.RuneCountInString(s))))
}

// para wraps text behind an indent.
func (p *textPage) para(indent int, text string) { p.hang(strings.Repeat(" ", indent), indent, text) }

// label wraps text behind a label of fixed width; nothing for an empty text.
func (p *textPage) label(indent int, label, text string) {
	const labelWidth = 11
	if text == "" {
		return
	}
	gap := max(1, labelWidth-utf8.RuneCountInString(label))
	lead := strings.Repeat(" ", indent) + label + strings.Repeat(" ", gap)
	p.hang(lead, indent+labelWidth, text)
}

// hang wraps text behind lead on the first line and an indent on the others.
func (p *textPage) hang(lead string, indent int, text string) {
	room := max(20, p.width-indent)
	first := max(0, visible(lead)-indent) // how much of the first line lead takes up
	for i, l := range wrap(text, first, room) {
		if i == 0 {
			p.line(lead + l)
			continue
		}
		p.line(strings.Repeat(" ", indent) + l)
	}
}

// visible counts the characters of text that are not part of a colour escape.
func visible(text string) int {
	n, inside := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			inside = true
		case inside:
			inside = r != 'm'
		default:
			n++
		}
	}
	return n
}

// wrap breaks text at its spaces into lines of at most room characters, taken of
// which are spoken for on the first. A longer word is broken inside.
func wrap(text string, taken, room int) []string {
	var lines []string
	line, used := "", taken
	for _, word := range strings.Fields(text) {
		if line != "" && used+1+utf8.RuneCountInString(word) > room {
			lines = append(lines, line)
			line, used = "", 0
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		rs := []rune(word)
		for len(rs) > room-used {
			free := max(0, room-used)
			lines = append(lines, line+string(rs[:free]))
			line, used, rs = "", 0, rs[free:]
		}
		line, used = line+string(rs), used+len(rs)
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// pad fills text with spaces up to a width in characters.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
