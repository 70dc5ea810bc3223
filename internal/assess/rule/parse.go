package rule

import (
	"go.yaml.in/yaml/v3"
)

// parser reads one rule file.
type parser struct {
	document
	lang language
	id   string // as the file's name demands
	root *yaml.Node
	// restsOn and advice are kept to be checked when everything is read.
	restsOn string
	advice  sentence
}

func (p *parser) rule(root *yaml.Node) Rule {
	p.root = root
	r := Rule{verdicts: map[Verdict][]branch{}}
	seen := map[string]bool{}
	known := fields{
		"id":         p.text1("id", &r.ID),
		"title":      p.text1("title", &r.Title),
		"fault":      p.text1("fault", &r.Fault),
		"ask":        p.text1("ask", &r.Ask),
		"mode":       p.oneOf("mode", &r.Mode, "passive", "gateway", "active", "lookup"),
		"severity":   p.oneOf("severity", &r.Severity, "info", "low", "medium", "high", "critical"),
		"references": p.texts("references", &r.References),
		"n":          p.count(&r.n),
		"rests_on":   p.oneOf("rests_on", &p.restsOn, "presence", "absence"),
		"control":    func(n *yaml.Node) { r.controls = p.controls(n) },
		"verdicts":   func(n *yaml.Node) { p.verdicts(n, &r) },
		"otherwise":  func(n *yaml.Node) { r.otherwise = p.otherwise(n) },
		"advice":     p.sentence("advice", &p.advice),
		"limits":     p.text1("limits", &r.Limits),
	}
	p.object(root, "a rule", noting(known, seen))
	p.complete(seen, &r)
	r.Advice, r.advice, r.absence = p.advice.source, p.advice, p.restsOn == "absence"
	return r
}

// noting wraps readers so that it is known which fields were there.
func noting(known fields, seen map[string]bool) fields {
	out := fields{}
	for name, read := range known {
		out[name] = func(n *yaml.Node) {
			seen[name] = true
			read(n)
		}
	}
	return out
}

// require reports which fields a mapping lacks.
func (d *document) require(n *yaml.Node, what string, seen map[string]bool, names ...string) {
	for _, name := range names {
		if n.Kind == yaml.MappingNode && !seen[name] {
			d.at(n, "%s needs %q", what, name)
		}
	}
}

// complete reports what is missing in the rule as a whole.
func (p *parser) complete(seen map[string]bool, r *Rule) {
	for _, name := range []string{"id", "title", "ask", "mode", "severity", "references", "otherwise"} {
		if !seen[name] {
			p.at(p.root, "the field %q is missing", name)
		}
	}
	if seen["id"] && r.ID != p.id {
		p.at(p.root, "the id is %q but the file's name says %q", r.ID, p.id)
	}
	if len(r.verdicts) == 0 && r.otherwise.verdict == Inconclusive {
		p.at(p.root, "a rule without verdicts can only say not_tested")
	}
	p.completePass(seen, r)
	p.completeAdvice(r)
}

// completePass demands what keeps a PASS honest.
func (p *parser) completePass(seen map[string]bool, r *Rule) {
	if len(r.verdicts[Pass]) == 0 {
		return
	}
	if !seen["control"] {
		p.at(p.root, "there is a pass but the field \"control\" is missing: say what must have been seen for a PASS to be worth anything")
	}
	if !seen["rests_on"] {
		p.at(p.root, "there is a pass but the field \"rests_on\" is missing: presence or absence")
	}
	if p.restsOn == "absence" {
		if _, declared := p.lang.types[gapless]; !declared {
			p.at(p.root, "a pass that rests on absence needs the fact %s, which is not declared", gapless)
		}
	}
}

func (p *parser) completeAdvice(r *Rule) {
	for _, v := range []Verdict{Fail, Partial} {
		for _, b := range r.verdicts[v] {
			if p.advice.isEmpty() && b.advice.isEmpty() {
				p.at(p.root, "the field \"advice\" is missing: what should a buyer do about a FAIL or PARTIAL?")
				return
			}
		}
	}
}

// count reads the key of an integer fact.
func (p *parser) count(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		key, ok := p.scalar(n, "n")
		if !ok {
			return
		}
		if t, declared := p.lang.types[key]; !declared || t.String() != "int" {
			p.at(n, "n must name an int fact; %q is none", key)
			return
		}
		*into = key
	}
}

// controls reads one control or a list of them.
func (p *parser) controls(n *yaml.Node) []control {
	var out []control
	one := func(n *yaml.Node) {
		var c control
		seen := map[string]bool{}
		p.object(n, "a control", noting(fields{
			"when": func(n *yaml.Node) { c.when = p.lang.compile(&p.document, n) },
			"what": p.text1("what", &c.what),
		}, seen))
		p.require(n, "a control", seen, "when", "what")
		out = append(out, c)
	}
	if n.Kind == yaml.SequenceNode {
		p.each(n, "control", one)
	} else {
		one(n)
	}
	return out
}
