package grade

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess/rule"
)

// reader reads one profile file and collects what is wrong with it.
type reader struct {
	file   string
	checks []string
	errs   []error
}

func (r *reader) bad(n *yaml.Node, format string, args ...any) {
	p := rule.Problem{File: r.file, Text: fmt.Sprintf(format, args...)}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	r.errs = append(r.errs, p)
}

func (r *reader) profile(fsys fs.FS) Profile {
	text, err := fs.ReadFile(fsys, r.file)
	if err != nil {
		r.bad(nil, "cannot read the file: %v", err)
		return Profile{}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		r.bad(nil, "cannot read YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return Profile{}
	}
	if len(doc.Content) == 0 {
		r.bad(nil, "the file is empty")
		return Profile{}
	}
	var p Profile
	var ladder string
	levels := map[string]Level{}
	r.object(doc.Content[0], "a profile", map[string]func(*yaml.Node){
		"id":          func(n *yaml.Node) { p.ID = r.word(n, "id", idOf(r.file)) },
		"title":       func(n *yaml.Node) { p.Title = r.text(n, "title") },
		"explanation": func(n *yaml.Node) { p.Explanation = r.text(n, "explanation") },
		"knockout":    func(n *yaml.Node) { p.Knockout = r.families(n) },
		"dnssec":      func(n *yaml.Node) { ladder = r.word(n, "dnssec", "ladder", "checks") },
		"levels":      func(n *yaml.Node) { r.levels(n, levels) },
	})
	return NewProfile(p.ID, p.Title, p.Explanation, p.Knockout, ladder == "ladder", levels)
}

// object reads a mapping in which every field is wanted exactly once.
func (r *reader) object(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, "%s must be a mapping of names to values", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.bad(key, "unknown field %q in %s", key.Value, what)
		case seen[key.Value]:
			r.bad(key, "%q occurs twice in %s", key.Value, what)
		default:
			read(n.Content[i+1])
		}
		seen[key.Value] = true
	}
	for _, name := range sortedKeys(known) {
		if !seen[name] {
			r.bad(n, "%s lacks %q", what, name)
		}
	}
}

// text reads a single value that is not empty, with line breaks made spaces.
func (r *reader) text(n *yaml.Node, what string) string {
	words := strings.Fields(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || len(words) == 0 {
		r.bad(n, "%s must be text", what)
	}
	return strings.Join(words, " ")
}

// word reads one of a few words.
func (r *reader) word(n *yaml.Node, what string, words ...string) string {
	s := r.text(n, what)
	if !slices.Contains(words, s) {
		r.bad(n, "unknown %s %q; known here: %s", what, s, strings.Join(words, ", "))
	}
	return s
}

func (r *reader) families(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		r.bad(n, "knockout must be a list of family codes; write [] for none")
		return nil
	}
	var out []string
	for _, item := range n.Content {
		code := r.text(item, "a family")
		if !isFamily(code) {
			r.bad(item, "unknown family %q", code)
		}
		out = append(out, code)
	}
	return out
}

// levels reads a level for each check: no more and no fewer than there are rules.
func (r *reader) levels(n *yaml.Node, into map[string]Level) {
	known := map[string]func(*yaml.Node){}
	for _, check := range r.checks {
		known[check] = func(n *yaml.Node) { into[check] = r.level(n) }
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, "levels must be a mapping of checks to levels")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.bad(key, "the check %q has no rule file", key.Value)
		case seen[key.Value]:
			r.bad(key, "the check %q has two levels", key.Value)
		default:
			read(n.Content[i+1])
		}
		seen[key.Value] = true
	}
	for _, check := range sortedKeys(known) {
		if !seen[check] {
			r.bad(n, "the check %q has a rule file but no level", check)
		}
	}
}

func (r *reader) level(n *yaml.Node) Level {
	for _, l := range []Level{Optional, Recommended, Required} {
		if n.Kind == yaml.ScalarNode && n.Value == l.String() {
			return l
		}
	}
	r.bad(n, "unknown level %q; known are REQUIRED, RECOMMENDED, OPTIONAL", n.Value)
	return Unlisted
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
