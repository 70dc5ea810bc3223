package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"
)

// demoCommand is 'assay demo' as a stranger runs it.
func demoCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append([]string{"assay", "demo", "--listen", "127.0.0.1:0", "--no-stay"}, args...)
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// startDemo starts it and gives the address of its page and what it goes on to say.
func startDemo(t *testing.T, args ...string) (cmd *exec.Cmd, page string, said *bufio.Scanner) {
	t.Helper()
	if !hasLab(t) {
		t.Skip("there are no namespaces here")
	}
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(stop)
	cmd = demoCommand(ctx, args...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said = bufio.NewScanner(out)
	for said.Scan() {
		if _, rest, ok := strings.Cut(said.Text(), "the page is at "); ok {
			page, _, _ = strings.Cut(rest, "/ ")
			return cmd, page, said
		}
	}
	t.Fatal("the demonstration told no page")
	return nil, "", nil
}

// TestTheDemoIsSeenThrough: a browser sees two devices being tested, from the first
// packet to their comparison, and the end of the demonstration leaves nothing behind.
func TestTheDemoIsSeenThrough(t *testing.T) {
	cmd, page, said := startDemo(t, "--stay", "--only", "careless-camera", "--only", "plug")
	tab := newTab(t)
	if tab != nil {
		watchDemo(t, tab, page)
	}
	var last []string
	graded := 0
	for said.Scan() && !strings.Contains(said.Text(), "the page stays") {
		last = append(last, said.Text())
		if strings.Contains(said.Text(), "DOES NOT MEET") {
			graded++
			compared(t, page)
		}
	}
	if tab != nil {
		seeComparison(t, tab, page)
	}
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	for said.Scan() {
		last = append(last, said.Text())
	}
	if err := cmd.Wait(); err != nil || graded != 2 {
		t.Errorf("the demonstration ended with %v:\n%s", err, strings.Join(last, "\n"))
	}
}

// newTab is a browser with one tab; nil where there is none and none is required.
func newTab(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("REQUIRE_BROWSER") == "1" {
			t.Error("chromium is required")
		}
		return nil
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	return ctx
}

// watchDemo follows the open page until a lamp has an answer.
func watchDemo(t *testing.T, tab context.Context, page string) {
	t.Helper()
	err := chromedp.Run(tab, chromedp.Navigate(page+"/"),
		chromedp.Poll(`document.querySelectorAll(".did li").length > 3`, nil, chromedp.WithPollingTimeout(20*time.Second)),
		chromedp.Poll(`document.querySelectorAll(".bulbcard:not(.testing)").length > 0`, nil, chromedp.WithPollingTimeout(60*time.Second)))
	if err != nil {
		t.Errorf("the page does not follow the device: %v", err)
	}
	takePicture(t, tab, "demo")
}

// seeComparison sees both devices side by side, with the same verdicts as the reports.
func seeComparison(t *testing.T, tab context.Context, page string) {
	t.Helper()
	var heads []string
	var verdicts string
	err := chromedp.Run(tab, chromedp.Navigate(page+"/compare"),
		chromedp.Evaluate(`[...document.querySelectorAll(".matrix thead a")].map(e => e.innerText)`, &heads),
		chromedp.Evaluate(`document.querySelector(".matrix .sum tr").innerText`, &verdicts))
	if err != nil || len(heads) != 2 || strings.Count(verdicts, "Does not meet") != 2 {
		t.Errorf("the comparison has %q, %q, %v", heads, verdicts, err)
	}
	takePicture(t, tab, "demo-comparison")
}

func takePicture(t *testing.T, tab context.Context, name string) {
	t.Helper()
	folder := os.Getenv("ASSAY_SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	if err := chromedp.Run(tab, chromedp.CaptureScreenshot(&picture)); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
		t.Error(err)
	}
}

// compared looks at the runs as programs do.
func compared(t *testing.T, page string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"/api/runs", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return // the second device was graded meanwhile, and the demonstration ended
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return // as above
	}
	var list struct {
		Runs []struct{ ID, Verdict, Label string }
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.Runs) == 0 || list.Runs[len(list.Runs)-1].Verdict != "DOES NOT MEET" {
		t.Errorf("the runs are %s, %v", text, err)
	}
}

// TestTheDemoCanBeStopped: Ctrl-C ends it at once, and nothing of it is left.
func TestTheDemoCanBeStopped(t *testing.T) {
	cmd, page, said := startDemo(t)
	for said.Scan() && !strings.Contains(said.Text(), "plugging in") {
		continue
	}
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	for said.Scan() {
		continue
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if a, err := http.Get(page); err == nil { //nolint:noctx // it must fail at once
		_ = a.Body.Close()
		t.Error("the page is still there")
	}
}

// TestTheDemoIsForThisMachineAlone
func TestTheDemoIsForThisMachineAlone(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "192.0.2.1:80", "nonsense"} {
		cmd := demoCommand(t.Context(), "--listen", at)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), "--listen") {
			t.Errorf("--listen %s: %v\n%s", at, err, out)
		}
	}
	if out, err := demoCommand(t.Context(), "--only", "toaster").CombinedOutput(); err == nil || !strings.Contains(string(out), "toaster") {
		t.Errorf("an unknown device: %v %s", err, fmt.Sprint(string(out)))
	}
}
