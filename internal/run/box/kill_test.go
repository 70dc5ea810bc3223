//go:build linux

package box

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/assess"
	"assay/internal/assess/evidence"
	"assay/internal/assess/report"
	"assay/internal/gateway/netos"
	"assay/internal/run/config"
	"assay/internal/run/plan"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/lab"
)

// envChild tells this program that it is the box that is killed: its value is an
// order in JSON.
const envChild = "ASSAY_TEST_BOX"

// order is what a child does.
type order struct {
	Settings config.Config
	CA       []byte
	// Change kills the child when it is about to change the host for the nth time;
	// 0 never does.
	Change int
	// State kills it when a run comes to this state.
	State session.State
	Steps plan.Plan
	Next  plan.Plan // of the next run alone
}

// killer kills the process at one of the kernel's changes.
type killer struct {
	netos.Kernel
	left int
}

func (k *killer) count() {
	if k.left--; k.left == 0 {
		die()
	}
}

func die() {
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}

func (k *killer) SetLinkUp(name string, up bool) error {
	k.count()
	return k.Kernel.SetLinkUp(name, up)
}

func (k *killer) AddAddress(a netos.Address) error {
	k.count()
	return k.Kernel.AddAddress(a)
}

func (k *killer) RemoveAddress(a netos.Address) error {
	k.count()
	return k.Kernel.RemoveAddress(a)
}

func (k *killer) AddRoute(r netos.Route) error {
	k.count()
	return k.Kernel.AddRoute(r)
}

func (k *killer) RemoveRoute(r netos.Route) error {
	k.count()
	return k.Kernel.RemoveRoute(r)
}

func (k *killer) SetSysctl(key, value string) error {
	k.count()
	return k.Kernel.SetSysctl(key, value)
}

func (k *killer) ReplaceTable(t netos.Table) error {
	k.count()
	return k.Kernel.ReplaceTable(t)
}

func (k *killer) RemoveTable(n netos.TableName) error {
	k.count()
	return k.Kernel.RemoveTable(n)
}

// child is the box in a process of its own: it says "up", waits for the end of its
// input, closes and says how many changes it made.
func child(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fail(err)
	}
	real, err := netos.New(netos.Options{})
	if err != nil {
		return fail(err)
	}
	k := &killer{Kernel: real, left: o.Change}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.CA)
	cfg := boxConfig(o.Settings, k, roots, func(s session.Snapshot) {
		if s.State == o.State {
			die()
		}
		say(s.State)
	})
	if cfg.Steps = o.Steps; o.Steps.ID != "" {
		cfg.Plan = o.Steps.ID
	}
	cfg.Progress = func(p plan.Progress) { say("step", p.Step, p.Words) }
	b, err := Start(context.Background(), cfg)
	if err != nil {
		return fail(err)
	}
	if err := o.choose(b); err != nil {
		return fail(err)
	}
	say("up", -k.left)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := b.Close(context.Background()); err != nil {
		return fail(err)
	}
	say("closed", -k.left)
	return 0
}

func say(words ...any) { _, _ = fmt.Fprintln(os.Stdout, words...) }

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "the box failed:", err)
	return 1
}

// process is a running child.
type process struct {
	w     *world
	cmd   *exec.Cmd
	in    io.Closer
	lines *bufio.Scanner
}

