package rule

import (
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// place finds where the character with the given index of a scalar's value
// stands in the file, as line and column from 1. YAML folds lines and writes
// quotes and escapes, so value and file are walked side by side.
func (d *document) place(n *yaml.Node, index int) (line, column int) {
	src := []rune(string(d.text))
	pos := offset(src, n.Line, n.Column)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		pos = endOfLine(src, pos)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		pos++
	}
	for i, want := range []rune(n.Value) {
		if unicode.IsSpace(want) {
			if i == index {
				return lineAndColumn(src, pos)
			}
			continue
		}
		at, ok := find(src, pos, want)
		if !ok {
			return n.Line, n.Column // an escape that is not followed here
		}
		if i == index {
			return lineAndColumn(src, at)
		}
		pos = at + 1
	}
	return lineAndColumn(src, pos)
}

// find looks for want after white space and at most one escape character.
func find(src []rune, pos int, want rune) (int, bool) {
	pos = skipSpace(src, pos)
	if pos < len(src) && src[pos] != want && strings.ContainsRune(`\'`, src[pos]) {
		pos = skipSpace(src, pos+1)
	}
	return pos, pos < len(src) && src[pos] == want
}

func skipSpace(src []rune, pos int) int {
	for pos < len(src) && unicode.IsSpace(src[pos]) {
		pos++
	}
	return pos
}

func offset(src []rune, line, column int) int {
	pos := 0
	for range line - 1 {
		pos = endOfLine(src, pos) + 1
	}
	return min(pos+column-1, len(src))
}

func endOfLine(src []rune, pos int) int {
	for pos < len(src) && src[pos] != '\n' {
		pos++
	}
	return pos
}

func lineAndColumn(src []rune, pos int) (line, column int) {
	line, column = 1, 1
	for _, r := range src[:min(pos, len(src))] {
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}
