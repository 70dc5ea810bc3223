package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"assay/internal/assess"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/lab"
)

// programs are what the scripts can run: fakelab is 'assay lab' with a box that
// gives a network without services, and for evidence the file $PLUG; with $BREAKS it
// fails as soon as the device has made the file of that name.
func programs() map[string]func() {
	return map[string]func(){"assay": main, "fakelab": fakeLab, "realbox": realBox}
}

// hasLab asks a process of its own, because this one is outside.
func hasLab(t *testing.T) bool {
	t.Helper()
	out, err := fakeCommand(t.Context(), "--", "true").CombinedOutput()
	var ended *exec.ExitError
	missing := errors.As(err, &ended) && ended.ExitCode() == exitMissing
	if missing && os.Getenv("REQUIRE_LAB") == "1" {
		t.Fatalf("the lab is required: %s", out)
	}
	return !missing
}

func fakeCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append([]string{"fakelab"}, args...)
	plug, _ := filepath.Abs(filepath.Join("testdata", "plug.pcapng")) // fails only without a working folder
	cmd.Env = append(os.Environ(), "PLUG="+plug)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func fakeLab() {
	reentry()
	c := console{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	l := labCmd{}
	if _, err := kong.Must(&l).Parse(os.Args[1:]); err != nil {
		os.Exit(exitCode(failure{exitUsage, err}, c))
	}
	if lab.Inside() {
		os.Exit(exitCode(l.inside(&c, fakeBox), c))
	}
	os.Exit(exitCode(l.Run(&c), c))
}

// fakeBox brings the LAN port up and at its end publishes a run about $PLUG.
func fakeBox(_ context.Context, l *lab.Lab, o boxOptions) (running, error) {
	if err := l.Gateway.Assign(o.Config.Ports.LAN, netip.MustParsePrefix("192.0.2.1/24")); err != nil {
		return running{}, err
	}
	if flag := os.Getenv("BREAKS"); flag != "" {
		return brokenBox(flag), nil
	}
	return running{stop: func(context.Context) error {
		s, err := store.Open(o.Config.Store.Folder, store.Limits{})
		if err != nil {
			return err
		}
		started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		place, err := s.New(store.Record{State: store.Running, MAC: "00:00:5e:00:53:01", Started: started})
		if err != nil {
			return err
		}
		if err := fakeEvidence(place); err != nil {
			return err
		}
		a := assess.New(o.Book, assess.About{File: "plug.pcapng", Version: o.Version, Plan: o.Plan})
		asOf, err := read(&console{}, place.Path(store.EvidenceFile), a)
		o.Publish(session.Snapshot{Record: assess.RunNote{ID: "not yet"}})
		o.Publish(session.Snapshot{Record: assess.RunNote{ID: place.Record().ID}, Started: started, Graded: true, Report: a.Report(asOf)})
		return err
	}}, nil
}

// brokenBox fails when there is a file of that name.
func brokenBox(flag string) running {
	failed := make(chan struct{})
	go func() {
		for again := time.NewTicker(10 * time.Millisecond); ; <-again.C {
			if _, err := os.Stat(flag); err == nil {
				close(failed)
				return
			}
		}
	}()
	return running{failed: failed, stop: func(context.Context) error { return errors.New("the LAN port caught fire") }}
}

// TestLabBoxFails: a command that would run on is ended when the box has failed, and
// the reason is told.
func TestLabBoxFails(t *testing.T) {
	if !hasLab(t) {
		t.Skip("there are no namespaces here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	flag := filepath.Join(t.TempDir(), "begun")
	cmd := fakeCommand(ctx, "--", "sh", "-c", "touch "+flag+"; exec sleep 1000")
	cmd.Env = append(cmd.Env, "BREAKS="+flag)
	out, _ := cmd.CombinedOutput() // the exit code is looked at
	if got := cmd.ProcessState.ExitCode(); got != exitMissing {
		t.Errorf("exit code %d, want %d", got, exitMissing)
	}
	for _, words := range []string{"because the gateway failed", "the gateway failed while the device ran", "the LAN port caught fire"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("did not say %q:\n%s", words, out)
		}
	}
}

func fakeEvidence(p store.Place) error {
	text, err := os.ReadFile(os.Getenv("PLUG"))
	if err != nil {
		return err
	}
	f, err := p.Evidence()
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// TestLabIsInterrupted: one signal ends the command and the report is made; none of
// its processes stays.
func TestLabIsInterrupted(t *testing.T) {
	if !hasLab(t) {
		t.Skip("there are no namespaces here")
	}
	for _, signal := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := fakeCommand(ctx, "--", "sh", "-c", "echo ready; exec sleep 1000")
			said, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			var report strings.Builder
			cmd.Stdout = &report
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			words := bufio.NewReader(said)
			if line, err := words.ReadString('\n'); line != "ready\n" {
				t.Fatalf("said %q, %v", line, err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(words)
			_ = cmd.Wait() // the exit code is looked at
			if got := cmd.ProcessState.ExitCode(); got != exitFails {
				t.Errorf("exit code %d, want that of the report\n%s", got, rest)
			}
			if !strings.Contains(string(rest), "after an interruption") || !strings.Contains(report.String(), "DOES NOT MEET") {
				t.Errorf("said\n%s\nreported\n%s", rest, report.String())
			}
		})
	}
}
