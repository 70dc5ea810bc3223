package door

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// QR is a link as a picture of half blocks for a dark terminal (ISO/IEC 18004), with
// the quiet zone that readers need.
func QR(link string) (string, error) {
	code, err := qr.Encode(link, qr.L)
	if err != nil {
		return "", fmt.Errorf("cannot draw the link: %w", err)
	}
	return draw(code.Size, code.Black), nil
}

// blocks are the characters of two points above each other: whether the upper and the
// lower one are light.
var blocks = map[[2]bool]string{{true, true}: "█", {true, false}: "▀", {false, true}: "▄", {false, false}: " "}

// draw draws a square of points.
func draw(size int, black func(x, y int) bool) string {
	const quiet = 4 // points, by the standard
	light := func(x, y int) bool {
		inside := x >= 0 && y >= 0 && x < size && y < size
		return !inside || !black(x, y)
	}
	var out strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		for x := -quiet; x < size+quiet; x++ {
			out.WriteString(blocks[[2]bool{light(x, y), light(x, y+1)}])
		}
		out.WriteString("\n")
	}
	return out.String()
}
