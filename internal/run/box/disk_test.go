//go:build linux

package box

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/lab"
)

// small makes the folder of runs a disk of so many bytes.
func (w *world) small(options string) {
	w.t.Helper()
	folder := w.settings.Store.Folder
	must(w.t, os.MkdirAll(folder, 0o700))
	must(w.t, unix.Mount("tmpfs", folder, "tmpfs", 0, options))
	w.t.Cleanup(func() { must(w.t, unix.Unmount(folder, unix.MNT_DETACH)) })
}

// fill takes what is left of the disk; the file gives it back when it is removed.
func (w *world) fill() (file string) {
	w.t.Helper()
	file = filepath.Join(w.settings.Store.Folder, "ballast")
	f, err := os.Create(file)
	must(w.t, err)
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	must(w.t, f.Close())
	return file
}

// troubled waits for a run that tells of trouble.
func (w *world) troubled() (s session.Snapshot) {
	w.t.Helper()
	w.until("somebody tells of the full disk", func() bool {
		for _, r := range w.runs.of(mac(0)) {
			if r.Trouble != "" {
				s = r
				return true
			}
		}
		return false
	})
	return s
}

// TestDiskFullFromTheStart: there can be no run; that is told, and the device has
// its network.
func TestDiskFullFromTheStart(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.small("size=256k")
	w.start()
	w.do(0, lease+visit)
	if s := w.troubled(); s.State != session.Waiting || !strings.Contains(s.Trouble, "no space left") {
		t.Errorf("state %q, trouble %q", s.State, s.Trouble)
	}
	w.do(0, visit)
	w.stop()
	if list := w.places(); len(list) != 0 {
		t.Errorf("there are %d runs without evidence", len(list))
	}
}

// TestDiskFullInTheMiddle: what was recorded is graded, the trouble is told, and the
// device has its network.
func TestDiskFullInTheMiddle(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.small("size=8m")
	w.start()
	w.do(0, lease+visit)
	if r := w.runs.of(mac(0)); len(r) != 1 || r[0].Trouble != "" {
		t.Fatalf("the runs are %+v, want one without trouble", r)
	}
	ballast := w.fill()
	send := rawSocket(t, w.lab.Device(0))
	for frame := bigFrame(); w.runs.of(mac(0))[0].Trouble == ""; {
		must(t, send(frame))
	}
	s := w.troubled()
	if s.State.Ended() || !strings.Contains(s.Trouble, "no space left") {
		t.Errorf("state %q, trouble %q", s.State, s.Trouble)
	}
	w.do(0, visit)
	must(t, os.Remove(ballast)) // somebody makes room: the report can be kept
	w.stop()
	p := w.places()[0]
	if p.Record().State != store.Done {
		t.Errorf("the run is %q: %s", p.Record().State, p.Record().Why)
	}
	log, err := os.ReadFile(p.Path(store.EvidenceFile))
	must(t, err)
	if !bytes.Contains(log, []byte("www\x03cam\x07example")) {
		t.Error("the evidence of before is lost")
	}
	w.same(p, log)
}
