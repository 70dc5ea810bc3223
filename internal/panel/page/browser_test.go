package page

import (
	"context"
	_ "embed" // for axe-core
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"assay/internal/panel"
)

// pictures is the environment variable that names a folder for screenshots.
const pictures = "ASSAY_SCREENSHOTS"

// browser is a chromium with one tab, and what it complained of.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp keeps its browser in it
	mu  sync.Mutex
	// complaints are what the console said; outside are requests to anywhere else.
	complaints, outside []string
}

func (b *browser) take() (complaints, outside []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complaints, outside = b.complaints, b.outside
	b.complaints, b.outside = nil, nil
	return complaints, outside
}

// newBrowser starts chromium; without one the test says so.
func newBrowser(t *testing.T, own string) *browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("REQUIRE_LAB") != "" {
			t.Fatal("chromium is not there: install the package chromium")
		}
		t.Skip("chromium is not there: install the package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, late := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(late)
	b := &browser{ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) { b.hear(ev, own) })
	if err := chromedp.Run(ctx, network.Enable(), cdruntime.Enable()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) hear(ev any, own string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *cdruntime.EventConsoleAPICalled:
		if e.Type == cdruntime.APITypeError || e.Type == cdruntime.APITypeWarning {
			b.complaints = append(b.complaints, fmt.Sprintf("%s %s", e.Type, e.Args[0].Value))
		}
	case *cdruntime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Error())
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != own {
			b.outside = append(b.outside, e.Request.URL)
		}
	}
}

// sizes are those of a phone, a notebook and a projector, in CSS pixels.
var sizes = []struct {
	name          string
	width, height int64
}{{"phone", 390, 844}, {"laptop", 1366, 768}, {"projector", 1920, 1080}}

// shown are the views, by the name of their picture.
var shown = []struct{ name, path string }{
	{"now", "/"},
	{"ended", "/?run=20261120-120000-hostile"},
	{"kiosk", "/kiosk"},
	{"report", "/runs/20261120-100000-careful-camera-0"},
	{"hostile-report", "/runs/20261120-120000-hostile"},
	{"compare", "/compare?run=20261120-100000-careful-camera-1&run=20261120-100001-careless-plug-1"},
	{"retest", "/compare?run=20261120-100000-careful-camera-0&run=20261120-100000-careful-camera-1"},
	{"runs", "/runs"},
	{"edit", "/runs/20261120-100000-careful-camera-0/edit"},
	{"sure", "/runs/20261120-100000-careful-camera-0/delete"},
	{"start", "/start"},
	{"box", "/box"},
	{"missing", "/nowhere"},
}

// axe-core (MPL-2.0) looks for what keeps people from reading a page.
//
//go:embed testdata/axe.min.js
var axe string

// TestTheViewsInABrowser: no view at any width scrolls sideways, complains, asks
// anybody else, or has a serious fault of accessibility.
func TestTheViewsInABrowser(t *testing.T) {
	_, server := opened(t)
	b := newBrowser(t, server.URL)
	for _, size := range sizes {
		for _, v := range shown {
			t.Run(v.name+"/"+size.name, func(t *testing.T) {
				var faults string
				var inner, scroll int64
				err := chromedp.Run(b.ctx,
					emulation.SetDeviceMetricsOverride(size.width, size.height, 1, false),
					chromedp.Navigate(server.URL+v.path),
					chromedp.Evaluate("window.innerWidth", &inner),
					chromedp.Evaluate("document.documentElement.scrollWidth", &scroll),
					chromedp.Evaluate(axe+";0", nil),
					chromedp.Evaluate(serious, &faults, func(p *cdruntime.EvaluateParams) *cdruntime.EvaluateParams { return p.WithAwaitPromise(true) }),
				)
				if err != nil {
					t.Fatal(err)
				}
				b.picture(t, v.name+"-"+size.name)
				if scroll > inner {
					t.Errorf("the page is %d pixels wide in a window of %d", scroll, inner)
				}
				if faults != "[]" {
					t.Errorf("axe-core found %s", faults)
				}
				complaints, outside := b.take()
				if len(complaints) > 0 || len(outside) > 0 {
					t.Errorf("the console said %q, requests went to %q", complaints, outside)
				}
			})
		}
	}
}

