//go:build linux

package lab

import (
	"bufio"
	"net/netip"
	"testing"
)

// TestPowerOff: a device that is switched off does nothing any more and has lost its
// addresses; the one beside it does not notice.
func TestPowerOff(t *testing.T) {
	ctx, l := start(t, Options{Devices: 2})
	var ended [2]chan error
	for i := range ended {
		d := l.Device(i)
		must(t, d.Assign(DeviceLink, netip.MustParsePrefix("192.0.2.7/24")), d.Assign(DeviceLink, netip.MustParsePrefix("2001:db8::7/64")),
			d.WriteFile("/etc/resolv.conf", []byte("nameserver 192.0.2.1\n"), 0o644))
		cmd := d.Command(ctx, "sh", "-c", lingerer)
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		_, err = bufio.NewReader(out).ReadString('\n') // the lingerer is there
		must(t, err)
		ended[i] = make(chan error, 1)
		go func() { ended[i] <- cmd.Wait() }()
	}
	bare := Snapshot(l.Device(1))
	must(t, l.PowerOff(0))
	if err := <-ended[0]; err == nil {
		t.Error("the program of the device that was switched off ended well")
	}
	links, err := l.Device(0).routes.AddrList(nil, 0)
	must(t, err)
	for _, a := range links {
		if !a.IP.IsLoopback() {
			t.Errorf("the device still has the address %s", a.IP)
		}
	}
	if text, err := l.Device(0).ReadFile("/etc/resolv.conf"); err != nil || len(text) != 0 {
		t.Errorf("resolv.conf: %q, %v", text, err)
	}
	select {
	case err := <-ended[1]:
		t.Errorf("the program of the other device ended: %v", err)
	default:
	}
	if now := Snapshot(l.Device(1)); now != bare {
		t.Errorf("the other device changed from\n%s\nto\n%s", bare, now)
	}
	must(t, l.PowerOff(0)) // it is off already
	again := l.Device(0).Command(ctx, "true")
	must(t, again.Run())
}
