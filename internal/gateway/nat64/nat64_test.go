package nat64

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/gateway/nat64/siit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	device = netip.MustParseAddr("2001:db8:1::5")
	box    = netip.MustParseAddr("2001:db8:1::1")
	pool   = netip.MustParseAddr("192.0.0.2")
	far4   = netip.MustParseAddr("198.51.100.7")
)

func at6(a netip.Addr) netip.Addr { return siit.Embed(siit.WellKnown, a) }

// bench is a translator and what it sent.
type workbench struct {
	*translator
	sent [][]byte
}

func newBench() *workbench {
	w := &workbench{}
	cfg := Config{Link: "x", Pool: pool, Own: func() netip.Addr { return box }, Refuse: prefixes("198.51.100.0/30")}
	w.translator = newTranslator(cfg.withDefaults(), func(b []byte) { w.sent = append(w.sent, bytes.Clone(b)) })
	return w
}

// give hands a packet over and gives what was sent for it.
func (w *workbench) give(b []byte, now time.Duration) [][]byte {
	w.sent = nil
	w.handle(b, now)
	return w.sent
}

// tcp6 is a TCP segment of the device with the right checksum, made by translating an
// IPv4 one that has it.
func tcp6(from netip.Addr, port uint16, to netip.Addr, toPort uint16, flags byte) []byte {
	b := make([]byte, 24)
	binary.BigEndian.PutUint16(b, port)
	binary.BigEndian.PutUint16(b[2:], toPort)
	b[12], b[13] = 5<<4, flags
	return ip6(from, to, siit.ProtoTCP, b)
}

func ip6(from, to netip.Addr, protocol byte, body []byte) []byte {
	b := append([]byte{0x60, 0, 0, 0}, byte(len(body)>>8), byte(len(body)), protocol, 64)
	return append(append(append(b, from.AsSlice()...), to.AsSlice()...), body...)
}

func ip4(from, to netip.Addr, protocol byte, body []byte) []byte {
	b := append([]byte{0x45, 0}, byte((20+len(body))>>8), byte(20+len(body)), 0, 0, 0x40, 0, 64, protocol, 0, 0)
	return append(append(append(b, from.AsSlice()...), to.AsSlice()...), body...)
}

func parse(t *testing.T, b []byte) siit.Packet {
	t.Helper()
	read := siit.ParseIPv6
	if b[0]>>4 == 4 {
		read = siit.ParseIPv4
	}
	p, reason := read(b, false)
	if reason != "" {
		t.Fatalf("%q: %x", reason, b)
	}
	return p
}

// mapped is the port outside of a connection from port 5000 to port 443.
func (w *workbench) mapped(t *testing.T, from, to netip.Addr) uint16 {
	t.Helper()
	sent := w.give(tcp6(from, 5000, at6(to), 443, flagSYN), 0)
	if len(sent) != 1 {
		t.Fatalf("%d packets were sent", len(sent))
	}
	e := parse(t, sent[0]).Ends()
	if e.Src != pool || e.Dst != to || e.DstPort != 443 {
		t.Fatalf("%+v", e)
	}
	return e.SrcPort
}

// TestMappingIsEndpointIndependent: one port outside for one inside, whoever is
// spoken to; two devices with the same port get two.
func TestMappingIsEndpointIndependent(t *testing.T) {
	w := newBench()
	port := func(from, to netip.Addr) uint16 { return w.mapped(t, from, to) }
	other := netip.MustParseAddr("2001:db8:1::6")
	first := port(device, far4)
	if first != 5000 || port(device, netip.MustParseAddr("203.0.113.9")) != first {
		t.Errorf("the port is %d, or another for another server", first)
	}
	if second := port(other, far4); second == first || second < firstPort {
		t.Errorf("the second device has port %d", second)
	}
	answer := make([]byte, 20)
	binary.BigEndian.PutUint16(answer, 443)
	binary.BigEndian.PutUint16(answer[2:], first)
	sent := w.give(ip4(far4, pool, siit.ProtoTCP, answer), 0)
	if len(sent) != 1 || parse(t, sent[0]).Ends() != (siit.Ends{Src: at6(far4), Dst: device, SrcPort: 443, DstPort: 5000}) {
		t.Errorf("the answer is %x", sent)
	}
	binary.BigEndian.PutUint16(answer, 444)
	if sent := w.give(ip4(far4, pool, siit.ProtoTCP, answer), 0); len(sent) != 0 {
		t.Errorf("what nobody asked for gets in: %x", sent)
	}
}

