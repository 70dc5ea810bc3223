package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds of a plan file.
const (
	stepLimit   = 64
	repeatLimit = 20
	longestStep = 24 * time.Hour
)

// Load reads every plan of the folder "plans" of rules. All that is wrong in any of
// them is in the error, with file and line.
func Load(rules fs.FS) ([]Plan, error) {
	names, err := fs.Glob(rules, "plans/*.yaml")
	if err != nil {
		return nil, err
	}
	var out []Plan
	var bad error
	for _, name := range names {
		text, err := fs.ReadFile(rules, name)
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("cannot read plan %s: %w", name, err))
			continue
		}
		p, err := Read(name, text)
		if err == nil && p.ID+".yaml" != path.Base(name) {
			err = fmt.Errorf("%s: the plan's id is %q: name the file after it", name, p.ID)
		}
		out, bad = append(out, p), errors.Join(bad, err)
	}
	return out, bad
}

// Find gives the plan of that id; the error names those there are.
func Find(list []Plan, id string) (Plan, error) {
	var ids []string
	for _, p := range list {
		if p.ID == id {
			return p, nil
		}
		ids = append(ids, p.ID)
	}
	return Plan{}, fmt.Errorf("there is no plan %q; there are: %s", id, strings.Join(ids, ", "))
}

// Read reads one plan. The error holds all that is wrong, each with file and line.
func Read(file string, text []byte) (Plan, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(n.Content) != 1 {
		return Plan{}, fmt.Errorf("%s: the file is empty; a plan has id, title and steps", file)
	}
	d := reader{file: file}
	var p Plan
	d.mapping(n.Content[0], map[string]func(*yaml.Node){
		"id":    func(n *yaml.Node) { p.ID = d.text(n) },
		"title": func(n *yaml.Node) { p.Title = d.text(n) },
		"steps": func(n *yaml.Node) { p.Steps = d.steps(n) },
	})
	if p.ID == "" || p.Title == "" || len(p.Steps) == 0 {
		d.say(n.Content[0], "a plan needs an id, a title and at least one step")
	}
	return p, d.bad
}

// reader gathers what is wrong with a file.
type reader struct {
	file string
	bad  error
}

func (d *reader) say(n *yaml.Node, form string, args ...any) {
	d.bad = errors.Join(d.bad, fmt.Errorf("%s:%d:%d: %s", d.file, n.Line, n.Column, fmt.Sprintf(form, args...)))
}

// mapping hands each value to the reader of its key.
func (d *reader) mapping(n *yaml.Node, keys map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.say(n, "here belongs a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch read := keys[key.Value]; {
		case read == nil:
			d.say(key, "%q is not known here", key.Value)
		case seen[key.Value]:
			d.say(key, "%q stands here twice", key.Value)
		default:
			seen[key.Value] = true
			read(n.Content[i+1])
		}
	}
}

func (d *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		d.say(n, "here belongs one word or text")
		return ""
	}
	return n.Value
}

func (d *reader) choice(n *yaml.Node, of []string) string {
	v := d.text(n)
	if !slices.Contains(of, v) {
		d.say(n, "%q is not one of %s", v, strings.Join(of, ", "))
	}
	return v
}

func (d *reader) choices(n *yaml.Node, of []string) (out []string) {
	if n.Kind != yaml.SequenceNode {
		d.say(n, "here belongs a list")
		return nil
	}
	for _, c := range n.Content {
		v := d.choice(c, of)
		if slices.Contains(out, v) {
			d.say(c, "%q stands here twice", v)
		}
		out = append(out, v)
	}
	return out
}

func (d *reader) count(n *yaml.Node, most int) int {
	v, err := strconv.Atoi(d.text(n))
	if err != nil || v < 1 || v > most {
		d.say(n, "here belongs a number from 1 to %d", most)
		return 1
	}
	return v
}

func (d *reader) duration(n *yaml.Node) time.Duration {
	v, err := time.ParseDuration(d.text(n))
	if err != nil || v <= 0 || v > longestStep {
		d.say(n, "here belongs a time such as 90s or 20m, at most %s", longestStep)
		return time.Minute
	}
	return v
}

func (d *reader) steps(n *yaml.Node) (out []Step) {
	if n.Kind != yaml.SequenceNode || len(n.Content) > stepLimit {
		d.say(n, "here belongs a list of at most %d steps", stepLimit)
		return nil
	}
	for _, c := range n.Content {
		out = append(out, d.step(c))
	}
	return out
}