// serious runs axe-core and gives its serious findings as JSON.
const serious = `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations
  .filter(v => v.impact === "serious" || v.impact === "critical")
  .map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + n.any.map(a => a.message).join(" ").slice(0, 200)).join(" | "))))`

// picture keeps what the window shows, where somebody wants to look at it.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv(pictures)
	if folder == "" {
		return
	}
	var picture []byte
	if err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot(&picture)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
		t.Error(err)
	}
}

// TestAChangeIsSeenAtOnce: what changes on the box is on the open page within a
// second.
func TestAChangeIsSeenAtOnce(t *testing.T) {
	s, server := opened(t)
	b := newBrowser(t, server.URL)
	err := chromedp.Run(b.ctx, chromedp.Navigate(server.URL+"/"),
		chromedp.Poll(`document.documentElement.dataset.connected === "yes"`, nil, chromedp.WithPollingTimeout(5*time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	s.change(func(l *panel.Live) {
		runs := append([]panel.Run{}, l.Runs...)
		runs[0].Step.Words = "a new thing is tried"
		runs[0].Did = append(runs[0].Did, panel.Moment{At: time.Now(), Kind: "mqtt", About: "broker.plug.example", Times: 1})
		l.Runs = runs
	})
	err = chromedp.Run(b.ctx, chromedp.Poll(
		`document.querySelector("#live-doing").innerText.includes("a new thing is tried") && document.querySelector("#live-did").innerText.includes("broker.plug.example")`,
		nil, chromedp.WithPollingTimeout(time.Second)))
	if err != nil {
		t.Fatalf("the change did not arrive within a second: %v", err)
	}
}

// TestTheKeyboardReachesEverything: with the tab key alone every link, button and
// field of a view is reached, in order and visibly.
func TestTheKeyboardReachesEverything(t *testing.T) {
	_, server := opened(t)
	b := newBrowser(t, server.URL)
	for _, path := range []string{"/", "/runs", "/compare?only=differences", "/start", "/box"} {
		var left []string
		err := chromedp.Run(b.ctx, chromedp.Navigate(server.URL+path), chromedp.Evaluate(tabbable, nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			var done bool
			if err := chromedp.Run(b.ctx, chromedp.KeyEvent("\t"), chromedp.Evaluate(`reached()`, &done)); err != nil {
				t.Fatal(err)
			}
			if done {
				break
			}
		}
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(`[...todo].map(e => e.outerHTML.slice(0, 120))`, &left)); err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			t.Errorf("%s: the keyboard does not reach %q", path, left)
		}
	}
}

// tabbable notes what has to be reached and takes away what was, when its focus can be
// seen.
const tabbable = `window.todo = new Set([...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")].filter(e => e.checkVisibility()));
window.reached = () => { const e = document.activeElement; const s = getComputedStyle(e);
  if (s.outlineStyle !== "none" || e.type === "checkbox") todo.delete(e); return todo.size === 0; }; 0`

// TestThePageIsSmall: all that a view makes the browser load stays under 200 KB.
func TestThePageIsSmall(t *testing.T) {
	_, server := opened(t)
	b := newBrowser(t, server.URL)
	for _, v := range shown[:3] {
		var sizes string
		err := chromedp.Run(b.ctx, chromedp.Navigate(server.URL+v.path),
			chromedp.Evaluate(`JSON.stringify(performance.getEntries().filter(e => e.decodedBodySize !== undefined).map(e => [e.name, e.decodedBodySize]))`, &sizes))
		if err != nil {
			t.Fatal(err)
		}
		var list [][2]any
		if err := json.Unmarshal([]byte(sizes), &list); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, e := range list {
			sum += e[1].(float64)
		}
		if sum == 0 || sum > 200_000 {
			t.Errorf("%s loads %.0f bytes: %s", v.path, sum, sizes)
		}
	}
}
