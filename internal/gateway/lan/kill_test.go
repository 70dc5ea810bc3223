package lan

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

// The environment of the process that is killed.
const (
	envState = "ASSAY_TEST_STATE" // its state folder
	envStop  = "ASSAY_TEST_STOP"  // the step at which it waits to be killed
)

// TestChildBringsTheLANUp is the process that is killed: it does what a gateway
// does from start to end and waits at one step. It does nothing in a normal run.
func TestChildBringsTheLANUp(t *testing.T) {
	stop, err := strconv.Atoi(os.Getenv(envStop))
	if err != nil {
		t.Skip("only for TestKilledAtEveryStep")
	}
	k, err := netos.New(netos.Options{})
	must(t, err)
	defer k.Close()
	cfg := Config{LAN: lab.LANLink, WAN: lab.WANLink, StateDir: os.Getenv(envState)}
	cfg.Step = func(string) {
		if stop--; stop == 0 {
			_, _ = os.Stdout.WriteString("waiting\n")
			select {} // until the kill
		}
	}
	l, err := Up(t.Context(), k, cfg)
	must(t, err)
	must(t, l.Offer(t.Context(), N3))
	must(t, l.SetDelegated(t.Context(), netip.MustParsePrefix("2001:db8:77::/56")))
	must(t, l.Offer(t.Context(), N1))
	must(t, l.Down(t.Context()))
	_, _ = os.Stdout.WriteString("ended\n")
}

// TestKilledAtEveryStep kills that process with SIGKILL after each of its steps,
// those of putting back included, restores, and compares everything the kernel
// shows of the namespace as text.
func TestKilledAtEveryStep(t *testing.T) {
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	k, err := netos.New(netos.Options{Do: l.Gateway.Do})
	must(t, err)
	t.Cleanup(k.Close)
	before := lab.Snapshot(l.Gateway)
	steps, changed := 0, 0
	for ended := false; !ended; {
		steps++
		state := t.TempDir()
		ended = runAndKill(t, l.Gateway, state, steps)
		if lab.Snapshot(l.Gateway) != before {
			changed++
		}
		must(t, Restore(context.Background(), k, state))
		if diff := cmp.Diff(before, lab.Snapshot(l.Gateway)); diff != "" {
			t.Fatalf("killed at step %d, the host is not as it was:\n%s", steps, diff)
		}
	}
	if steps < 60 || changed < 40 {
		t.Errorf("%d steps, the host was found changed after %d: the test does not kill where it should", steps, changed)
	}
	t.Logf("killed at %d steps; at %d of them the host was changed", steps-1, changed)
}

// runAndKill says whether the process came to its end before that step.
func runAndKill(t *testing.T, s *lab.Site, state string, step int) (ended bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestChildBringsTheLANUp$")
	cmd.Env = append(os.Environ(), envState+"="+state, fmt.Sprintf("%s=%d", envStop, step))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, s.Do(cmd.Start))
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if lines.Text() == "waiting" {
			must(t, cmd.Process.Kill())
		}
		ended = ended || lines.Text() == "ended"
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); (err == nil) != ended {
		t.Fatalf("the process at step %d: %v\n%s", step, err, strings.Join(said, "\n"))
	}
	return ended
}
