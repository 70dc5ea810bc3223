package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	reentry()
	testscript.Main(m, programs())
}

// TestScripts runs the program as a stranger would. $PLUG is a small capture of a
// careless device, $CUT the same file with its end cut off.
func TestScripts(t *testing.T) {
	plug, err := os.ReadFile(filepath.Join("testdata", "plug.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PLUG", filepath.Join(e.WorkDir, "plug.pcapng"))
			e.Setenv("CUT", filepath.Join(e.WorkDir, "cut.pcapng"))
			e.Setenv("PICTURE", filepath.Join(e.WorkDir, "x.png"))
			for name, text := range map[string]string{
				"plug.pcapng": string(plug), "cut.pcapng": string(plug[:len(plug)-7]),
				"x.png": "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 40), "empty.pcap": "",
				"none.pcap": "\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + strings.Repeat("\x00", 8) + "\x00\x00\x04\x00\x01\x00\x00\x00",
			} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(text), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "lab" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return hasLab(t), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs assay and checks the code it exits with: exits 65 grade x.png.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGUMENTS...")
	}
	var out, err strings.Builder
	code := run(resolve(ts, args[1:]), console{in: strings.NewReader(""), out: &out, err: &err})
	ts.Logf("%s%s", out.String(), err.String())
	if want := args[0]; want != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// resolve makes file arguments absolute: the test itself runs elsewhere.
func resolve(ts *testscript.TestScript, args []string) []string {
	out := append([]string{}, args...)
	for i, a := range out {
		if _, err := os.Stat(ts.MkAbs(a)); err == nil && !strings.HasPrefix(a, "-") {
			out[i] = ts.MkAbs(a)
		}
	}
	return out
}