// TestLifetimes are those of RFC 6146 section 4.
func TestLifetimes(t *testing.T) {
	segment := func(w *workbench, flags byte, out bool, now time.Duration) {
		b := tcp6(device, 5000, at6(far4), 443, flags)
		if !out {
			body := make([]byte, 20)
			binary.BigEndian.PutUint16(body, 443)
			binary.BigEndian.PutUint16(body[2:], 5000)
			body[13] = flags
			b = ip4(far4, pool, siit.ProtoTCP, body)
		}
		if len(w.give(b, now)) != 1 {
			t.Fatalf("a segment with flags %d was not translated", flags)
		}
	}
	open := func(w *workbench) {
		segment(w, flagSYN, true, 0)
		segment(w, flagSYN|16, false, 0)
		segment(w, 16, true, 0)
	}
	for _, c := range []struct {
		what  string
		begin func(*workbench)
		want  time.Duration
	}{
		{"opening", func(w *workbench) { segment(w, flagSYN, true, 0) }, 4 * time.Minute},
		{"open", open, 2*time.Hour + 4*time.Minute},
		{"half closed", func(w *workbench) { open(w); segment(w, flagFIN|16, true, 0) }, 2*time.Hour + 4*time.Minute},
		{"closed", func(w *workbench) {
			open(w)
			segment(w, flagFIN|16, true, 0)
			segment(w, flagFIN|16, false, 0)
			segment(w, 16, true, 0)
		}, 4 * time.Minute},
		{"reset", func(w *workbench) { open(w); segment(w, flagRST, false, 0) }, 4 * time.Minute},
		{"reset taken back", func(w *workbench) { open(w); segment(w, flagRST, false, 0); segment(w, 16, true, 0) }, 2*time.Hour + 4*time.Minute},
		{"UDP", func(w *workbench) { w.give(udp6(5000, 53), 0) }, 5 * time.Minute},
		{"echo", func(w *workbench) {
			w.give(ip6(device, at6(far4), siit.ProtoICMPv6, []byte{128, 0, 0, 0, 0, 9, 0, 1}), 0)
		}, time.Minute},
	} {
		w := newBench()
		c.begin(w)
		w.table.expire(c.want - 1)
		before := len(w.table.sessions)
		w.table.expire(c.want)
		if before != 1 || len(w.table.sessions)+len(w.table.ofHost)+len(w.table.byPort[protoTCP])+len(w.table.byInside[protoUDP]) != 0 {
			t.Errorf("%s: %d conversations shortly before %s, %d after", c.what, before, c.want, len(w.table.sessions))
		}
	}
}

func udp6(port, to uint16) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b, port)
	binary.BigEndian.PutUint16(b[2:], to)
	b[5], b[7] = 12, 1
	return ip6(device, at6(far4), siit.ProtoUDP, b)
}

// TestFlood: one device cannot fill the table, and what is open stays.
func TestFlood(t *testing.T) {
	w := newBench()
	w.give(tcp6(device, 4999, at6(far4), 443, flagSYN), 0)
	kept := w.table.sessions[sessionKey{inside{device, 4999, protoTCP}, outside{far4, 443}}]
	kept.tcp |= tcpOpened
	w.table.touch(kept, lifeTCP, 0)
	for i := range 10 * maxOfOneHost {
		w.give(udp6(uint16(i), uint16(i>>8)), time.Duration(i))
	}
	if n := w.table.ofHost[device]; n != maxOfOneHost || len(w.table.sessions) != n {
		t.Errorf("there are %d conversations of the device, of %d", n, len(w.table.sessions))
	}
	if w.table.sessions[kept.key] != kept {
		t.Error("an open connection was given up")
	}
	for i := range 2 * maxSessions {
		b := device.As16()
		b[8], b[9] = byte(i>>8), byte(i)
		w.give(tcp6(netip.AddrFrom16(b), 5000, at6(far4), uint16(i), flagSYN), time.Second)
	}
	if len(w.table.sessions) > maxSessions || len(w.table.byPort[protoTCP]) > maxSessions {
		t.Errorf("there are %d conversations", len(w.table.sessions))
	}
}

