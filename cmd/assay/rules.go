package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/rule"
	"assay/rules"
)

// rulesCmd shows, checks and tests the rules.
type rulesCmd struct {
	List  rulesListCmd  `cmd:"" help:"List the checks, or with --facts the facts that rules can read."`
	Check rulesCheckCmd `cmd:"" help:"Read all rule files strictly and report every mistake as file:line:column."`
	Test  rulesTestCmd  `cmd:"" help:"Run the test cases beside the rules."`
}

// ruleFiles says which rules are meant and how to speak of them.
type ruleFiles struct {
	Dir    string   `placeholder:"DIR" help:"Use this folder of rules instead of the rules inside the program."`
	Family []string `placeholder:"CODE" help:"Only this family of checks, such as DS. May be repeated."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// fsys is the folder of rules.
func (f ruleFiles) fsys() (fs.FS, error) {
	if f.Dir == "" {
		return rules.FS, nil
	}
	if info, err := os.Stat(f.Dir); err != nil || !info.IsDir() {
		return nil, fail(exitMissing, "cannot open the folder of rules %s: is it a folder?", f.Dir)
	}
	return os.DirFS(f.Dir), nil
}

// load reads the rules; mistakes are printed and end the command.
func (f ruleFiles) load(c *console) (rule.Book, fs.FS, error) {
	fsys, err := f.fsys()
	if err != nil {
		return rule.Book{}, nil, err
	}
	book, err := rule.Load(fsys, fact.Schema(), f.Family...)
	if err != nil {
		return rule.Book{}, nil, f.refuse(c, err)
	}
	return book, fsys, nil
}

// problem is a mistake in a rule file, as --json prints it.
type problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// refuse prints the mistakes, one per line, and exits with the code for bad data.
func (f ruleFiles) refuse(c *console, err error) error {
	list := []problem{}
	var said []string
	for _, p := range rule.Problems(err) {
		if f.Dir != "" {
			p.File = filepath.Join(f.Dir, filepath.FromSlash(p.File))
		}
		list = append(list, problem{p.File, p.Line, p.Column, p.Text})
		said = append(said, p.Error()+"\n")
	}
	switch {
	case len(list) == 0:
		return fail(exitData, "%w", err)
	case f.JSON:
		err = writeJSON(c.out, map[string]any{"ok": false, "problems": list})
	default:
		_, err = io.WriteString(c.err, strings.Join(said, ""))
	}
	if err != nil {
		return err
	}
	return silent(exitData)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	return nil
}

// rulesListCmd prints the checks or the facts.
type rulesListCmd struct {
	ruleFiles
	Facts bool `help:"List the facts that rules can read."`
}

// listedRule is a check as --json prints it.
type listedRule struct {
	ID         string            `json:"id"`
	Family     string            `json:"family"`
	Title      string            `json:"title"`
	Fault      string            `json:"fault"`
	Ask        string            `json:"ask"`
	Mode       string            `json:"mode"`
	Severity   string            `json:"severity"`
	Levels     map[string]string `json:"levels"` // by profile
	Verdicts   []string          `json:"verdicts"`
	Facts      []string          `json:"facts"`
	References []string          `json:"references"`
	File       string            `json:"file"`
}

// Run prints the list.
func (l *rulesListCmd) Run(c *console) error {
	if l.Facts {
		return l.facts(c)
	}
	book, fsys, err := l.load(c)
	if err != nil {
		return err
	}
	profiles, err := l.profiles(fsys, book)
	if err != nil {
		return l.refuse(c, err)
	}
	list := []listedRule{}
	for _, r := range book.Rules() {
		list = append(list, listed(r, profiles))
	}
	if l.JSON {
		return writeJSON(c.out, list)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, r := range list { // Flush tells what Fprintf would
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Mode, r.Severity, r.Title)
	}
	return w.Flush()
}

// profiles reads the profiles, which name all rules: with a choice of families
// they are left out.
func (f ruleFiles) profiles(fsys fs.FS, book rule.Book) ([]grade.Profile, error) {
	if len(f.Family) > 0 {
		return nil, nil
	}
	var ids []string
	for _, r := range book.Rules() {
		ids = append(ids, r.ID)
	}
	return grade.LoadProfiles(fsys, ids)
}

func listed(r rule.Rule, profiles []grade.Profile) listedRule {
	out := listedRule{
		ID: r.ID, Family: r.Family, Title: r.Title, Fault: r.Fault, Ask: r.Ask, Mode: r.Mode, Severity: r.Severity,
		Levels: map[string]string{}, Facts: r.Facts(), References: r.References, File: r.File,
	}
	for _, v := range r.Reaches() {
		out.Verdicts = append(out.Verdicts, v.String())
	}
	for _, p := range profiles {
		out.Levels[p.ID] = p.Level(r.ID).String()
	}
	return out
}

// facts prints the declared facts.
func (l *rulesListCmd) facts(c *console) error {
	type listedFact struct {
		Key  string `json:"key"`
		Type string `json:"type"`
		Doc  string `json:"doc"`
	}
	list := []listedFact{}
	for _, d := range fact.Schema() {
		list = append(list, listedFact{d.Key, d.Type.String(), d.Doc})
	}
	if l.JSON {
		return writeJSON(c.out, list)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, d := range list { // Flush tells what Fprintf would
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", d.Key, d.Type, d.Doc)
	}
	return w.Flush()
}

// rulesCheckCmd reads everything strictly.
type rulesCheckCmd struct{ ruleFiles }

// Run reports every mistake, or how much was read.
func (k *rulesCheckCmd) Run(c *console) error {
	book, fsys, err := k.load(c)
	if err != nil {
		return err
	}
	profiles, err := k.profiles(fsys, book)
	_, credentials := rule.LoadCredentials(fsys)
	if err := errors.Join(rule.Check(fsys, book, fact.Schema()), err, credentials); err != nil {
		return k.refuse(c, err)
	}
	if k.JSON {
		return writeJSON(c.out, map[string]any{"ok": true, "rules": len(book.Rules()), "profiles": len(profiles), "problems": []problem{}})
	}
	_, err = fmt.Fprintf(c.out, "ok: %d rules, %d profiles\n", len(book.Rules()), len(profiles))
	return err
}

// rulesTestCmd runs the cases.
type rulesTestCmd struct{ ruleFiles }

// listedCase is the result of a case as --json prints it.
type listedCase struct {
	Rule string `json:"rule"`
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	OK   bool   `json:"ok"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Said string `json:"said,omitempty"`
}

