package page

import (
	"encoding/csv"
	"net/http"
	"strings"
)

// compareCSV is the comparison as a table for spreadsheets (RFC 4180).
func (p *Page) compareCSV(w http.ResponseWriter, r *http.Request) {
	v, err := p.comparison(r)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="assay-comparison.csv"`)
	out := csv.NewWriter(w)
	for _, line := range v.table() {
		for i := range line {
			line[i] = harmless(line[i])
		}
		if out.Write(line) != nil {
			return // the reader left
		}
	}
	out.Flush()
}

// table is the comparison line by line.
func (v compareView) table() (lines [][]string) {
	head := []string{"check", "demand", "level"}
	verdicts, scores := []string{"", "overall", ""}, []string{"", "score in percent", ""}
	for _, c := range v.Candidates {
		head = append(head, strings.TrimSpace(c.Name+" "+c.Firmware))
		verdicts, scores = append(verdicts, c.Verdict), append(scores, percentNumber(c.Percent))
	}
	lines = append(lines, head, verdicts, scores)
	for _, f := range v.Families {
		lines = append(lines, append([]string{f.Code, "grade: " + f.Name, ""}, words(f.Cells)...))
	}
	for _, g := range v.Groups {
		for _, r := range g.Rows {
			lines = append(lines, append([]string{r.Check, r.Title, r.Level}, words(r.Cells)...))
		}
	}
	return lines
}

func words(cells []cell) (out []string) {
	for _, c := range cells {
		out = append(out, c.Word)
	}
	return out
}

// harmless keeps a spreadsheet from taking a cell for a formula: names are chosen by
// whoever made the device (OWASP, "CSV Injection").
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(text[0])) || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") || strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}
