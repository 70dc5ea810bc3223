package light

import (
	"strings"

	"assay/internal/panel"
)

// signs are how a lamp looks on one character of a terminal; shapes tell it without
// colours.
var signs = map[string]string{
	"lit-good": "●", "lit-done": "●", "lit-remarks": "◕", "lit-bad": "✗", "lit-critical": "✗✗", "lit-unknown": "?", "lit-off": "–",
	"lit-examined": "◌", "lit-waiting": "◌", "lit-working": "◐", "lit-asking": "!", "lit-trouble": "!!",
}

// colours are those of ECMA-48 (section 8.3.117).
var colours = map[Colour]string{Dark: "2", Green: "32", Red: "31", Amber: "33"}

// Line is the board as one line of a terminal, with words for those who do not know the
// signs.
func Line(live panel.Live, colour bool) string {
	var out strings.Builder
	for i, p := range Of(live) {
		if i > 0 {
			out.WriteString("  ")
		}
		sign := signs[p.Name()]
		if colour {
			sign = "\x1b[" + colours[p.colour] + "m" + sign + "\x1b[0m"
		}
		_, meaning, _ := strings.Cut(p.Words(), ": ")
		out.WriteString(sign + " " + names[i] + " " + meaning)
	}
	return out.String()
}
