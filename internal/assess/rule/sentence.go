package rule

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// listShown is how many entries of a list a sentence names.
const listShown = 4

// sentence is text with places for facts: {key}, {key%} and {key|one|many}.
type sentence struct {
	source string
	parts  []part
}

// part is plain text, or a fact with how to write it.
type part struct {
	text      string // plain text, when key is empty
	key       string
	percent   bool
	one, many string // words by number, when many is not empty
}

func (s sentence) isEmpty() bool { return s.source == "" }

// sentence is a reader of a text with places for facts.
func (p *parser) sentence(what string, into *sentence) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.text1(what, &into.source)(n)
		into.parts = nil
		rest := into.source
		for rest != "" {
			before, after, open := strings.Cut(rest, "{")
			if strings.Contains(before, "}") {
				p.at(n, "%s has a \"}\" without a \"{\"", what)
			}
			into.parts = append(into.parts, part{text: before})
			if !open {
				return
			}
			inner, next, closed := strings.Cut(after, "}")
			if !closed {
				p.at(n, "%s has a \"{\" without a \"}\"", what)
				return
			}
			into.parts = append(into.parts, p.place1(n, what, inner))
			rest = next
		}
	}
}

// place1 reads what stands between braces and checks it against the facts.
func (p *parser) place1(n *yaml.Node, what, inner string) part {
	m := regexp.MustCompile(`^([a-z0-9_.]+)(%|\|([^|]+)\|([^|]+))?$`).FindStringSubmatch(inner)
	if m == nil {
		p.at(n, "%s: cannot read {%s}; write {key}, {key%%} or {key|one|many}", what, inner)
		return part{}
	}
	t, declared := p.lang.types[m[1]]
	switch {
	case !declared:
		p.at(n, "%s: unknown fact {%s}; `assay rules list --facts` prints the facts", what, m[1])
	case m[2] == "%" && t != fact.Double:
		p.at(n, "%s: {%s} needs a double between 0 and 1; %s is of type %s", what, inner, m[1], t)
	case m[4] != "" && t != fact.Int:
		p.at(n, "%s: {%s} needs a count; %s is of type %s", what, inner, m[1], t)
	}
	return part{key: m[1], percent: m[2] == "%", one: m[3], many: m[4]}
}

// fill writes the sentence about one device.
func (s sentence) fill(sheet *fact.Sheet) string {
	var out strings.Builder
	for _, p := range s.parts {
		if p.key == "" {
			out.WriteString(p.text)
			continue
		}
		f, known := sheet.Get(p.key)
		if !known || !isUsable(f.Value) {
			out.WriteString("unknown")
			continue
		}
		out.WriteString(p.write(f.Value))
	}
	return out.String()
}

func (p part) write(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case int64:
		return p.writeInt(v)
	case float64:
		return p.writeDouble(v)
	case string:
		return printable(v)
	case []string:
		return writeList(v)
	default:
		return "unknown"
	}
}

func (p part) writeInt(v int64) string {
	switch {
	case p.many == "":
		return strconv.FormatInt(v, 10)
	case v == 1:
		return p.one
	default:
		return p.many
	}
}

// writeDouble never rounds to a limit that was not reached: 0.9996 is "99.9 %"
// and 0.0004 "0.1 %", because "100 %" and "0 %" would say more than was seen.
func (p part) writeDouble(v float64) string {
	if !p.percent {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	percent := v * 100
	switch {
	case percent == 0 || percent == 100:
	case percent > 0 && percent < 0.1:
		percent = 0.1
	case percent > 99.9 && percent < 100:
		percent = 99.9
	}
	text := strconv.FormatFloat(percent, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0") + " %"
}

func writeList(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	shown := make([]string, 0, listShown)
	for _, s := range list[:min(len(list), listShown)] {
		shown = append(shown, printable(s))
	}
	text := strings.Join(shown, ", ")
	if more := len(list) - listShown; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// printable guards against a fact whose string did not pass event.Clean; one
// that did is left as it is, its escapes included.
func printable(s string) string {
	const longest = 1024
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return event.Clean(s)
		}
	}
	if len(s) > longest {
		return event.Clean(s)
	}
	return s
}
