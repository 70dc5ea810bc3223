package rule

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	testSuffix = ".test.yaml"
	// fileLimit bounds the size of a rule or test file.
	fileLimit = 256 << 10
)

// loader walks a rules folder.
type loader struct {
	fsys  fs.FS
	lang  language
	bad   problems
	byID  map[string]string // id to file
	rules []Rule
}

// folders reads the family folders: those with a name of two capitals or digits.
func (l *loader) folders(only []string) {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		l.bad.add(".", 0, 0, "cannot list the rules folder: %v", err)
		return
	}
	there := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() && l.isOurs(e.Name()) {
			there[e.Name()] = true
		}
	}
	for _, family := range sortedKeys(there) {
		if len(only) == 0 || slices.Contains(only, family) {
			l.folder(family)
		}
	}
	for _, family := range only {
		if !there[family] {
			l.bad.add(family, 0, 0, "there is no such family of rules")
		}
	}
	slices.SortFunc(l.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
}

// isOurs tells the folders of families from those that others read, and reports
// any other.
func (l *loader) isOurs(folder string) bool {
	others := []string{"profiles", "credentials", "plans"}
	if regexp.MustCompile(`^[A-Z][A-Z0-9]$`).MatchString(folder) {
		return true
	}
	if !slices.Contains(others, folder) {
		l.bad.add(folder, 0, 0, "unknown folder: a family has a code of two capitals, others are %s", strings.Join(others, ", "))
	}
	return false
}

// folder reads one family. Every rule has a test file and every test file a rule.
func (l *loader) folder(family string) {
	entries, err := fs.ReadDir(l.fsys, family)
	if err != nil {
		l.bad.add(family, 0, 0, "cannot list the folder: %v", err)
		return
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, e := range entries {
		name := e.Name()
		file := path.Join(family, name)
		switch {
		case strings.HasSuffix(name, testSuffix):
			if rule := strings.TrimSuffix(name, testSuffix) + ".yaml"; !names[rule] {
				l.bad.add(file, 0, 0, "this test file has no rule file %s beside it", rule)
			}
		case e.IsDir() || path.Ext(name) != ".yaml":
			l.bad.add(file, 0, 0, "only .yaml files belong into the folder of a family")
		default:
			if test := strings.TrimSuffix(name, ".yaml") + testSuffix; !names[test] {
				l.bad.add(file, 0, 0, "the test file %s is missing: a rule without tests is not believed", test)
			}
			l.file(family, file)
		}
	}
}

// file reads one rule.
func (l *loader) file(family, file string) {
	m := regexp.MustCompile(`^([A-Z][A-Z0-9]-\d\d)-[a-z0-9]+(-[a-z0-9]+)*\.yaml$`).FindStringSubmatch(path.Base(file))
	if m == nil || !strings.HasPrefix(m[1], family+"-") {
		l.bad.add(file, 0, 0, "a rule file is named %s-NN-words-with-hyphens.yaml", family)
		return
	}
	d, ok := open(l.fsys, file, &l.bad)
	if !ok {
		return
	}
	before := len(l.bad.list)
	root := d.root()
	if root == nil {
		return
	}
	p := parser{document: d, lang: l.lang, id: m[1]}
	r := p.rule(root)
	if other, taken := l.byID[m[1]]; taken {
		l.bad.add(file, 1, 1, "the id %s is taken by %s", m[1], other)
	}
	l.byID[m[1]] = file
	if len(l.bad.list) == before {
		r.Family, r.File = family, file
		l.rules = append(l.rules, r)
	}
}

// open reads a file of a bounded size.
func open(fsys fs.FS, file string, bad *problems) (document, bool) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		bad.add(file, 0, 0, "cannot read the file: %v", err)
		return document{}, false
	}
	if len(text) > fileLimit {
		bad.add(file, 0, 0, "the file has %d bytes; at most %d are read", len(text), fileLimit)
		return document{}, false
	}
	return document{file: file, text: text, bad: bad}, true
}
