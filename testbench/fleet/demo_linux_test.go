package fleet_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/assess/report"
	"assay/testbench/fleet"
)

// outcome is what must come out of the demonstration of one device.
type outcome struct {
	dnssec, ipv6 string            // the steps on the ladders; "" for any
	verdicts     map[string]string // by check
	sound        []string          // families in which nothing may fail
}

func outcomes() map[string]outcome {
	return map[string]outcome{
		fleet.GoodCamera: {
			dnssec: "D1", ipv6: "I4", sound: []string{"TC", "TS", "V6", "CR", "PT", "OS", "DN", "TI"},
			verdicts: map[string]string{
				"TC-01": "PASS", "TC-02": "PASS", "TC-03": "PASS", "TC-06": "PASS", "TC-13": "PASS", "TC-09": "PASS", "TC-10": "PASS",
				"V6-02": "PASS", "V6-03": "PASS", "V6-05": "PASS", "V6-07": "PASS", "OS-02": "PASS", "DS-06": "PASS", "DS-01": "FAIL",
			},
		},
		fleet.CarelessCamera: {
			dnssec: "D0",
			verdicts: map[string]string{
				"TC-01": "FAIL", "TC-02": "FAIL", "TC-03": "FAIL", "TC-10": "FAIL", "DS-06": "FAIL", "V6-05": "FAIL", "OS-02": "FAIL", "CR-02": "FAIL",
			},
		},
		fleet.Plug: {
			dnssec:   "D1",
			verdicts: map[string]string{"PT-01": "FAIL", "CR-03": "FAIL", "V6-05": "FAIL", "OS-02": "PASS", "DS-06": "PASS"},
		},
		fleet.Hub: {
			dnssec: "D3", ipv6: "I4", sound: []string{"DS", "TC", "TS", "V6", "CR", "PT", "OS", "DN", "TI"},
			verdicts: map[string]string{
				"DS-01": "PASS", "DS-02": "PASS", "DS-03": "PASS", "DS-06": "PASS", "TC-01": "PASS", "TC-02": "PASS", "TC-03": "PASS", "TC-10": "PASS",
				"V6-02": "PASS", "V6-05": "PASS", "V6-07": "PASS",
			},
		},
	}
}

// deviceLimit bounds the demonstration of one device; on an idle machine it takes a
// minute at most.
const deviceLimit = 4 * time.Minute

// need skips the test with the reason, or fails it where a lab is required.
func need(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("REQUIRE_LAB") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// build makes the program of which the devices are a part.
func build(t *testing.T) string {
	t.Helper()
	assay := filepath.Join(t.TempDir(), "assay")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", assay, "assay/cmd/assay").CombinedOutput(); err != nil {
		t.Fatalf("cannot build assay: %v\n%s", err, out)
	}
	return assay
}

// demonstrate grades one device with the demonstration's plan.
func demonstrate(t *testing.T, assay, name string) (r report.Report) {
	t.Helper()
	const missing = 69
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), assay, "lab", "--plan", "demo", "--pace", "fast", "--format", "json", "-o", file, "--", assay, "device", name)
	cmd.WaitDelay = deviceLimit
	began := time.Now()
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == missing:
		need(t, "there is no lab here: %s", out)
	case errors.As(err, &ended) && ended.ExitCode() > 2, err != nil && ended == nil:
		t.Fatalf("the lab failed: %v\n%s", err, out)
	}
	t.Logf("it took %s", time.Since(began).Round(time.Second))
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r
}

// TestTheDemonstrationTellsThemApart runs each device through the real gateway.
func TestTheDemonstrationTellsThemApart(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	assay := build(t)
	for _, d := range fleet.All() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			outcomes()[d.Name].compare(t, demonstrate(t, assay, d.Name))
		})
	}
}

func (o outcome) compare(t *testing.T, r report.Report) {
	t.Helper()
	if r.Lost > 0 {
		t.Errorf("%d frames were lost", r.Lost)
	}
	left := maps.Clone(o.verdicts)
	for _, f := range r.Findings {
		want, told := o.verdicts[f.Check]
		delete(left, f.Check)
		switch {
		case told && f.Verdict != want:
			t.Errorf("%s is %s, want %s: %s", f.Check, f.Verdict, want, f.Why)
		case !told && f.Verdict == "FAIL" && o.isSound(f.Check):
			t.Errorf("%s is FAIL, and the device is sound there: %s", f.Check, f.Why)
		}
	}
	if len(left) > 0 {
		t.Errorf("not in the report: %v", left)
	}
	o.climb(t, r)
}

// climb compares the steps on the ladders.
func (o outcome) climb(t *testing.T, r report.Report) {
	t.Helper()
	for name, rung := range map[string]struct {
		want string
		got  report.Ladder
	}{"DNSSEC": {o.dnssec, r.Ladders.DNSSEC}, "IPv6": {o.ipv6, r.Ladders.IPv6}} {
		if rung.want != "" && rung.got.Level != rung.want {
			t.Errorf("the step on the %s ladder is %q, want %s: %s", name, rung.got.Level, rung.want, rung.got.Meaning)
		}
	}
}

// isSound says that the family of a check is one in which nothing may fail.
func (o outcome) isSound(check string) bool {
	family, _, _ := strings.Cut(check, "-")
	return slices.Contains(o.sound, family)
}
