//go:build linux

package box

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/mdlayher/ndp"

	"assay/internal/assess/evidence"
	"assay/internal/run/session"
	"assay/testbench/lab"
)

// TestAdapterComesBack: the LAN port is a USB adapter that is pulled out and put in
// again, twice. Every service of the box is there again, and so is the record, which
// says what happened.
func TestAdapterComesBack(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.start()
	w.do(0, lease+visit)
	w.serves()
	for range 2 {
		must(t, w.lab.PullOut())
		must(t, w.lab.PutBack(nil))
		w.serves()
		w.do(0, lease+visit)
	}
	select {
	case <-w.box.Failed():
		t.Error("a part of the box failed")
	default:
	}
	must(t, w.box.lan.Check())
	if r := w.runs.of(""); len(r) != 1 || r[0].State != session.Observing {
		t.Errorf("the runs are %+v, want one that goes on", r)
	}
	w.stop()
	story := w.said("link")
	for _, word := range []string{`"port":"lan0","state":"gone"`, `"port":"lan0","state":"back"`, `"service":"dhcp6","state":"up"`, `"service":"ra","state":"up"`, `"service":"ntp","state":"up"`} {
		if strings.Count(story, word) != 2 {
			t.Errorf("the notes do not say twice %s:\n%s", word, story)
		}
	}
	if n := strings.Count(dump(w.entries(w.places()[0])), "cam\x07example"); n < 3 {
		t.Errorf("the evidence holds %d questions of three visits", n)
	}
}

// TestAnotherAdapter: a port with another address is another port; the box ends and
// says so.
func TestAnotherAdapter(t *testing.T) {
	w := newWorld(t, lab.Options{Switch: true})
	w.start()
	w.do(0, lease)
	w.serves()
	must(t, w.lab.PullOut())
	must(t, w.lab.PutBack(net.HardwareAddr{0, 0, 0x5e, 0, 0x53, 0xf8}))
	<-w.box.Failed()
	err := w.box.Close(t.Context())
	w.kernel.Close()
	w.box = nil
	if err == nil || !strings.Contains(err.Error(), "came back with the address 00:00:5e:00:53:f8 and had 00:00:5e:00:53:f0") {
		t.Errorf("ended with %v", err)
	}
}

// said are the notes of a kind in the evidence of the first run.
func (w *world) said(kind string) string {
	var out []string
	for _, e := range w.entries(w.places()[0]) {
		if e.Kind == evidence.KindNote && e.Note.Kind == kind {
			out = append(out, string(e.Note.Body))
		}
	}
	return strings.Join(out, "\n")
}

// serves waits until every service of the box answers the device.
func (w *world) serves() {
	w.t.Helper()
	near := w.box.Addresses().LinkLocal.String() + "%eth0"
	for _, how := range []string{"@192.168.77.1", "+tcp @192.168.77.1", "@" + near, "+tcp @" + near} {
		w.until("DNS answers "+how, func() bool {
			out, _ := w.try(0, "dig +tries=1 +time=1 "+how+" www.lock.example")
			return strings.Contains(out, "NOERROR")
		})
	}
	w.synchronised()
	w.until("DHCPv6 answers", w.informs)
	w.until("a router is advertised", w.solicits)
}

// informs asks for the network's settings (RFC 8415 section 18.2.6).
func (w *world) informs() bool {
	var c *net.UDPConn
	must(w.t, w.lab.Device(0).Do(func() (err error) {
		c, err = net.ListenUDP("udp6", &net.UDPAddr{Port: 546})
		return err
	}))
	defer func() { _ = c.Close() }()
	ask := append([]byte{11, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1}, deviceMAC...)
	if _, err := c.WriteToUDP(append(ask, 0, 6, 0, 2, 0, 23), &net.UDPAddr{IP: net.ParseIP("ff02::1:2"), Port: 547, Zone: lab.DeviceLink}); err != nil {
		return false
	}
	must(w.t, c.SetReadDeadline(soon()))
	answer := make([]byte, 1500)
	n, err := c.Read(answer)
	return err == nil && n > 4 && answer[0] == 7
}

// solicits asks for routers (RFC 4861 section 6.3.7).
func (w *world) solicits() (answered bool) {
	must(w.t, w.lab.Device(0).Do(func() error {
		eth, err := net.InterfaceByName(lab.DeviceLink)
		if err != nil {
			return err
		}
		c, _, err := ndp.Listen(eth, ndp.LinkLocal)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if err := c.WriteTo(&ndp.RouterSolicitation{}, nil, netip.MustParseAddr("ff02::2")); err != nil {
			return err
		}
		for err = c.SetReadDeadline(soon()); err == nil && !answered; {
			var m ndp.Message
			m, _, _, err = c.ReadFrom()
			_, answered = m.(*ndp.RouterAdvertisement)
		}
		return nil
	}))
	return answered
}
