//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// lingerer is a shell line that leaves a process behind, in its own session and
// with every signal ignored that can be.
const lingerer = `trap '' HUP TERM INT; setsid sh -c 'trap "" HUP TERM INT; echo $$; exec sleep 1000' & wait`

func TestCloseLeavesNothing(t *testing.T) {
	Need(t)
	before := namespaces(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	l, err := New(ctx, Options{Devices: 2})
	must(t, err)
	for _, s := range []*Site{l.Device(0), l.Device(1), l.Gateway} {
		cmd := s.Command(ctx, "sh", "-c", lingerer)
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		_, err = bufio.NewReader(out).ReadString('\n') // the lingerer is there
		must(t, err)
		defer func() { _ = cmd.Wait() }() // it is killed
	}
	must(t, l.Close(), l.Close())
	if left := namespaces(t); !slices.Equal(left, before) {
		t.Errorf("namespaces in use before: %v, after: %v", before, left)
	}
	if left, err := os.ReadDir(store()); err != nil || len(left) != 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

// namespaces lists the network and mount namespaces that some process is in, this
// one's threads included.
func namespaces(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"/proc/[0-9]*/ns/net", "/proc/[0-9]*/ns/mnt", "/proc/self/task/*/ns/net", "/proc/self/task/*/ns/mnt"} {
		links, err := filepath.Glob(pattern)
		must(t, err)
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil { // else it has ended
				out = append(out, ns)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// anew runs this test binary anew, from outside: it makes namespaces of its own.
func anew(ctx context.Context, test string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(without(os.Environ(), stateVar), env...)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

const helperVar = "ASSAY_LAB_TEST_HELPER"

// TestHelperStays is no test: it builds a lab with a lingering process and waits
// to be killed.
func TestHelperStays(t *testing.T) {
	if os.Getenv(helperVar) != "stay" {
		t.Skip("only for other tests")
	}
	_, l := start(t, Options{})
	cmd := l.Device(0).Command(t.Context(), "sh", "-c", lingerer)
	cmd.Stdout = os.Stdout
	must(t, cmd.Start())
	_ = cmd.Wait() // never
}

// TestKilledLabLeavesNothing kills the outermost process, which can do nothing
// about it.
func TestKilledLabLeavesNothing(t *testing.T) {
	Need(t)
	for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGTERM, unix.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			before := namespaces(t)
			cmd := anew(ctx, "TestHelperStays", helperVar+"=stay")
			out, err := cmd.StdoutPipe()
			must(t, err, cmd.Start())
			waitForNumber(t, out)
			if during := namespaces(t); len(during) < len(before)+3 {
				t.Fatalf("the lab made no namespaces: %v", during)
			}
			must(t, unix.Kill(cmd.Process.Pid, signal))
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait() // it was killed
			waitFor(ctx, t, "the namespaces to go", func() bool { return slices.Equal(namespaces(t), before) })
		})
	}
}

// waitForNumber reads until a line is a number: the lingerer's process id.
func waitForNumber(t *testing.T, from io.Reader) {
	t.Helper()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if _, err := strconv.Atoi(lines.Text()); err == nil {
			return
		}
	}
	t.Fatal("the helper ended before it began")
}

// TestHelperEnds is no test: it ends the way it is told.
func TestHelperEnds(t *testing.T) {
	switch os.Getenv(helperVar) {
	case "pass":
		Need(t)
		t.Log("uid", os.Getuid(), "pid 1 is ours:", Inside())
	case "fail":
		t.Fatal("as wanted")
	case "killed":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	default:
		t.Skip("only for other tests")
	}
}

func TestExitCodeComesThrough(t *testing.T) {
	Need(t)
	for how, want := range map[string]int{"pass": 0, "fail": 1, "killed": 128 + 9} {
		cmd := anew(t.Context(), "TestHelperEnds", helperVar+"="+how)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: exit code %d, want %d\n%s", how, got, want, out)
		}
	}
}

// TestForbiddenNamespaces: where they are forbidden tests skip with the reason, or
// fail where the lab is required.
func TestForbiddenNamespaces(t *testing.T) {
	Need(t)
	const limit = "/proc/sys/user/max_user_namespaces" // of this user namespace alone
	was, err := os.ReadFile(limit)
	must(t, err, os.WriteFile(limit, []byte("0"), 0o644))
	defer func() { must(t, os.WriteFile(limit, []byte(strings.TrimSpace(string(was))), 0o644)) }()
	for require, want := range map[string]string{"": "--- SKIP", "1": "--- FAIL"} {
		out, _ := anew(t.Context(), "TestHelperEnds", helperVar+"=pass", requireVar+"="+require).CombinedOutput()
		if !strings.Contains(string(out), want) || !strings.Contains(string(out), "sysctl -w user.max_user_namespaces=1000") {
			t.Errorf("%s=%q: want %s and what to do\n%s", requireVar, require, want, out)
		}
	}
}

func TestAdvice(t *testing.T) {
	tests := []struct {
		name     string
		settings map[string]string
		uid      int
		want     string
	}{
		{"switched off", map[string]string{"user/max_user_namespaces": "0\n"}, 0, "sysctl -w user.max_user_namespaces=1000"},
		{"no networks", map[string]string{"user/max_net_namespaces": "0\n"}, 0, "sysctl -w user.max_net_namespaces=1000"},
		{"Debian's switch", map[string]string{"kernel/unprivileged_userns_clone": "0\n"}, 1000, "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"Ubuntu's switch", map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1\n"}, 1000, "AppArmor"},
		{"Ubuntu's switch does not bind root", map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1\n"}, 0, "container"},
		{"all allowed, and yet", map[string]string{"user/max_user_namespaces": "100\n"}, 1000, "sudo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			read := func(name string) ([]byte, error) {
				if v, ok := tt.settings[strings.TrimPrefix(name, "/proc/sys/")]; ok {
					return []byte(v), nil
				}
				return nil, os.ErrNotExist
			}
			if got := advice(read, tt.uid); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestUnavailableOutside(t *testing.T) {
	t.Setenv(stateVar, "")
	if err := Unavailable(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("outside: %v", err)
	}
	if _, err := New(t.Context(), Options{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("New outside: %v", err)
	}
}
