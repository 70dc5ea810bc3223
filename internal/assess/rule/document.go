package rule

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document reads one YAML file strictly: every field must be expected, occur
// once and have the right shape, and every complaint tells its place.
type document struct {
	file string
	text []byte
	bad  *problems
}

// fields are what a mapping may hold.
type fields map[string]func(*yaml.Node)

// root parses the file; nil when it is no single YAML document.
func (d *document) root() *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(d.text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		d.syntax(err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.bad.add(d.file, 0, 0, "cannot read more than one YAML document in a file: remove the line \"---\"")
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML parser, which tells at most the line.
func (d *document) syntax(err error) {
	if errors.Is(err, io.EOF) {
		d.bad.add(d.file, 0, 0, "the file is empty")
		return
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	d.bad.add(d.file, line, min(line, 1), "cannot read YAML: %s", text)
}

// at reports a problem at a node.
func (d *document) at(n *yaml.Node, format string, args ...any) {
	d.bad.add(d.file, n.Line, n.Column, format, args...)
}

// object reads a mapping.
func (d *document) object(n *yaml.Node, what string, known fields) {
	if n.Kind != yaml.MappingNode {
		d.at(n, "%s must be a mapping of names to values, not %s", what, shape(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			d.at(key, "unknown field %q in %s; known are %s", key.Value, what, strings.Join(sortedKeys(known), ", "))
		case seen[key.Value]:
			d.at(key, "field %q occurs twice in %s", key.Value, what)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
}

// each reads a sequence; an empty one is a mistake.
func (d *document) each(n *yaml.Node, what string, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		d.at(n, "%s must be a list, not %s", what, shape(n))
		return
	}
	if len(n.Content) == 0 {
		d.at(n, "%s is an empty list: fill it or leave it out", what)
	}
	for _, item := range n.Content {
		read(item)
	}
}

// scalar reads a single value as it is written.
func (d *document) scalar(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.at(n, "%s must be text, not %s", what, shape(n))
		return "", false
	}
	if strings.TrimSpace(n.Value) == "" {
		d.at(n, "%s is empty", what)
		return "", false
	}
	return n.Value, true
}

// text1 is a reader of a single value, with line breaks made spaces.
func (d *document) text1(what string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if s, ok := d.scalar(n, what); ok {
			*into = strings.Join(strings.Fields(s), " ")
		}
	}
}

// oneOf is a reader of one of a few words.
func (d *document) oneOf(what string, into *string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := d.scalar(n, what)
		if !ok {
			return
		}
		if !slices.Contains(words, s) {
			d.at(n, "unknown %s %q; known are %s", what, s, strings.Join(words, ", "))
			return
		}
		*into = s
	}
}

// texts is a reader of a list of single values.
func (d *document) texts(what string, into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.each(n, what, func(item *yaml.Node) {
			var s string
			d.text1("an entry of "+what, &s)(item)
			if s != "" {
				*into = append(*into, s)
			}
		})
	}
}

// shape names what a node is, for messages.
func shape(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping (put text that begins with { into quotes)"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "a YAML alias"
	case n.Tag == "!!null":
		return "nothing"
	default:
		return strconv.Quote(n.Value)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
