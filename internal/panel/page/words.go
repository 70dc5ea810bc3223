package page

import (
	"embed"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed words/*.yaml
var wordFiles embed.FS

// language is the texts of the page in one language.
type language struct {
	code  string // as in the attribute lang, such as "nl"
	texts map[string]string
}

// Code is the language as the attribute lang has it.
func (l language) Code() string { return l.code }

// fallback is the language of the project: its texts are complete by definition.
const fallback = "en"

// languages reads every file of texts, the fallback first.
func languages() ([]language, error) {
	entries, err := wordFiles.ReadDir("words")
	if err != nil {
		return nil, fmt.Errorf("cannot list the texts of the page: %w", err)
	}
	var all []language
	for _, e := range entries {
		text, err := wordFiles.ReadFile(path.Join("words", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cannot read the texts of the page: %w", err)
		}
		l := language{code: strings.TrimSuffix(e.Name(), ".yaml")}
		if err := yaml.Unmarshal(text, &l.texts); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", e.Name(), err)
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b language) int {
		return strings.Compare(first(a.code), first(b.code))
	})
	return all, nil
}

// first sorts the fallback before all others.
func first(code string) string {
	if code == fallback {
		return ""
	}
	return code
}

// say is a text with what is filled in. A key without a text shows itself, so that a
// gap is seen rather than guessed.
func (l language) say(key string, args ...any) string {
	text, known := l.texts[key]
	if !known {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// or is the text of a key, or another where there is none: for keys that are made of
// values which may be new.
func (l language) or(key, other string) string {
	if text, known := l.texts[key]; known {
		return text
	}
	return other
}

// lasts says how long something takes.
func (l language) lasts(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return l.say("time.second", int(d.Seconds()))
	case d < time.Hour && d%time.Minute == 0:
		return l.say("time.minute", int(d.Minutes()))
	case d < time.Hour:
		return l.say("time.minutes", int(d.Minutes()), int(d.Seconds())%60)
	}
	return l.say("time.hour", int(d.Hours()), int(d.Minutes())%60)
}

// languageCookie remembers the language that a reader chose.
const languageCookie = "assay-language"

// choose finds the language of a reader: the one chosen, else the first that the
// browser accepts (RFC 9110, section 12.5.4; the order of browsers is that of their
// weights), else the fallback.
func (p *Page) choose(r *http.Request) language {
	if c, err := r.Cookie(languageCookie); err == nil {
		if l, ok := p.find(c.Value); ok {
			return l
		}
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		main, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if l, ok := p.find(main); ok {
			return l
		}
	}
	return p.languages[0]
}

func (p *Page) find(code string) (language, bool) {
	for _, l := range p.languages {
		if l.code == code {
			return l, true
		}
	}
	return language{}, false
}
