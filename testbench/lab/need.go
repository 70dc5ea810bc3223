//go:build linux

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NeedProgram skips the test where a program is missing, with its name; with
// REQUIRE_LAB=1 in the environment it fails instead.
func NeedProgram(t testing.TB, name string) {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return
		}
	}
	if os.Getenv(requireVar) == "1" {
		t.Fatalf("the program %s is missing: install it", name)
	}
	t.Skipf("the program %s is missing", name)
}