func (w *world) spawn(o order) *process {
	w.t.Helper()
	o.Settings, o.CA = w.settings, w.internet.CAPEM()
	text, err := json.Marshal(o)
	must(w.t, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envChild+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(w.t, err)
	out, err := cmd.StdoutPipe()
	must(w.t, err)
	must(w.t, cmd.Start())
	p := &process{w, cmd, in, bufio.NewScanner(out)}
	w.t.Cleanup(p.release)
	return p
}

// says waits until the child says a word; false when it ended before.
func (p *process) says(word string) bool {
	for p.lines.Scan() {
		if strings.HasPrefix(p.lines.Text(), word) {
			return true
		}
	}
	return false
}

// release lets a child of a test that failed put the host back.
func (p *process) release() {
	if p.cmd.ProcessState == nil {
		_ = p.in.Close()
		p.says("closed")
		_ = p.cmd.Wait()
	}
}

func (p *process) must(word string) {
	p.w.t.Helper()
	if !p.says(word) {
		p.w.t.Fatalf("the box ended before it said %q", word)
	}
}

// changes is the number in the line that was said last.
func (p *process) changes() (n int) {
	_, err := fmt.Sscanf(p.lines.Text(), "%s %d", new(string), &n)
	must(p.w.t, err)
	return n
}

// ended reaps the child, which must have been killed, or not.
func (p *process) ended(killed bool) {
	p.w.t.Helper()
	p.says("nothing more")
	err := p.cmd.Wait()
	if got := err != nil && err.Error() == "signal: killed"; got != killed || !killed && err != nil {
		p.w.t.Fatalf("the child ended with %v, want killed: %v", err, killed)
	}
}

// whole runs a box from start to end without harm.
func (w *world) whole() (starting, all int) {
	w.t.Helper()
	p := w.spawn(order{})
	p.must("up")
	starting = p.changes()
	must(w.t, p.in.Close())
	p.must("closed")
	all = p.changes()
	p.ended(false)
	return starting, all
}

// bare takes the uplink's port down: what the kernel learns by itself from the
// network's advertisements while it is up is not the box's doing.
func (w *world) bare() (before string) {
	w.t.Helper()
	must(w.t, w.lab.Gateway.Down(lab.WANLink))
	return lab.Snapshot(w.lab.Gateway)
}

// unchanged compares the host with what it was.
func (w *world) unchanged(when, before string) {
	w.t.Helper()
	if diff := cmp.Diff(before, lab.Snapshot(w.lab.Gateway)); diff != "" {
		w.t.Errorf("%s, the host is not as it was:\n%s", when, diff)
	}
}

// TestHostIsAsBeforeAfterKill kills the box while it starts and while it stops.
func TestHostIsAsBeforeAfterKill(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	before := w.bare()
	starting, all := w.whole()
	w.unchanged("after a whole life", before)
	t.Logf("%d changes at the start, %d in all", starting, all)
	moments := []int{1, starting / 2, starting, (starting + all) / 2, all}
	killed := 0
	for _, n := range moments {
		p := w.spawn(order{Change: n})
		if p.says("up") {
			must(t, p.in.Close())
		}
		if !p.says("closed") { // the uplink decides how many changes there are
			p.ended(true)
			killed++
		}
		w.whole()
		w.unchanged(fmt.Sprintf("after a kill before change %d of %d", n, all), before)
	}
	if killed < len(moments)-1 {
		t.Errorf("only %d of %d were killed", killed, len(moments))
	}
}

// TestKilledRunIsGraded kills the box when its run has only begun, and later.
func TestKilledRunIsGraded(t *testing.T) {
	for _, c := range []struct{ when, recorded string }{
		{"at the first frame", mac(0)}, {"at work", "www\x03cam\x07example"},
	} {
		t.Run(c.when, func(t *testing.T) {
			w := newWorld(t, lab.Options{Switch: true})
			before := w.bare()
			p := w.spawn(order{})
			p.must("up")
			w.do(0, lease+visit)
			p.must(string(session.Joined))
			var synced []byte
			w.until("the log reaches the disk", func() bool {
				synced, _ = os.ReadFile(w.places()[0].Path(store.EvidenceFile))
				return bytes.Contains(synced, []byte(c.recorded))
			})
			must(t, p.cmd.Process.Kill())
			p.ended(true)
			w.whole()
			w.unchanged("after a kill "+c.when, before)
			w.interrupted(synced)
		})
	}
}

// TestKilledWhileRunConcludes kills the box before and after the last report is
// made; it is not kept yet.
func TestKilledWhileRunConcludes(t *testing.T) {
	for _, state := range []session.State{session.Concluding, session.Done} {
		t.Run(string(state), func(t *testing.T) {
			w := newWorld(t, lab.Options{Switch: true})
			before := w.bare()
			p := w.spawn(order{State: state})
			p.must("up")
			w.do(0, lease+visit)
			must(t, p.in.Close())
			p.ended(true)
			w.whole()
			w.unchanged("after a kill at "+string(state), before)
			w.interrupted(nil)
		})
	}
}

// TestKilledAtTheFirstFrame kills the box before anything is recorded.
func TestKilledAtTheFirstFrame(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	before := w.bare()
	p := w.spawn(order{State: session.Joined})
	p.must("up")
	must(t, w.lab.Device(0).Up(lab.DeviceLink))
	p.ended(true)
	for range 2 {
		w.whole()
		w.unchanged("after a kill at the first frame", before)
	}
	if r := w.places()[0].Record(); r.State != store.Interrupted || r.MAC != mac(0) {
		t.Errorf("the record says %q of %s, want %q", r.State, r.MAC, store.Interrupted)
	}
}

// interrupted checks the one run of a box that was killed: it is told as
// interrupted, its evidence is that of the killed box, and its report is what the
// evidence says.
func (w *world) interrupted(synced []byte) {
	w.t.Helper()
	list := w.places()
	if len(list) == 0 {
		w.t.Fatal("the run is not there any more")
	}
	p := list[0]
	if r := p.Record(); r.State != store.Interrupted || r.MAC != mac(0) {
		w.t.Errorf("the record says %q of %s, want %q", r.State, r.MAC, store.Interrupted)
	}
	log, err := os.ReadFile(p.Path(store.EvidenceFile))
	must(w.t, err)
	if !bytes.HasPrefix(log, synced) {
		w.t.Errorf("of %d bytes that were on the disk not all are there", len(synced))
	}
	w.same(p, log)
	var on unix.Stat_t
	must(w.t, unix.Stat(p.Path(store.EvidenceFile), &on))
	if size := on.Blocks * 512; size > int64(len(log))+1<<20 {
		w.t.Errorf("%d bytes of evidence hold %d bytes of the disk", len(log), size)
	}
}

// same grades the evidence of a run again.
func (w *world) same(p store.Place, log []byte) {
	w.t.Helper()
	want, err := report.JSON(grade(w.t, log))
	must(w.t, err)
	got, err := os.ReadFile(p.Path(store.JSONFile))
	must(w.t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		w.t.Errorf("the report is not that of its evidence:\n%s", diff)
	}
}

// grade is the report of an evidence file.
func grade(t *testing.T, log []byte) report.Report {
	t.Helper()
	r, err := evidence.NewReader(bytes.NewReader(log))
	must(t, err)
	a := assess.New(book(), assess.About{File: store.EvidenceFile, Version: "test", Plan: "capture"})
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		a.Add(e)
	}
	a.Close()
	sum := sha256.Sum256(log)
	return a.Report(assess.AsOf{SHA256: sum[:], Bytes: uint64(len(log)), Truncated: r.Truncated()})
}