// TestRefused: nothing but the public internet is behind the prefix, and devices are
// told.
func TestRefused(t *testing.T) {
	for _, a := range []string{"10.1.2.3", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "192.0.0.2", "198.51.100.1"} {
		w := newBench()
		sent := w.give(tcp6(device, 5000, at6(netip.MustParseAddr(a)), 80, flagSYN), 0)
		if len(sent) != 1 || len(w.table.sessions) != 0 {
			t.Fatalf("%s: %x", a, sent)
		}
		if p := parse(t, sent[0]); p.Src != box || p.Dst != device || p.Payload[0] != 1 || p.Payload[1] != 1 {
			t.Errorf("%s: the device is told %+v", a, p)
		}
	}
}

// TestErrorsAreFew: a flood of refused packets is answered now and then.
func TestErrorsAreFew(t *testing.T) {
	w := newBench()
	for range 3 * errorsBurst {
		w.give(tcp6(device, 5000, at6(netip.MustParseAddr("10.0.0.1")), 80, flagSYN), 0)
	}
	if w.told.used > errorsBurst {
		t.Errorf("%v errors at once", w.told.used)
	}
}

// TestNotTranslated is what gets no answer at all.
func TestNotTranslated(t *testing.T) {
	w := newBench()
	for what, b := range map[string][]byte{
		"another prefix":      ip6(device, netip.MustParseAddr("2001:db8::1"), siit.ProtoUDP, make([]byte, 8)),
		"a source within it":  ip6(at6(far4), at6(far4), siit.ProtoUDP, make([]byte, 8)),
		"a source of nobody":  ip6(netip.IPv6Unspecified(), at6(far4), siit.ProtoUDP, make([]byte, 8)),
		"an unknown protocol": ip6(device, at6(far4), 132, make([]byte, 12)),
		"echo of an answer":   ip6(device, at6(far4), siit.ProtoICMPv6, []byte{129, 0, 0, 0, 0, 9, 0, 1}),
		"not to the pool":     ip4(far4, netip.MustParseAddr("192.0.0.3"), siit.ProtoUDP, make([]byte, 8)),
		"nothing":             nil,
	} {
		if sent := w.give(b, 0); len(sent) != 0 {
			t.Errorf("%s: %x", what, sent)
		}
	}
}

// TestHopLimitAndSize: the translator speaks as a router.
func TestHopLimitAndSize(t *testing.T) {
	w := newBench()
	b := tcp6(device, 5000, at6(far4), 80, flagSYN)
	b[7] = 1
	if p := parse(t, w.give(b, 0)[0]); p.Dst != device || p.Payload[0] != 3 {
		t.Errorf("the hop limit ends: %+v", p)
	}
	b[7] = 2
	if p := parse(t, w.give(b, 0)[0]); p.Hops != 1 || p.Src != pool {
		t.Errorf("%+v", p)
	}
}

// TestTooBig: what does not fit on the device's side is cut, or its sender told.
func TestTooBig(t *testing.T) {
	w := newBench()
	w.give(tcp6(device, 5000, at6(far4), 80, flagSYN), 0)
	body := make([]byte, 1480)
	binary.BigEndian.PutUint16(body, 80)
	binary.BigEndian.PutUint16(body[2:], 5000)
	big := ip4(far4, pool, siit.ProtoTCP, body)
	p := parse(t, w.give(big, 0)[0])
	if p.Dst != far4 || p.Payload[0] != 3 || p.Payload[1] != 4 || binary.BigEndian.Uint16(p.Payload[6:]) != 1480 {
		t.Errorf("too big: %+v", p)
	}
	big[6] = 0 // may be fragmented
	if sent := w.give(big, 0); len(sent) != 2 || len(sent[0]) > 1500 || len(sent[0])+len(sent[1]) != 1480+2*48 {
		t.Errorf("it was cut into %d", len(sent))
	}
}

