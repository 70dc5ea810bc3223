package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed page.tmpl.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// HTML renders the report as one self-contained page: no script, no request to
// anywhere, its style inside. The page forbids everything else by its own content
// security policy, so that text a device chose cannot come alive in it.
func HTML(r Report) ([]byte, error) { return render(r, "page") }

// Section renders what stands between head and foot of the page, for a page that
// has both and the Style of its own.
func Section(r Report) ([]byte, error) { return render(r, "main") }

// Style is the style sheet of the page.
func Style() string { return pageStyle }

func render(r Report, part string) ([]byte, error) {
	t, err := template.New("page").Funcs(pageFuncs()).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the page's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, part, newPageView(r)); err != nil {
		return nil, fmt.Errorf("cannot write the report as HTML: %w", err)
	}
	return out.Bytes(), nil
}

// policy is the page's content security policy: its own style by digest, and
// nothing else.
func policy() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
}

func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"when":         when,
		"lasted":       lasted,
		"size":         size,
		"plural":       plural,
		"percent":      percentText,
		"refs":         refsText,
		"filter":       frameFilter,
		"protocol":     protocolText,
		"gradeTone":    gradeTone,
		"verdictTone":  verdictTone,
		"overallTone":  overallTone,
		"lampTone":     func(l Lamp) tone { return tone(l.State) },
		"symbol":       func(t tone) string { return t.symbol() },
		"mode":         modeWords,
		"levelWord":    levelWord,
		"severityWord": severityWord,
	}
}

// modeWords says how a check looks. A fault can often be proven by watching, even
// where the full check takes more.
func modeWords(mode string) string {
	switch mode {
	case "passive":
		return "checked by watching only"
	case "gateway":
		return "the full check takes an experiment of the gateway"
	case "active":
		return "the full check asks the device itself"
	case "lookup":
		return "the full check asks public services"
	default:
		return ""
	}
}

// levelWord is a level as running text.
func levelWord(level string) string {
	switch level {
	case "REQUIRED":
		return "Required"
	case "RECOMMENDED":
		return "Recommended"
	case "OPTIONAL":
		return "Optional"
	default:
		return "For information"
	}
}

func severityWord(s string) string {
	if s == "" || s == "info" {
		return ""
	}
	return s + " severity"
}
