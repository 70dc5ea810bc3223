//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files are what iperf3 3.12 printed with -J, at 1 Gbit/s and without a server.
func TestParse(t *testing.T) {
	text, err := os.ReadFile("testdata/iperf3.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parse(text); err != nil || got != (flow{perSecond: 999143056.5415187}) {
		t.Errorf("got %+v, %v", got, err)
	}
	refused, err := os.ReadFile("testdata/refused.json")
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"Network is unreachable": string(refused),
		"cannot understand":      string(text[:len(text)/2]),
		"received nothing":       "{}",
	} {
		if got, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
}

func TestHighWater(t *testing.T) {
	if got, err := highWater("Name:\tassay\nVmPeak:\t 9 kB\nVmHWM:\t   46500 kB\nVmRSS:\t 1 kB\n"); err != nil || got != 46500<<10 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := highWater("Name:\tkthreadd\n"); err == nil {
		t.Errorf("got %d of a process without memory", got)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		seconds, rounds int
		fits            bool
	}{{3, 2, true}, {1, 1, true}, {0, 2, false}, {3, 0, false}, {10, 2, false}} {
		if err := (settings{seconds: c.seconds, rounds: c.rounds}).check(); (err == nil) != c.fits {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestReported(t *testing.T) {
	folder := t.TempDir()
	if _, _, err := reported(folder); err == nil {
		t.Error("no report is taken for one without losses")
	}
	for name, text := range map[string]string{"a": `{"evidence_file": {"frames": 3}, "lost": 2}`, "b": `{"evidence_file": {"frames": 7}}`} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name, "report.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen, lost, err := reported(folder); seen != 12 || lost != 2 || err != nil {
		t.Errorf("got %d, %d, %v", seen, lost, err)
	}
}
