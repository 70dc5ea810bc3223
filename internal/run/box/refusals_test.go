//go:build linux

package box

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"assay/testbench/lab"
)

// TestRefusalsAreCountedAndNoted: one broken message of each kind to each service is
// counted under its reason, and the evidence says so.
func TestRefusalsAreCountedAndNoted(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	w.start()
	w.do(0, lease+visit)
	w.do(1, lease)
	send := rawSocket(t, w.lab.Device(1))
	before, err := w.box.lan.Counts()
	must(t, err)
	list := w.broken()
	for _, b := range list {
		must(t, send(b.frame))
	}
	must(t, send(w.fromAfar()))
	w.overTCP([]byte{0, 14, 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 'a'})
	w.overTCP([]byte{0xff, 0xff, 1, 2, 3})
	for _, b := range list {
		w.until(b.service+" counts "+b.reason, func() bool { return w.counted(b.service, b.reason) > 0 })
	}
	w.until("a question over TCP that is too long is counted", func() bool { return w.counted("resolver", "too long") == 1 })
	w.until("both broken questions are counted", func() bool { return w.box.resolver.Counts().Malformed == 2 })
	w.until("a solicitation from afar is refused by the firewall", func() bool {
		now, err := w.box.lan.Counts()
		must(t, err)
		return now.Input > before.Input
	})
	w.serves()
	w.stop()
	notes := w.said("refused")
	for _, b := range append(list, broken{service: "resolver", reason: "too long"}) {
		by := "service"
		if b.service == "resolver" {
			by = "by"
		}
		if want := fmt.Sprintf("%q:%q,\"reason\":%q", by, b.service, b.reason); !strings.Contains(notes, want) {
			t.Errorf("no note says %s:\n%s", want, notes)
		}
	}
}

// fromAfar is a neighbour solicitation that came over a router, which none may (RFC
// 4861 section 7.1.1).
func (w *world) fromAfar() []byte {
	near := w.box.Addresses().LinkLocal
	f := ip(lanMAC, []byte{0, 0, 0x5e, 0, 0x53, 2}, netip.MustParseAddr("fe80::200:5eff:fe00:5302"), near, 58,
		append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, near.AsSlice()...), 2)
	f[21] = 64 // the hop limit
	return f
}

