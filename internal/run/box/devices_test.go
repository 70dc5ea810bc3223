//go:build linux

package box

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"assay/internal/assess/evidence"
	"assay/internal/run/session"
	"assay/internal/run/store"
	"assay/testbench/lab"
)

// strangers are the senders of unicast frames in the evidence of a device that are
// neither its own nor the box's.
func strangers(own string, entries []evidence.Entry) []string {
	known := []string{own, "00:00:5e:00:53:f0"} // the box's port in the lab
	var out []string
	for _, e := range entries {
		if e.Kind != evidence.KindPacket || len(e.Packet.Data) < 14 {
			continue
		}
		to, from := net.HardwareAddr(e.Packet.Data[0:6]), net.HardwareAddr(e.Packet.Data[6:12])
		if !slices.Contains(known, from.String()) {
			out = append(out, from.String())
		}
		if to[0]&1 == 0 && !slices.Contains(known, to.String()) {
			out = append(out, to.String())
		}
	}
	return out
}

// alone checks that every run on disk holds its own device's traffic and nothing
// of another's, was graded, and lost nothing; it returns the devices.
func (w *world) alone() (devices []string) {
	w.t.Helper()
	for _, p := range w.places() {
		own := p.Record().MAC
		devices = append(devices, own)
		entries := w.entries(p)
		if s := strangers(own, entries); len(s) > 0 {
			w.t.Errorf("the evidence of %s holds %d frames of others: %s", own, len(s), s[0])
		}
		r := w.report(p)
		if len(r.Findings) == 0 || r.Lost > 0 {
			w.t.Errorf("the report on %s has %d findings, and %d frames were lost", own, len(r.Findings), r.Lost)
		}
		if !strings.Contains(dump(entries), "cam\x07example") {
			w.t.Errorf("the evidence of %s does not hold its visit", own)
		}
	}
	return devices
}

func dump(entries []evidence.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		b.Write(e.Packet.Data)
	}
	return b.String()
}

// TestDevicesOnASwitch: two devices are two runs, another MAC address is a third
// one, and a pulled cable is none.
func TestDevicesOnASwitch(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	w.start()
	w.do(0, lease+visit)
	w.do(1, lease+visit)
	must(t, w.lab.Unplug(0))
	must(t, w.lab.Plug(0))
	must(t, w.lab.Device(0).Down(lab.DeviceLink))
	w.do(0, "ip link set eth0 up\n"+lease+visit)
	other := net.HardwareAddr{0, 0, 0x5e, 0, 0x53, 0x77}
	must(t, w.lab.SetMAC(1, other))
	w.do(1, lease+visit)
	for _, m := range []string{mac(0), mac(1), other.String()} {
		w.until("the run of "+m, func() bool { r := w.runs.of(m); return len(r) == 1 && r[0].State == session.Observing })
	}
	w.stop()
	got := w.alone()
	slices.Sort(got)
	if want := []string{mac(0), mac(1), other.String()}; !slices.Equal(got, want) {
		t.Errorf("there are runs of %v, want %v", got, want)
	}
}

// TestCableOfASingleDevice: the port loses its carrier, the run stays, and its
// evidence says so.
func TestCableOfASingleDevice(t *testing.T) {
	w := newWorld(t, lab.Options{})
	w.start()
	w.do(0, lease+visit)
	must(t, w.lab.Unplug(0))
	w.until("the evidence says that the cable is out", func() bool {
		log, _ := os.ReadFile(w.places()[0].Path(store.EvidenceFile))
		return !w.carrier() && bytes.Contains(log, []byte(`{"state":"down"}`))
	})
	must(t, w.lab.Plug(0))
	w.until("the port has its carrier again", w.carrier)
	w.do(0, lease+visit)
	w.stop()
	if got := w.alone(); !slices.Equal(got, []string{mac(0)}) {
		t.Errorf("there are runs of %v, want one", got)
	}
	var said []string
	for _, e := range w.entries(w.places()[0]) {
		if e.Note.Kind == "link" {
			said = append(said, string(e.Note.Body))
		}
	}
	if all := strings.Join(said, " "); !strings.Contains(all, "down") || !strings.Contains(all, "up") {
		t.Errorf("the evidence says of the link: %s", all)
	}
}

func (w *world) carrier() bool {
	links, err := w.kernel.Links()
	must(w.t, err)
	for _, l := range links {
		if l.Name == lab.LANLink {
			return l.Carrier
		}
	}
	return false
}

// TestDevicesThatNeverAsk: a device with an address of its own, and one that was up
// before the gateway.
func TestDevicesThatNeverAsk(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	const settle = `ip route add default via 192.168.77.1; echo nameserver 192.168.77.1 >/etc/resolv.conf`
	early, static := w.lab.Device(0), w.lab.Device(1)
	must(t, early.Assign(lab.DeviceLink, netip.MustParsePrefix("192.168.77.8/24")))
	w.do(0, settle)
	if out, err := w.try(0, "curl -4 -sS -m 0.5 http://192.168.77.1/"); err == nil {
		t.Fatalf("there is a gateway already: %s", out)
	}
	w.start()
	must(t, static.Assign(lab.DeviceLink, netip.MustParsePrefix("192.168.77.9/24")))
	w.do(1, settle+"\n"+visit)
	w.do(0, visit)
	w.stop()
	got := w.alone()
	slices.Sort(got)
	if want := []string{mac(0), mac(1)}; !slices.Equal(got, want) {
		t.Errorf("there are runs of %v, want %v", got, want)
	}
}
