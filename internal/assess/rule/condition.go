package rule

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"assay/internal/assess/fact"
)

// truth is the value of a condition when some facts are not known. The zero
// value is unknown, so that nothing forgotten ever counts as shown.
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

// costLimit bounds the work of one evaluation. A condition over a handful of
// facts costs some tens; one that exceeds the limit is unknown.
const costLimit = 100_000

// language is CEL over the declared facts.
type language struct {
	env   *cel.Env
	types map[string]fact.Type
}

func newLanguage(schema []fact.Decl) (language, error) {
	kinds := map[string]fact.Type{}
	var opts []cel.EnvOption
	for _, d := range schema {
		kinds[d.Key] = d.Type
		opts = append(opts, cel.Variable(d.Key, celType(d.Type)))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return language{}, fmt.Errorf("cannot declare the facts to the rule language: %w", err)
	}
	return language{env, kinds}, nil
}

func celType(t fact.Type) *cel.Type {
	switch t {
	case fact.Bool:
		return cel.BoolType
	case fact.Int:
		return cel.IntType
	case fact.Double:
		return cel.DoubleType
	case fact.Text:
		return cel.StringType
	default:
		return cel.ListType(cel.StringType)
	}
}

// condition is a compiled expression; nil stands for one that did not compile.
type condition struct {
	program cel.Program
	reads   []string // the facts it names, sorted
}

// compile reads a condition and reports what is wrong with it at its place.
func (l language) compile(d *document, n *yaml.Node) *condition {
	text, ok := d.scalar(n, "a condition")
	if !ok {
		return nil
	}
	ast, issues := l.env.Compile(text)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			index, message := explain(text, indexOf(text, e.Location.Line(), e.Location.Column()), e.Message)
			line, column := d.place(n, index)
			d.bad.add(d.file, line, column, "%s", message)
		}
		return nil
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		d.at(n, "a condition must be true or false; this one is of type %s", ast.OutputType())
		return nil
	}
	reads, divides := l.survey(ast)
	if divides {
		d.at(n, "a condition must not divide doubles: the quotient by zero is not an error but infinite; state the share as a fact")
	}
	if len(reads) == 0 {
		d.at(n, "a condition must read at least one fact")
	}
	program, err := l.env.Program(ast, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	if err != nil {
		d.at(n, "cannot use this condition: %v", err)
		return nil
	}
	return &condition{program, reads}
}

// survey lists the facts that an expression names and tells whether it divides
// doubles.
func (l language) survey(ast *cel.Ast) (reads []string, divides bool) {
	for id, ref := range ast.NativeRep().ReferenceMap() {
		if _, isFact := l.types[ref.Name]; isFact {
			reads = append(reads, ref.Name)
		}
		isDivision := slices.Contains(ref.OverloadIDs, "divide_double")
		divides = divides || isDivision && ast.NativeRep().GetType(id).IsExactType(cel.DoubleType)
	}
	slices.Sort(reads)
	return slices.Compact(reads), divides
}

// indexOf turns CEL's line (from 1) and column (from 0) into a character index.
func indexOf(text string, line, column int) int {
	lines := strings.SplitAfter(text, "\n")
	index := column
	for i := range min(line-1, len(lines)) {
		index += len([]rune(lines[i]))
	}
	return index
}

// explain puts CEL's message about a place in the text into words for an author
// of rules; a dotted name is reported as a whole, where it begins.
func explain(text string, index int, message string) (at int, words string) {
	message = strings.Join(strings.Fields(message), " ")
	switch {
	case strings.HasPrefix(message, "undeclared reference"):
		name, start := nameAround([]rune(text), index)
		_, hint, hinted := strings.Cut(message, " (did you mean")
		if hinted {
			hint = " (did you mean" + hint
		}
		hint, _, _ = strings.Cut(hint, " (in container")
		return start, fmt.Sprintf("unknown fact %q%s; `assay rules list --facts` prints the facts", name, hint)
	case strings.Contains(message, "no matching overload") && strings.Contains(message, "double") && strings.Contains(message, "int"):
		return index, message + "; write 1.0, not 1, where the fact is a double"
	default:
		return index, message
	}
}

// nameAround is the dotted name that covers a place.
func nameAround(text []rune, index int) (name string, start int) {
	isName := func(i int) bool {
		r := text[i]
		return r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	start, end := min(index, len(text)), min(index, len(text))
	for start > 0 && isName(start-1) {
		start--
	}
	for end < len(text) && isName(end) {
		end++
	}
	return string(text[start:end]), start
}

// on evaluates the condition. Absent facts, and values that are no number, are
// unknown; so is a condition whose evaluation fails.
func (c *condition) on(s *fact.Sheet) truth {
	known := map[string]any{}
	var absent []*cel.AttributePatternType
	for _, key := range c.reads {
		f, ok := s.Get(key)
		if !ok || !isUsable(f.Value) {
			absent = append(absent, cel.AttributePattern(key))
			continue
		}
		known[key] = f.Value
	}
	vars, err := cel.PartialVars(known, absent...)
	if err != nil {
		return unknown
	}
	value, _, err := c.program.Eval(vars)
	if err != nil {
		return unknown
	}
	switch value {
	case types.True:
		return yes
	case types.False:
		return no
	default:
		return unknown
	}
}

func isUsable(v any) bool {
	f, ok := v.(float64)
	return !ok || !math.IsNaN(f) && !math.IsInf(f, 0)
}
