package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one mistake in a file.
type Problem struct {
	File         string
	Line, Column int // counted from 1; 0 when the whole file is meant
	Text         string
}

// Error is "file:line:column: text".
func (p Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// fileLimit bounds a settings file, in bytes.
const fileLimit = 1 << 20

// Read reads settings over the defaults. The error joins a Problem for each
// mistake, in the order of the file; name is what they call the file.
func Read(r io.Reader, name string) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, fileLimit+1))
	if err != nil {
		return Config{}, fmt.Errorf("cannot read %s: %w", name, err)
	}
	d := &reader{file: name}
	c := Default()
	if len(text) > fileLimit {
		return Config{}, Problem{File: name, Text: fmt.Sprintf("this is no settings file: it is larger than %d bytes", fileLimit)}
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF): // an empty file: the defaults
		return c, nil
	case err != nil:
		return Config{}, syntax(name, err)
	}
	if dec.Decode(new(yaml.Node)) == nil {
		d.say(&doc, "there is a second document: a settings file holds one")
	}
	d.config(doc.Content[0], &c)
	return c, d.err()
}

// syntax turns the YAML reader's "yaml: line 3: ..." into a Problem.
func syntax(name string, err error) error {
	p := Problem{File: name, Column: 1, Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if n, scanErr := fmt.Sscanf(p.Text, "line %d:", &p.Line); n == 1 && scanErr == nil {
		_, p.Text, _ = strings.Cut(p.Text, ": ")
	}
	return p
}

// reader walks a document and collects mistakes.
type reader struct {
	file     string
	problems []Problem
}

func (d *reader) say(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (d *reader) err() error {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for _, p := range d.problems {
		all = append(all, p)
	}
	return errors.Join(all...)
}

// field is one key of a mapping and who reads its value.
type field struct {
	key  string
	read func(*yaml.Node)
}

// mapping reads a mapping whose keys must be among the fields, each at most once.
// An empty value leaves the default.
func (d *reader) mapping(n *yaml.Node, fields ...field) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.say(n, "here stand settings, one 'name: value' on a line, and not %s", kindOf(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		switch {
		case at < 0:
			d.say(key, "there is no setting %q here: there are %s", clip(key.Value), keys(fields))
		case seen[key.Value]:
			d.say(key, "%s is set a second time", key.Value)
		default:
			seen[key.Value] = true
			fields[at].read(value)
		}
	}
}

func keys(fields []field) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.key)
	}
	return strings.Join(out, ", ")
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "settings"
	case yaml.AliasNode:
		return "an alias"
	default:
		return fmt.Sprintf("%q", clip(n.Value))
	}
}

// clip shortens what is quoted in a sentence.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
