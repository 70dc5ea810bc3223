//go:build linux

package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/report"
	"assay/testbench/resolved"
)

// assay is the program under test, built once.
var assay string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	folder, err := os.MkdirTemp("", "assay-live")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := dependOnSources(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil { // where servers are
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	assay = filepath.Join(folder, "assay")
	if out, err := exec.Command("go", "build", "-o", assay, "assay/cmd/assay").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		return 1
	}
	return m.Run()
}

// dependOnSources looks at every source, so that a remembered result of these tests
// is forgotten when one changes: the program is no import of them.
func dependOnSources() error {
	for _, room := range []string{"cmd", "internal", "rules", "testbench"} {
		err := filepath.WalkDir(filepath.Join("..", "..", "..", room), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// need skips the test with the reason, or fails it where a lab is required.
func need(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("REQUIRE_LAB") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

const exitMissing = 69

// caseLimit bounds one case.
const caseLimit = 6 * time.Minute

// run grades a program live and returns the folder with evidence and report.
func run(t *testing.T, c liveCase) (folder string) {
	t.Helper()
	for _, p := range append([]string{"sh", "ip"}, c.programs...) {
		if _, err := exec.LookPath(p); err != nil {
			need(t, "%s is not installed", p)
		}
	}
	folder = t.TempDir()
	args := append([]string{"lab", "--format", "json", "--output", "report.json", "--pcap", "evidence.pcapng"}, c.flags...)
	args = append(args, "--", "sh", "-c", c.words(t)+c.script)
	cmd := exec.CommandContext(t.Context(), assay, args...)
	cmd.Dir, cmd.WaitDelay = folder, caseLimit
	cmd.Env = append(os.Environ(), "HOME="+folder)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == exitMissing:
		need(t, "there is no lab here: %s", out)
	case errors.As(err, &ended) && ended.ExitCode() > 2, err != nil && ended == nil:
		t.Fatalf("the lab failed: %v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("SCRIPT-DONE")) {
		t.Fatalf("the device's script did not get to its end:\n%s", out)
	}
	return folder
}

// prelude are the words of the scripts: six names, fetch addresses, wait for
// global IPv6.
const prelude = `set -e
SIX="www.cam.example www.hub.example www.lock.example www.sensor.example www.cam.things www.kettle.things"
lease() { busybox udhcpc -n -q -i eth0 >/dev/null 2>&1; }
global() { for i in $(seq 100); do ip -6 addr show dev eth0 scope global | grep -v tentative | grep -q inet6 && return 0; sleep 0.1; done; return 1; }
trap 'test $? = 0 && echo SCRIPT-DONE' EXIT
`

// words are the functions that the script may use.
func (c liveCase) words(t *testing.T) string {
	t.Helper()
	if !c.resolved {
		return prelude
	}
	return prelude + resolved.Need(t).Functions()
}

func TestRealPrograms(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := run(t, c)
			live, err := os.ReadFile(filepath.Join(folder, "report.json"))
			if err != nil {
				t.Fatal(err)
			}
			checkVerdicts(t, live, c.want)
			checkParity(t, folder, live)
		})
	}
}

func checkVerdicts(t *testing.T, text []byte, want map[string]string) {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	got := map[string]report.Finding{}
	for _, f := range r.Findings {
		got[f.Check] = f
	}
	for check, verdicts := range want {
		f, ok := got[check]
		if !ok || !slices.Contains(strings.Split(verdicts, "|"), f.Verdict) {
			t.Errorf("%s is %s, want %s: %s", check, f.Verdict, verdicts, f.Why)
		}
	}
	if r.Lost > 0 {
		t.Errorf("%d frames were lost", r.Lost)
	}
}

// checkParity grades the evidence as somebody would who got the file alone.
func checkParity(t *testing.T, folder string, live []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), assay, "grade", "--format", "json", "evidence.pcapng")
	cmd.Dir = folder
	again, err := cmd.Output()
	var ended *exec.ExitError
	if graded := errors.As(err, &ended) && ended.ExitCode() <= 2; err != nil && !graded {
		t.Fatalf("cannot grade the evidence: %v", err)
	}
	if !bytes.Equal(bytes.TrimSpace(live), bytes.TrimSpace(again)) {
		t.Errorf("the live report (%d bytes) is not that of its evidence (%d bytes)", len(live), len(again))
	}
}
