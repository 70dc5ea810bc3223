package main

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"assay/internal/assess"
	"assay/internal/assess/event"
	"assay/internal/assess/fact"
	"assay/internal/assess/report"
)

// memoryGoal is what the whole program should stay below, in bytes.
const memoryGoal = 104 << 20

// gradeCmd grades captures that somebody made.
type gradeCmd struct {
	DUT         string            `name:"dut" placeholder:"MAC|IP|all" help:"The device to grade: its MAC or IP address, or 'all' for every host that acts. Without it the device is chosen, and the report says why."`
	Profile     string            `placeholder:"ID" help:"Which demands count how much: internet-standards or legal-baseline. Without it the one that the evidence records, else internet-standards."`
	Format      string            `enum:"text,json,html" default:"text" help:"Form of the report: text, json or html."`
	Output      string            `short:"o" placeholder:"PATH" help:"Write the report to this file; with several reports, to a folder."`
	Statement   map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"Something that no packet can show, such as setup-captured=yes. May be repeated."`
	Canary      []string          `sep:"none" placeholder:"TEXT" help:"A text that was typed into the device at set-up: finding it in clear is proof of exposure. May be repeated."`
	Intercepted map[string]string `mapsep:"none" placeholder:"CASE=SHA256[,...]" help:"The SHA-256 of the certificates that another tool presented to the device, by their flaw: self-signed, unknown-ca, replaced-key, wrong-name or leaf-as-ca. Only TLS 1.2 and older can be judged. May be repeated."`
	Files       []string          `arg:"" name:"file" help:"Capture files (pcap or pcapng, also gzip); - is standard input."`
}

// Validate checks what kong cannot.
func (g *gradeCmd) Validate() error {
	known := fact.Statements()
	for key := range g.Statement {
		if !slices.ContainsFunc(known, func(s fact.Statement) bool { return s.Key == key }) {
			return fmt.Errorf("unknown statement %q: known are %s", key, statementKeys(known))
		}
	}
	if _, err := certificates(g.Intercepted); err != nil {
		return err
	}
	if n := countStdin(g.Files); n > 1 {
		return errors.New("standard input can be read only once")
	}
	if g.Output != "" && slices.ContainsFunc(g.Files, g.overwrites) {
		return fmt.Errorf("the report would overwrite the evidence %s", g.Output)
	}
	return nil
}

func (g *gradeCmd) overwrites(file string) bool {
	return filepath.Clean(file) == filepath.Clean(g.Output)
}

func countStdin(files []string) int {
	n := 0
	for _, f := range files {
		if f == "-" {
			n++
		}
	}
	return n
}

func statementKeys(known []fact.Statement) string {
	var keys []string
	for _, s := range known {
		keys = append(keys, s.Key)
	}
	return strings.Join(keys, ", ")
}

// Run grades each file in turn and exits with the worst result.
func (g *gradeCmd) Run(c *console) error {
	// Memory is bounded whatever the evidence; near the bound the collector works
	// harder instead of waiting for twice what is in use.
	debug.SetMemoryLimit(memoryGoal)
	book, err := loadBook(g.Profile)
	if err != nil {
		return err
	}
	sink, err := newSink(c, g.Format, g.Output, len(g.Files) > 1 || g.DUT == "all")
	if err != nil {
		return err
	}
	worst := exitMeets
	for _, file := range g.Files {
		code, err := g.file(c, book, sink, file)
		if err != nil {
			code = exitCode(err, *c)
		}
		worst = worse(worst, code)
	}
	if worst != exitMeets {
		return silent(worst)
	}
	return nil
}

// file grades one file and returns the exit code of its worst report.
func (g *gradeCmd) file(c *console, book assess.Book, out *sink, file string) (int, error) {
	named, err := certificates(g.Intercepted)
	if err != nil {
		return 0, err
	}
	a := assess.New(book, assess.About{
		Intercepted: named,
		File:        filepath.Base(shown(file)), Version: programVersion(), Plan: "capture", Profile: g.Profile,
		Statements: g.Statement, Canaries: g.Canary,
	})
	asOf, err := read(c, file, a)
	if err != nil {
		return 0, err
	}
	reports, err := g.reports(a, asOf, file)
	if err != nil {
		return 0, err
	}
	worst := exitMeets
	for r := range reports {
		if err := out.put(file, r); err != nil {
			return 0, err
		}
		worst = worse(worst, verdictCode(r))
	}
	return worst, nil
}

// reports makes the report of the device that was named, chosen, or of each: one
// when the one before is written, for many together are large.
func (g *gradeCmd) reports(a *assess.Assessor, asOf assess.AsOf, file string) (iter.Seq[report.Report], error) {
	hosts := a.Hosts()
	found := assess.Candidates(hosts)
	switch {
	case g.DUT == "" || g.DUT == "all" && len(found) == 0:
		return func(yield func(report.Report) bool) { yield(a.Report(asOf)) }, nil
	case g.DUT == "all":
		why := fmt.Sprintf("Every host that acts is graded; this is one of %d.", len(found))
		return reportsOn(a, found, why, asOf), nil
	}
	h, ok := assess.Find(hosts, g.DUT)
	if !ok {
		return nil, fail(exitData, "cannot find the device %s in %s: name one of %s", event.Clean(g.DUT), shown(file), seenHosts(hosts))
	}
	return reportsOn(a, []fact.Host{h}, "The device was named when the grading was started.", asOf), nil
}

func reportsOn(a *assess.Assessor, hosts []fact.Host, why string, asOf assess.AsOf) iter.Seq[report.Report] {
	return func(yield func(report.Report) bool) {
		for _, h := range hosts {
			if !yield(a.ReportOn(h.ID, why, asOf)) {
				return
			}
		}
	}
}

// seenHosts names the first hosts of a capture.
func seenHosts(hosts []fact.Host) string {
	const most = 8
	if len(hosts) == 0 {
		return "none, for no host could be read"
	}
	var ids []string
	for i, h := range hosts {
		if i == most {
			ids = append(ids, fmt.Sprintf("and %d more", len(hosts)-most))
			break
		}
		ids = append(ids, h.ID.String()+named(h))
	}
	return strings.Join(ids, ", ")
}

// named is a host's first name in brackets.
func named(h fact.Host) string {
	if len(h.Names) == 0 {
		return ""
	}
	return " (" + h.Names[0] + ")"
}

// verdictCode is the exit code of an overall verdict.
func verdictCode(r report.Report) int {
	switch r.Overall.Verdict {
	case "MEETS THE DEMAND", "MEETS WITH REMARKS":
		return exitMeets
	case "DOES NOT MEET":
		return exitFails
	default:
		return exitUnproven
	}
}

// worse picks the code that says more: an error before a verdict, a fault before
// an open question, that before a good result.
func worse(a, b int) int {
	order := []int{exitMeets, exitUnproven, exitFails, exitMissing, exitData, exitUsage, exitBug}
	if slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}
