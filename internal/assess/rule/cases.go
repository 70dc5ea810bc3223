package rule

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay/internal/assess/fact"
)

// Case is one example of a test file: facts in, verdict out.
type Case struct {
	Rule string // id of the rule
	Name string
	File string
	Line int
	// Sheet holds the facts that the case lists; all others are unknown.
	Sheet *fact.Sheet
	Want  Verdict
	// Why is what the finding's sentence must contain, "" for anything.
	Why string
}

// TestResult is what came of one case.
type TestResult struct {
	Case Case
	Got  Finding
	OK   bool
	// Said is what is wrong, "" when OK.
	Said string
}

// Cases reads the test files of all rules of the book.
func Cases(fsys fs.FS, book Book, schema []fact.Decl) ([]Case, error) {
	var bad problems
	var out []Case
	for _, r := range book.rules {
		d, ok := open(fsys, strings.TrimSuffix(r.File, ".yaml")+testSuffix, &bad)
		if !ok {
			continue
		}
		c := caseReader{document: d, rule: r.ID, schema: schema, names: map[string]bool{}}
		if root := d.root(); root != nil {
			d.each(root, "a test file", c.read)
		}
		out = append(out, c.cases...)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// RunTests judges every case of every test file.
func RunTests(fsys fs.FS, book Book, schema []fact.Decl) ([]TestResult, error) {
	cases, err := Cases(fsys, book, schema)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	for _, c := range cases {
		i := slices.IndexFunc(book.rules, func(r Rule) bool { return r.ID == c.Rule })
		out = append(out, c.run(book.rules[i]))
	}
	return out, nil
}

func (c Case) run(r Rule) TestResult {
	got := r.Judge(c.Sheet)
	out := TestResult{Case: c, Got: got, OK: true}
	switch {
	case got.Verdict != c.Want:
		out.OK, out.Said = false, fmt.Sprintf("want %s, got %s: %s", c.Want, got.Verdict, got.Why)
	case !strings.Contains(got.Why, c.Why):
		out.OK, out.Said = false, fmt.Sprintf("want a why with %q, got %q", c.Why, got.Why)
	}
	return out
}

// Check demands a case for every verdict that a rule can reach.
func Check(fsys fs.FS, book Book, schema []fact.Decl) error {
	cases, err := Cases(fsys, book, schema)
	if err != nil {
		return err
	}
	var bad problems
	for _, r := range book.rules {
		for _, v := range r.Reaches() {
			if !slices.ContainsFunc(cases, func(c Case) bool { return c.Rule == r.ID && c.Want == v }) {
				bad.add(strings.TrimSuffix(r.File, ".yaml")+testSuffix, 1, 1,
					"no case wants %s, which the rule can reach; add one", v)
			}
		}
	}
	return bad.err()
}

// caseReader reads one test file.
type caseReader struct {
	document
	rule   string
	schema []fact.Decl
	names  map[string]bool
	cases  []Case
}

func (c *caseReader) read(n *yaml.Node) {
	one := Case{Rule: c.rule, File: c.file, Line: n.Line, Sheet: fact.NewSheetOf(c.schema)}
	var want string
	seen := map[string]bool{}
	c.object(n, "a case", noting(fields{
		"name":  c.text1("name", &one.Name),
		"facts": func(n *yaml.Node) { c.facts(n, one.Sheet) },
		"want":  c.oneOf("verdict", &want, words()...),
		"why":   c.text1("why", &one.Why),
	}, seen))
	c.require(n, "a case", seen, "name", "facts", "want")
	if one.Name != "" && c.names[one.Name] {
		c.at(n, "the name %q is taken by another case", one.Name)
	}
	c.names[one.Name] = true
	one.Want, _ = ParseVerdict(want)
	c.cases = append(c.cases, one)
}

func words() []string {
	var out []string
	for _, v := range order() {
		out = append(out, v.String())
	}
	return out
}

// facts states the facts of a case, typed as they are declared.
func (c *caseReader) facts(n *yaml.Node, sheet *fact.Sheet) {
	known := fields{}
	for _, d := range c.schema {
		known[d.Key] = func(n *yaml.Node) { c.fact(n, d, sheet) }
	}
	if n.Kind != yaml.MappingNode {
		c.at(n, "facts must be a mapping, not %s; write {} for none", shape(n))
		return
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, declared := known[key.Value]
		switch {
		case !declared:
			c.at(key, "unknown fact %q; `assay rules list --facts` prints the facts", key.Value)
		case given[key.Value]:
			c.at(key, "the fact %q is stated twice", key.Value)
		default:
			read(n.Content[i+1])
		}
		given[key.Value] = true
	}
}

func (c *caseReader) fact(n *yaml.Node, d fact.Decl, sheet *fact.Sheet) {
	switch d.Type {
	case fact.Bool:
		if c.is(n, d, "!!bool") {
			sheet.Bool(d.Key, n.Value == "true", fact.Because{})
		}
	case fact.Int, fact.Double:
		c.number(n, d, sheet)
	case fact.Text:
		if c.is(n, d, "!!str") {
			sheet.Text(d.Key, n.Value, fact.Because{})
		}
	case fact.List:
		c.list(n, d, sheet)
	}
}

// number states a count or a measure; a measure may be written without a point.
func (c *caseReader) number(n *yaml.Node, d fact.Decl, sheet *fact.Sheet) {
	if d.Type == fact.Int {
		if v, err := strconv.Atoi(n.Value); c.is(n, d, "!!int") && c.parsed(n, d, err) {
			sheet.Int(d.Key, v, fact.Because{})
		}
		return
	}
	if v, err := strconv.ParseFloat(n.Value, 64); c.is(n, d, "!!float", "!!int") && c.parsed(n, d, err) {
		sheet.Double(d.Key, v, fact.Because{})
	}
}

func (c *caseReader) list(n *yaml.Node, d fact.Decl, sheet *fact.Sheet) {
	if n.Kind != yaml.SequenceNode {
		c.at(n, "the fact %s is a list of strings, not %s", d.Key, shape(n))
		return
	}
	values := []string{}
	for _, item := range n.Content {
		if c.is(item, d, "!!str") {
			values = append(values, item.Value)
		}
	}
	sheet.List(d.Key, values, fact.Because{})
}

func (c *caseReader) is(n *yaml.Node, d fact.Decl, tags ...string) bool {
	ok := n.Kind == yaml.ScalarNode && slices.Contains(tags, n.Tag)
	if !ok {
		c.at(n, "the fact %s is of type %s; %s is not", d.Key, d.Type, shape(n))
	}
	return ok
}

func (c *caseReader) parsed(n *yaml.Node, d fact.Decl, err error) bool {
	if err != nil {
		c.at(n, "cannot read %q as %s for the fact %s", n.Value, d.Type, d.Key)
	}
	return err == nil
}