// Run prints the cases that fail and the number of all.
func (k *rulesTestCmd) Run(c *console) error {
	book, fsys, err := k.load(c)
	if err != nil {
		return err
	}
	results, err := rule.RunTests(fsys, book, fact.Schema())
	if err != nil {
		return k.refuse(c, err)
	}
	list, failed := []listedCase{}, 0
	for _, r := range results {
		file := path.Join(k.Dir, r.Case.File)
		if !r.OK {
			failed++
		}
		list = append(list, listedCase{r.Case.Rule, r.Case.Name, file, r.Case.Line, r.OK, r.Case.Want.String(), r.Got.Verdict.String(), r.Said})
	}
	if err := k.print(c, list, failed, len(book.Rules())); err != nil || failed == 0 {
		return err
	}
	return silent(exitData)
}

func (k *rulesTestCmd) print(c *console, list []listedCase, failed, rules int) error {
	if k.JSON {
		return writeJSON(c.out, list)
	}
	var out strings.Builder
	for _, l := range list {
		if !l.OK {
			fmt.Fprintf(&out, "%s:%d: %s: %s\n", l.File, l.Line, l.Name, l.Said)
		}
	}
	word := "ok:"
	if failed > 0 {
		word = fmt.Sprintf("FAILED: %d of", failed)
	}
	fmt.Fprintf(&out, "%s %d cases of %d rules\n", word, len(list), rules)
	_, err := io.WriteString(c.out, out.String())
	return err
}
