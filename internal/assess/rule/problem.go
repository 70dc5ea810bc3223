package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Problem is one thing wrong with a rule file, at its place.
type Problem struct {
	File string // path inside the rules folder
	// Line and Column count from 1; both are 0 when the file as a whole is meant.
	Line, Column int
	Text         string
}

// Error is "file:line:column: text", or "file: text".
func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems takes apart an error that joins several; none is lost, whatever its
// type. Nil has none.
func Problems(err error) []Problem {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		var one Problem
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &one):
			one = Problem{File: ".", Text: err.Error()}
		}
		return []Problem{one}
	}
	var out []Problem
	for _, e := range many.Unwrap() {
		out = append(out, Problems(e)...)
	}
	return out
}

// problemLimit bounds how many problems one load reports.
const problemLimit = 1000

// problems collects what is wrong, so that an author sees everything at once.
type problems struct{ list []Problem }

func (p *problems) add(file string, line, column int, format string, args ...any) {
	if len(p.list) < problemLimit {
		p.list = append(p.list, Problem{file, line, column, fmt.Sprintf(format, args...)})
	}
}

// err joins the problems, one per line, in order of file and place.
func (p *problems) err() error {
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for _, one := range slices.Compact(p.list) {
		all = append(all, one)
	}
	return errors.Join(all...)
}
