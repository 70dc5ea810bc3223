// Command table grades every capture below a folder with the program itself and
// prints one row for each, so that a change of behaviour on other people's
// captures is seen. It owns the running and the table; it must not know what a
// good result is, only that each file gives a report in time.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	assay := flag.String("assay", "bin/assay", "the program to run")
	brief := flag.String("brief", "tcpdump", "folders, comma-separated, that get one row in all")
	limit := flag.Duration("limit", 60*time.Second, "the longest that one file may take")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: table [-assay PROGRAM] FOLDER")
		os.Exit(64)
	}
	ok, err := run(*assay, flag.Arg(0), strings.Split(*brief, ","), *limit)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(69)
	}
	if !ok {
		os.Exit(1)
	}
}

// row is what one capture gave.
type row struct {
	file    string
	took    time.Duration
	code    int
	problem string
	report  report
}

// report is the part of the JSON report that the table shows.
type report struct {
	Device struct {
		MAC       string   `json:"mac"`
		Addresses []string `json:"addresses"`
	} `json:"dut"`
	Overall struct {
		Verdict string `json:"verdict"`
	} `json:"overall"`
	Families []struct {
		Code  string `json:"code"`
		Grade string `json:"grade"`
	} `json:"families"`
	Findings []struct {
		Check   string `json:"check"`
		Verdict string `json:"verdict"`
	} `json:"findings"`
	Evidence struct {
		Frames uint64 `json:"frames"`
	} `json:"evidence_file"`
}

func run(assay, folder string, brief []string, limit time.Duration) (bool, error) {
	files, err := captures(folder)
	if err != nil {
		return false, err
	}
	var shown []row
	groups := map[string][]row{}
	ok := true
	for _, f := range files {
		r := grade(assay, folder, f, limit)
		if r.problem != "" {
			ok = false
			fmt.Fprintf(os.Stderr, "%s: %s\n", f, r.problem)
		}
		if top, _, _ := strings.Cut(f, "/"); slices.Contains(brief, top) {
			groups[top] = append(groups[top], r)
			continue
		}
		shown = append(shown, r)
	}
	if err := printRows(shown); err != nil {
		return false, err
	}
	for _, name := range brief {
		printGroup(name, groups[name])
	}
	return ok, nil
}

// captures lists the capture files below a folder, in order.
func captures(folder string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".pcap") {
			rel, _ := filepath.Rel(folder, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = errors.New("no capture found")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the captures in %s: %w", folder, err)
	}
	slices.Sort(out)
	return out, nil
}

// grade runs the program twice on a file: both runs must give the same bytes.
func grade(assay, folder, file string, limit time.Duration) row {
	r := row{file: file}
	start := time.Now()
	first, code, err := output(assay, filepath.Join(folder, file), limit)
	r.took, r.code = time.Since(start), code
	if err != nil {
		r.problem = err.Error()
		return r
	}
	second, _, err := output(assay, filepath.Join(folder, file), limit)
	switch {
	case err != nil:
		r.problem = err.Error()
	case string(first) != string(second):
		r.problem = "two runs gave different reports"
	case json.Unmarshal(first, &r.report) != nil:
		r.problem = "the report is no JSON"
	}
	return r
}

func output(assay, file string, limit time.Duration) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, assay, "grade", "--format", "json", file)
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, 0, fmt.Errorf("no report within %s", limit)
	case err != nil && !errors.As(err, &exit):
		return nil, 0, fmt.Errorf("cannot run %s: %w", assay, err)
	}
	code := cmd.ProcessState.ExitCode()
	if code < 0 || code > 2 {
		return nil, code, fmt.Errorf("exit code %d: %s", code, strings.TrimSpace(string(exit.Stderr)))
	}
	return out, code, nil
}

// headline are the families that get a column of their own.
var headline = []string{"DS", "TC", "V6", "CR", "PT", "DN", "OS"}

func printRows(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "file\tframes\tdevice\tverdict\t"+strings.Join(headline, "\t")+"\tchecks that fail\tms")
	for _, r := range rows {
		grades := map[string]string{}
		for _, f := range r.report.Families {
			grades[f.Code] = f.Grade
		}
		var cells, fails []string
		for _, code := range headline {
			cells = append(cells, grades[code])
		}
		for _, f := range r.report.Findings {
			if f.Verdict == "FAIL" {
				fails = append(fails, f.Check)
			}
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%d\n", r.file, r.report.Evidence.Frames, device(r.report),
			r.report.Overall.Verdict, strings.Join(cells, "\t"), strings.Join(fails, " "), r.took.Milliseconds())
	}
	return w.Flush()
}

func device(r report) string {
	switch {
	case r.Device.MAC != "":
		return r.Device.MAC
	case len(r.Device.Addresses) > 0:
		return r.Device.Addresses[0]
	default:
		return "-"
	}
}

// printGroup sums a folder up: how many files, frames, verdicts, the slowest.
func printGroup(name string, rows []row) {
	if len(rows) == 0 {
		return
	}
	verdicts := map[string]int{}
	var frames uint64
	slowest := rows[0]
	for _, r := range rows {
		verdicts[r.report.Overall.Verdict]++
		frames += r.report.Evidence.Frames
		if r.took > slowest.took {
			slowest = r
		}
	}
	_, _ = fmt.Fprintf(os.Stdout, "\n%s: %d captures, %d frames, verdicts %v; the slowest took %d ms (%s)\n",
		name, len(rows), frames, verdicts, slowest.took.Milliseconds(), slowest.file)
}
