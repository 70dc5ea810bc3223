package archtest

import (
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// topLevel is everything that may stand at the top of the project.
var topLevel = []string{
	"cmd", "internal", "board", "rules", "testbench", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
	".ci", ".git", ".gitignore", ".golangci.yml",
}

func TestTopLevelTellsTheStory(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignored := ignoredNames(t)
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) && !matches(ignored, e.Name()) {
			t.Errorf("%s stands at the top level: the top shows %v and nothing else, so that one look tells what the project is", e.Name(), topLevel)
		}
	}
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

// ignoredNames are the build results that .gitignore names at the top.
func ignoredNames(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(root + "/.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		out = append(out, strings.Trim(strings.TrimSpace(line), "/"))
	}
	return out
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	docs := map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if _, seen := docs[s.pkg]; !seen {
			docs[s.pkg] = ""
		}
		if s.file.Doc != nil {
			docs[s.pkg] += s.file.Doc.Text()
		}
	}
	for pkg, doc := range docs {
		if len(doc) < 80 {
			t.Errorf("package %s says too little of itself (%q): a package comment tells what it owns and what it must not know", pkg, doc)
		}
	}
}

const (
	fileLimit = 400 // lines
	funcLimit = 70  // lines
)

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > fileLimit {
			t.Errorf("%s has %d lines, the limit is %d: look for the second idea in it", s.path, s.lines, fileLimit)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := s.fset.Position(f.Pos()).Line, s.fset.Position(f.End()).Line
			if n := to - from + 1; n > funcLimit {
				t.Errorf("%s:%d: %s has %d lines, the limit is %d: a function fits a screen", s.path, from, f.Name.Name, n, funcLimit)
			}
			if f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s:%d: init(): importing a package must have no effect", s.path, from)
			}
		}
	}
}

// TestMostFunctionsAreShort holds the aim over the whole tree: half under 12
// lines, nine in ten under 40.
func TestMostFunctionsAreShort(t *testing.T) {
	var sizes []int
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				sizes = append(sizes, s.fset.Position(f.End()).Line-s.fset.Position(f.Pos()).Line+1)
			}
		}
	}
	slices.Sort(sizes)
	if half := sizes[len(sizes)/2]; half >= 12 {
		t.Errorf("half of all functions have %d lines or more; the aim is under 12", half)
	}
	if most := sizes[len(sizes)*9/10]; most >= 40 {
		t.Errorf("one function in ten has %d lines or more; the aim is under 40", most)
	}
}

// TestNoSleepsInTests: a sleep is no synchronisation.
func TestNoSleepsInTests(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "Sleep" {
				t.Errorf("%s: a test sleeps: wait for the event itself, with a deadline", s.fset.Position(n.Pos()))
			}
			return true
		})
	}
}
