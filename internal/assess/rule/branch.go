package rule

import (
	"go.yaml.in/yaml/v3"
)

// verdicts reads the branches of each verdict.
func (p *parser) verdicts(n *yaml.Node, r *Rule) {
	list := func(v Verdict) func(*yaml.Node) {
		return func(n *yaml.Node) {
			p.each(n, "the branches of "+v.String(), func(item *yaml.Node) {
				r.verdicts[v] = append(r.verdicts[v], p.branch(item, v))
			})
		}
	}
	p.object(n, "verdicts", fields{
		"not_applicable": list(NotApplicable),
		"fail":           list(Fail),
		"inconclusive":   list(Inconclusive),
		"partial":        list(Partial),
		"pass":           list(Pass),
	})
}

// branch reads one condition with what it means.
func (p *parser) branch(n *yaml.Node, v Verdict) branch {
	b := branch{verdict: v}
	seen := map[string]bool{}
	known := fields{
		"when":     func(n *yaml.Node) { b.when = p.lang.compile(&p.document, n) },
		"why":      p.sentence("why", &b.why),
		"evidence": p.evidence(&b.evidence),
	}
	switch v {
	case Fail, Partial:
		known["advice"] = p.sentence("advice", &b.advice)
		known["fault"] = p.text1("fault", &b.fault)
	case Inconclusive:
		known["needs"] = p.sentence("needs", &b.needs)
	default:
	}
	p.object(n, "a branch of "+v.String(), noting(known, seen))
	p.require(n, "a branch of "+v.String(), seen, "when", "why")
	return b
}

// otherwise reads what is said when no branch holds.
func (p *parser) otherwise(n *yaml.Node) branch {
	var b branch
	var word string
	seen := map[string]bool{}
	p.object(n, "otherwise", noting(fields{
		"verdict":  p.oneOf("verdict", &word, "inconclusive", "not_tested"),
		"why":      p.sentence("why", &b.why),
		"needs":    p.sentence("needs", &b.needs),
		"evidence": p.evidence(&b.evidence),
	}, seen))
	p.require(n, "otherwise", seen, "verdict", "why", "needs")
	switch word {
	case "inconclusive":
		b.verdict = Inconclusive
	case "not_tested":
		b.verdict = NotTested
	}
	return b
}

// evidence reads keys of facts.
func (p *parser) evidence(into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.each(n, "evidence", func(item *yaml.Node) {
			key, ok := p.scalar(item, "an entry of evidence")
			if !ok {
				return
			}
			if _, declared := p.lang.types[key]; !declared {
				p.at(item, "unknown fact %q; `assay rules list --facts` prints the facts", key)
				return
			}
			*into = append(*into, key)
		})
	}
}
