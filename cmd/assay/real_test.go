package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay/internal/assess/report"
)

func gradeAs(t *testing.T, format, file string) string {
	t.Helper()
	var out, err strings.Builder
	code := run([]string{"grade", "--format", format, file}, console{in: strings.NewReader(""), out: &out, err: &err})
	if code > exitUnproven {
		t.Fatalf("grading %s ended with %d: %s", file, code, err.String())
	}
	return out.String()
}

// TestRealOutputFollowsTheSchema grades real files: our own sample, and the
// captures beside the project where they are there.
func TestRealOutputFollowsTheSchema(t *testing.T) {
	schema := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(report.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join("testdata", "plug.pcapng")}
	beside, err := filepath.Glob("../../../shared/corpora/sentinel/*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, beside...) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(gradeAs(t, "json", file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestEvidenceIsOpened checks on a real page that every link leads to a target:
// each cited frame is shown.
func TestEvidenceIsOpened(t *testing.T) {
	page := gradeAs(t, "html", filepath.Join("testdata", "plug.pcapng"))
	seen := 0
	for _, part := range strings.Split(page, `href="#`)[1:] {
		target, _, _ := strings.Cut(part, `"`)
		if seen++; strings.Count(page, `id="`+target+`"`) != 1 {
			t.Errorf("link to #%s has no single target", target)
		}
	}
	if seen < 50 {
		t.Errorf("only %d links: the findings of this capture cite more frames", seen)
	}
}

// TestOutputThatCannotBeWritten: a report that cannot be written is an error
// in one line, and leaves nothing behind.
func TestOutputThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	var out, err strings.Builder
	code := run([]string{"grade", "-o", filepath.Join(folder, "gone", "x.txt"), filepath.Join("testdata", "plug.pcapng")},
		console{in: strings.NewReader(""), out: &out, err: &err})
	if code != exitMissing || strings.Count(err.String(), "\n") != 1 {
		t.Errorf("exit code %d and %q, want %d and one line", code, err.String(), exitMissing)
	}
	left, rerr := os.ReadDir(folder)
	if rerr != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, rerr)
	}
}
