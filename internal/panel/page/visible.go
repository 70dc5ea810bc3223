package page

import (
	"strings"
	"unicode"

	"assay/internal/panel"
)

// nameMost is how many characters of a name are shown.
const nameMost = 2000

// visible makes a text stand still: what would steer a terminal, turn the direction of
// writing (Unicode Standard Annex 9) or be nothing to look at is shown as a box. What
// comes here was cleaned before; a page that people trust does not rely on it.
func visible(text string) string {
	shown := 0
	text = strings.Map(func(r rune) rune {
		shown++
		switch {
		case shown > nameMost:
			return -1
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return '\u25a1'
		}
		return r
	}, text)
	if shown > nameMost {
		text += "…"
	}
	return text
}

func visibleDetails(d panel.Details) panel.Details {
	for _, s := range []*string{
		&d.Operator, &d.Label, &d.Serial, &d.Firmware, &d.Profile, &d.Plan, &d.Tester, &d.Owner, &d.Model, &d.Reset,
	} {
		*s = visible(*s)
	}
	return d
}
