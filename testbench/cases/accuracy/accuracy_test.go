//go:build linux

package accuracy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/assess/report"
	"assay/testbench/resolved"
)

// assay is the program under test, built once.
var assay string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	folder, err := os.MkdirTemp("", "assay-accuracy")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := dependOnSources(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	assay = filepath.Join(folder, "assay")
	if out, err := exec.Command("go", "build", "-o", assay, "assay/cmd/assay").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		return 1
	}
	code := m.Run()
	matrix.print(os.Stdout)
	return code
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

const (
	exitMissing = 69
	// deviceLimit bounds one device.
	deviceLimit = 6 * time.Minute
)

// need skips the test with the reason, or fails it where a lab is required.
func need(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("REQUIRE_LAB") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// run lets a device through its plan and returns the report, and how its evidence is
// graded again.
func (d *device) run(t *testing.T) (live, again []byte) {
	t.Helper()
	for _, p := range append([]string{"busybox"}, d.programs...) {
		if _, err := exec.LookPath(p); err != nil {
			need(t, "%s is not installed", p)
		}
	}
	folder := t.TempDir()
	file := d.plan + ".yaml"
	if err := os.WriteFile(filepath.Join(folder, file), []byte(plans[d.plan]), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := d.call(t, folder, "lab", "--plan", file, "--pace", "fast", "--format", "json", "-o", "report.json", "--pcap", "evidence.pcapng", "--", "sh", "-c", d.words(t)+d.script)
	if code == exitMissing {
		need(t, "there is no lab here: %s", out)
	}
	live, err := os.ReadFile(filepath.Join(folder, "report.json"))
	if code > 2 || err != nil {
		t.Fatalf("the lab failed: %d, %v\n%s", code, err, out)
	}
	if _, code = d.call(t, folder, "grade", "--format", "json", "-o", "again.json", "evidence.pcapng"); code > 2 {
		t.Fatalf("the evidence cannot be graded: %d", code)
	}
	d.confess(t, folder)
	if d.opened {
		checkOpened(t, filepath.Join(folder, "evidence.pcapng"))
	}
	again, err = os.ReadFile(filepath.Join(folder, "again.json"))
	if err != nil {
		t.Fatal(err)
	}
	return live, again
}

// words are the functions that the script may use.
func (d device) words(t *testing.T) string {
	t.Helper()
	if !d.resolved {
		return prelude
	}
	return prelude + resolved.Need(t).Functions()
}

// confess reads in the device's own log what it is by nature.
func (d *device) confess(t *testing.T, folder string) {
	t.Helper()
	if len(d.confesses) == 0 {
		return
	}
	log, err := os.ReadFile(filepath.Join(folder, deviceLog))
	if err != nil || len(log) == 0 {
		t.Fatalf("the device left no log: %v", err)
	}
	for check, words := range d.confesses {
		if regexp.MustCompile(words).Match(log) {
			d.wrong = append(slices.Clip(d.wrong), check)
		} else {
			d.right = append(slices.Clip(d.right), check)
		}
	}
}

// checkOpened reads the requests to flawed servers as a supplier's engineer would,
// with the session secrets in the log and nothing else.
func checkOpened(t *testing.T, log string) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		need(t, "tshark is not installed")
	}
	out, err := exec.CommandContext(t.Context(), "tshark", "-r", log, "-Y", `tls && (http.request.method == "GET" || http2.headers.method == "GET")`).Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		t.Errorf("tshark reads no request in the forged sessions: %v", err)
	}
}

func (d device) call(t *testing.T, folder string, args ...string) (out []byte, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), assay, args...)
	cmd.Dir, cmd.WaitDelay = folder, deviceLimit
	cmd.Env = append(os.Environ(), "HOME="+folder)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return out, ended.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out, 0
}

func TestDevices(t *testing.T) {
	for _, d := range slices.Concat(devices, doors) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			live, again := d.run(t)
			if !bytes.Equal(bytes.TrimSpace(live), bytes.TrimSpace(again)) {
				t.Errorf("the live report (%d bytes) is not that of its evidence (%d bytes)", len(live), len(again))
			}
			var r report.Report
			if err := json.Unmarshal(live, &r); err != nil {
				t.Fatal(err)
			}
			if r.Lost > 0 {
				t.Errorf("%d frames were lost", r.Lost)
			}
			d.judge(t, r)
			if got := r.Ladders.DNSSEC; d.rung != "" && got.Level != d.rung {
				t.Errorf("the device stands on step %q of the DNSSEC ladder, want %s: %s", got.Level, d.rung, got.Missing)
			}
		})
	}
}

// judge compares the verdicts with the truth.
func (d device) judge(t *testing.T, r report.Report) {
	t.Helper()
	for _, f := range r.Findings {
		truth := d.truth(f.Check)
		if truth == "" {
			continue
		}
		matrix.add(truth, f.Verdict)
		switch truth + f.Verdict {
		case right + "PASS", wrong + "FAIL":
		case right + "FAIL", wrong + "PASS":
			t.Errorf("%s is %s, and the device is %s: %s", f.Check, f.Verdict, truth, f.Why)
		default:
			t.Logf("%s is %s, and the device is %s: %s", f.Check, f.Verdict, truth, f.Why)
		}
	}
}

// truth is what is known of the device in one check, "" for nothing.
func (d device) truth(check string) string {
	switch {
	case slices.Contains(d.right, check):
		return right
	case slices.Contains(d.wrong, check):
		return wrong
	}
	return ""
}

// table counts verdicts by truth.
type table struct {
	mu    sync.Mutex
	cells map[string]int
	total int
}

var matrix = table{cells: map[string]int{}}

func (m *table) add(truth, verdict string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[truth+verdict]++
	m.total++
}

// print writes the matrix as the README has it.
func (m *table) print(w io.Writer) {
	verdicts := []string{"PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "NOT TESTED", "NOT APPLICABLE"}
	_, _ = fmt.Fprintf(w, "\n| the device is | %s |\n|---|%s\n", strings.Join(verdicts, " | "), strings.Repeat("---|", len(verdicts)))
	for _, truth := range []string{right, wrong} {
		row := []string{truth}
		for _, v := range verdicts {
			row = append(row, fmt.Sprint(m.cells[truth+v]))
		}
		_, _ = fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	_, _ = fmt.Fprintf(w, "\n%d verdicts of known truth\n", m.total)
}
