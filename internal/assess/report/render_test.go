package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update after looking at it):\n%s", name, diff)
	}
}

// all renders a report in every format.
func all(t *testing.T, r Report) map[string]string {
	t.Helper()
	js, err := JSON(r)
	if err != nil {
		t.Fatal(err)
	}
	page, err := HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"camera.json": string(js), "camera.html": string(page), "camera.txt": Text(r, false)}
}

func TestGolden(t *testing.T) {
	for name, text := range all(t, Build(cameraInput())) {
		golden(t, name, text)
	}
}

func TestNoRenderingHoldsASecret(t *testing.T) {
	for name, text := range all(t, Build(cameraInput())) {
		if strings.Contains(text, "s3cret-pass") {
			t.Errorf("%s holds the password that the device sent", name)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	texts := all(t, Build(cameraInput()))
	if strings.Contains(texts["camera.html"], "<script") {
		t.Error("a device's text became markup in the page")
	}
	for name, text := range texts {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s holds a character that moves the cursor or turns text around", name)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	first, second := all(t, Build(cameraInput())), all(t, Build(cameraInput()))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestPageAsksNobodyForAnything(t *testing.T) {
	page := all(t, Build(cameraInput()))["camera.html"]
	for _, s := range []string{"http://", "https://", "src=", "@import", "url(", "<link rel=\"stylesheet\"", " style=\""} {
		if strings.Contains(page, s) {
			t.Errorf("the page holds %q: it must stand alone", s)
		}
	}
	if !strings.Contains(page, "default-src &#39;none&#39;; style-src &#39;sha256-") {
		t.Error("the page carries no content security policy")
	}
}

func TestPageLinksLeadSomewhere(t *testing.T) {
	page := all(t, Build(cameraInput()))["camera.html"]
	for _, part := range strings.Split(page, `href="#`)[1:] {
		target, _, _ := strings.Cut(part, `"`)
		if strings.Count(page, `id="`+target+`"`) != 1 {
			t.Errorf("link to #%s has %d targets, want 1", target, strings.Count(page, `id="`+target+`"`))
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	for i, line := range strings.Split(Text(Build(cameraInput()), false), "\n") {
		if n := utf8.RuneCountInString(line); n > textWidth {
			t.Errorf("line %d has %d characters: %s", i+1, n, line)
		}
	}
}

func TestColourAddsNothingButColour(t *testing.T) {
	r := Build(cameraInput())
	plain, coloured := Text(r, false), Text(r, true)
	var stripped strings.Builder
	for i, part := range strings.Split(coloured, "\x1b[") {
		if i > 0 {
			_, part, _ = strings.Cut(part, "m")
		}
		stripped.WriteString(part)
	}
	if diff := cmp.Diff(plain, stripped.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyReportIsNotProven(t *testing.T) {
	r := Build(Input{Graded: Graded{Overall: Overall{Verdict: "NOT PROVEN", Why: "No frame could be read."}}})
	for name, text := range all(t, r) {
		if !strings.Contains(text, "NOT PROVEN") || strings.Contains(text, "null,") && !strings.Contains(text, `"percent": null`) {
			t.Errorf("%s of an empty report does not say NOT PROVEN, or holds a null list:\n%s", name, text)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	for _, text := range []string{"", "a", "one two three", strings.Repeat("x", 100), "a " + strings.Repeat("y", 45) + " b"} {
		for room := 20; room < 30; room++ {
			lines := wrap(text, 7, room)
			joined := strings.Join(lines, "")
			if strings.ReplaceAll(joined, " ", "") != strings.ReplaceAll(text, " ", "") {
				t.Errorf("wrap(%q, %d) lost text: %q", text, room, lines)
			}
			for _, l := range lines {
				if utf8.RuneCountInString(l) > room {
					t.Errorf("wrap(%q, %d) gave a line too long: %q", text, room, l)
				}
			}
		}
	}
}