// overTCP sends bytes to the box's DNS and reads until the box closes.
func (w *world) overTCP(b []byte) {
	w.t.Helper()
	c, err := w.lab.Device(0).Dial(w.t.Context(), "tcp", "192.168.77.1:53")
	must(w.t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write(b)
	must(w.t, err)
	must(w.t, c.SetReadDeadline(soon()))
	_, _ = io.ReadAll(c) // an answer, the end or a reset: what was counted is looked at
}

// counted is how often a service refused something for a reason.
func (w *world) counted(service, reason string) uint64 {
	s := w.box.services
	switch service {
	case "dhcp4":
		return s.v4.Counts()["refused: "+reason]
	case "dhcp6":
		return s.v6.Counts()["refused: "+reason]
	case "ra":
		return s.ra.Counts()["refused: "+reason]
	case "ntp":
		return s.ntp.Counts()["refused: "+reason]
	}
	return w.box.resolver.Counts().Refused[reason]
}

// broken is a message that a service must refuse.
type broken struct {
	service, reason string
	frame           []byte
}

// broken are messages to all services, each wrong in one way.
func (w *world) broken() []broken {
	box := netip.MustParseAddr("192.168.77.1")
	me := netip.MustParseAddr(address(w.do(1, "ip -4 -br addr show dev eth0")))
	me6 := netip.MustParseAddr("fe80::200:5eff:fe00:5302")
	client := []byte{0, 0, 0x5e, 0, 0x53, 2}
	to := func(port uint16, b ...byte) []byte {
		return udp(lanMAC, client, netip.AddrPortFrom(me, 40000), netip.AddrPortFrom(box, port), b)
	}
	dhcp6 := func(b ...byte) []byte {
		return udp([]byte{0x33, 0x33, 0, 1, 0, 2}, client, netip.AddrPortFrom(me6, 546), netip.AddrPortFrom(netip.MustParseAddr("ff02::1:2"), 547), b)
	}
	routers := func(b ...byte) []byte {
		return ip([]byte{0x33, 0x33, 0, 0, 0, 2}, client, me6, netip.MustParseAddr("ff02::2"), 58, b, 2)
	}
	clock := func(first byte) []byte { return to(123, append([]byte{first}, make([]byte, 47)...)...) }
	return []broken{
		{"dhcp4", "malformed", udp(broadcast, client, netip.AddrPortFrom(unspecified, 68), netip.AddrPortFrom(everybody, 67), dhcp(client, 1, 53, 200))},
		{"dhcp6", "malformed", dhcp6(1, 1, 2, 3, 0, 1, 0, 200, 0)},
		{"dhcp6", "no client identifier", dhcp6(1, 1, 2, 3)},
		{"dhcp6", "a message that clients do not send", dhcp6(7, 1, 2, 3)},
		{"dhcp6", "relayed", dhcp6(12, 0)},
		{"ra", "malformed", routers(133, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
		{"ra", "another router advertises itself", routers(append([]byte{134, 0, 0, 0, 64}, make([]byte, 11)...)...)},
		{"ntp", "malformed", to(123, 0x23, 0, 0)},
		{"ntp", "unknown version", clock(0x3b)},
		{"ntp", "control or private message", clock(0x16)},
		{"resolver", "malformed", to(53, 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 'a')},
		{"resolver", "not a question", to(53, 1, 2, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0)},
	}
}

// headersOf counts the bytes of a good frame before what a service reads: Ethernet, IP
// and, where it is one, UDP. ICMPv6 is read whole.
func headersOf(f []byte) int {
	switch {
	case f[12] == 8 && f[13] == 0:
		return 14 + 20 + 8
	case f[12] == 0x86 && f[20] == 17:
		return 14 + 40 + 8
	case f[12] == 0x86:
		return 14 + 40
	}
	return 14
}

// mutate breaks a frame: some of its bytes are others, are doubled, or are gone. The
// checksums are made right again, so that the services get to see it.
func mutate(r *rand.Rand, good []byte) []byte {
	f := append([]byte{}, good...)
	from := 14
	if r.IntN(4) > 0 {
		from = headersOf(f)
	}
	switch r.IntN(4) {
	case 0:
		f = f[:from+r.IntN(len(f)-from)]
	case 1:
		at := from + r.IntN(len(f)-from)
		f = append(f[:at:at], append(append([]byte{}, f[from:]...), f[at:]...)...)
	}
	for range 1 + r.IntN(6) {
		if len(f) > from {
			f[from+r.IntN(len(f)-from)] = byte(r.Uint32()) //nolint:gosec // the low bits are meant
		}
	}
	return mend(f)
}

// mend puts lengths and checksums right where the frame still is UDP over IP, or
// ICMPv6.
func mend(f []byte) []byte {
	switch {
	case len(f) >= 42 && f[12] == 8 && f[13] == 0 && f[14] == 0x45 && f[23] == 17:
		return datagram(f, f[26:30], f[30:34], f[34:])
	case len(f) >= 62 && f[12] == 0x86 && f[13] == 0xdd:
		return mend6(f)
	}
	return f
}

func mend6(f []byte) []byte {
	src, dst, body := f[22:38], f[38:54], append([]byte{}, f[54:]...)
	switch f[20] {
	case 17:
		return datagram(f, src, dst, body)
	case 58:
		body[2], body[3] = 0, 0
		return ip(f[0:6], f[6:12], netip.AddrFrom16([16]byte(src)), netip.AddrFrom16([16]byte(dst)), 58, body, 2)
	}
	return f
}

// datagram makes the frame again around what its UDP header and payload say.
func datagram(f, src, dst, body []byte) []byte {
	at := func(a []byte, port int) netip.AddrPort {
		addr, _ := netip.AddrFromSlice(a)
		return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(body[port:]))
	}
	return udp(f[0:6], f[6:12], at(src, 0), at(dst, 2), body[8:])
}
