package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGoldenReports grades two recorded captures from file to report and holds
// every byte against the golden files, on every platform. What names the rules and
// the program is left out of the comparison: a reader sees no difference in it.
func TestGoldenReports(t *testing.T) {
	for capture, formats := range map[string][]string{"plug": {"text", "json", "html"}, "camera": {"text", "json"}} {
		for _, format := range formats {
			t.Run(capture+" as "+format, func(t *testing.T) {
				got := withoutOrigin(gradeAs(t, format, filepath.Join("testdata", capture+".pcapng")))
				file := filepath.Join("testdata", "golden", capture+"."+format)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if string(want) != got {
					t.Errorf("%s differs; look at it, then run make golden:\n%s", file, firstDifferences(string(want), got))
				}
			})
		}
	}
}

// withoutOrigin puts words in the place of the digest of the rules, the name of the
// run, which depends on it, and the version of the program.
func withoutOrigin(s string) string {
	for _, p := range []struct{ pattern, with string }{
		{`(Rules  +|"rules_digest": "|<dt>Rules</dt><dd class="code">)[0-9a-f]{64}`, "${1}RULES"},
		{`(Run  +|"id": "|, run |· run )[0-9a-f]{16}\b`, "${1}RUN"},
		{`(Assay  +|"assay_version": "|version |Assay )` + regexp.QuoteMeta(programVersion()), "${1}VERSION"},
	} {
		s = regexp.MustCompile(p.pattern).ReplaceAllString(s, p.with)
	}
	return s
}

// firstDifferences is a difference by lines, cut to what a person reads.
func firstDifferences(want, got string) string {
	const most = 4000
	diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	return diff[:min(len(diff), most)]
}

// TestSameBytesTwice: the same file gives the same report, digests included.
func TestSameBytesTwice(t *testing.T) {
	file := filepath.Join("testdata", "camera.pcapng")
	for _, format := range []string{"text", "json", "html"} {
		if first, second := gradeAs(t, format, file), gradeAs(t, format, file); first != second {
			t.Errorf("two gradings of %s as %s differ", file, format)
		}
	}
}