// TestOpenRefuses says what a configuration lacks.
func TestOpenRefuses(t *testing.T) {
	for _, c := range []Config{{Pool: pool}, {Link: "x"}, {Link: "x", Pool: box}, {Link: "x", Pool: pool, MTU: 1200}, {Link: "x", Pool: pool, Prefix: netip.MustParsePrefix("fd00::/8")}} {
		if n, err := Open(c); err == nil {
			t.Errorf("%+v is taken: %v", c, n.Close())
		}
	}
}

// pipe is a device that gives packets from a channel.
type pipe struct {
	packets chan []byte
	done    chan struct{}
}

func (p pipe) Read(b []byte) (int, error) {
	select {
	case x := <-p.packets:
		return copy(b, x), nil
	case <-p.done:
		return 0, os.ErrClosed
	}
}
func (p pipe) Write(b []byte) (int, error) { p.packets <- bytes.Clone(b); return len(b), nil }
func (p pipe) Close() error {
	select {
	case <-p.done:
		return os.ErrClosed
	default:
		close(p.done)
		return nil
	}
}

func TestServeEnds(t *testing.T) {
	p := pipe{make(chan []byte, 1), make(chan struct{})}
	n := newNAT64(Config{Link: "x", Pool: pool}.withDefaults(), p)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Error(err)
	}
}

// FuzzTranslate throws packets of both versions at a translator that knows a few
// conversations. Whatever it sends must be a whole packet of an address of its own.
func FuzzTranslate(f *testing.F) {
	f.Add(tcp6(device, 5000, at6(far4), 80, flagSYN))
	f.Add(udp6(1, 2))
	f.Add(ip6(device, at6(far4), siit.ProtoICMPv6, []byte{128, 0, 0, 0, 0, 9, 0, 1}))
	f.Add(ip4(far4, pool, siit.ProtoTCP, make([]byte, 40)))
	f.Add(siit.Tell4(nil, siit.Expired, far4, pool, ip4(pool, far4, siit.ProtoUDP, []byte{0, 1, 0, 2, 0, 8, 0, 0}), 0, 1))
	f.Add(siit.Tell6(nil, siit.TooBig, device, at6(far4), ip6(at6(far4), device, siit.ProtoUDP, []byte{0, 2, 0, 1, 0, 8, 0, 0}), 1280))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newBench()
		w.give(udp6(1, 2), 0)
		w.give(tcp6(device, 5000, at6(far4), 80, flagSYN), 0)
		for _, sent := range w.give(b, time.Second) {
			checkSent(t, sent)
		}
	})
}

// checkSent wants a whole packet of an address of the translator's own.
func checkSent(t *testing.T, sent []byte) {
	t.Helper()
	read := siit.ParseIPv6
	if sent[0]>>4 == 4 {
		read = siit.ParseIPv4
	}
	p, reason := read(sent, false)
	if reason != "" || len(sent) > 1500 && p.Src != pool {
		t.Fatalf("%q, %d bytes: %x", reason, len(sent), sent)
	}
	if p.Src.Is4() && p.Src != pool || p.Src.Is6() && p.Src != box && !siit.WellKnown.Contains(p.Src) {
		t.Fatalf("it speaks as %s", p.Src)
	}
}

// BenchmarkTranslate is one segment of 1400 bytes of an open connection each way.
func BenchmarkTranslate(b *testing.B) {
	w := newBench()
	w.send = func([]byte) {}
	out := ip6(device, at6(far4), siit.ProtoTCP, append(tcp6(device, 5000, at6(far4), 80, flagSYN)[40:], make([]byte, 1380)...))
	body := make([]byte, 1400)
	binary.BigEndian.PutUint16(body, 80)
	binary.BigEndian.PutUint16(body[2:], 5000)
	in := ip4(far4, pool, siit.ProtoTCP, body)
	b.ReportAllocs()
	for b.Loop() {
		w.handle(out, 0)
		w.handle(in, 0)
	}
}
