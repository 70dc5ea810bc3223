//go:build linux

package box

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"assay/internal/assess/evidence"
	"assay/internal/run/session"
	"assay/testbench/lab"
)

// forged is how many clients with forged addresses ask at once, and memoryBound what
// the box may grow by meanwhile, in bytes: its tables hold some thousands of clients,
// and each of the devices at most has a log's buffer and an assessment.
const (
	forged      = 10_000
	memoryBound = 96 << 20
)

// TestForgedClients: a device that asks for an address ten thousand times and more,
// each time as another, takes nothing from its neighbour, which renews meanwhile, and
// fills neither disk nor memory.
func TestForgedClients(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	w.start()
	w.do(0, lease)
	held := address(w.do(0, "ip -4 -br addr show dev eth0"))
	before := heap()
	send := rawSocket(t, w.lab.Device(1))
	random := rand.New(rand.NewPCG(4, 10_000))
	renewed := make(chan error, 1)
	go func() {
		_, err := w.try(0, "busybox udhcpc -n -q -i eth0 -r "+held+" >/dev/null 2>&1")
		renewed <- err
	}()
	for n := 0; n < forged || n < 10*forged && len(renewed) == 0; n++ {
		client := binary.BigEndian.AppendUint64(nil, random.Uint64())[:6]
		client[0] = client[0]&^1 | 2
		must(t, send(discover(client, random.Uint32())))
	}
	must(t, <-renewed)
	w.do(0, visit)
	if now := address(w.do(0, "ip -4 -br addr show dev eth0")); now != held {
		t.Errorf("the device had %s and has %s", held, now)
	}
	if grown := heap() - before; grown > memoryBound {
		t.Errorf("the box grew by %d bytes", grown)
	}
	if n := w.box.services.v4.Counts()["received"]; n < forged/4 {
		t.Errorf("the server saw %d messages of %d: too few for a test", n, forged)
	}
	if n := len(w.places()); n > w.settings.Run.Devices {
		t.Errorf("there are %d runs on disk, at most %d devices are watched", n, w.settings.Run.Devices)
	}
	w.stop()
	if n := len(w.places()); n > w.settings.Run.Devices {
		t.Errorf("there are %d runs on disk after the end", n)
	}
}

// TestForgedAddressesHoldNoSeat: forged addresses have every seat before a device
// comes; it is watched all the same, from its first frame.
func TestForgedAddressesHoldNoSeat(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	w.start()
	send := rawSocket(t, w.lab.Device(1))
	looked := 0
	w.until("every seat is taken", func() bool {
		if looked%50 == 0 { // the first frames may be lost while the switch learns that the cable is in
			for i := range 2 * w.settings.Run.Devices {
				must(t, send(discover([]byte{2, 9, 9, 9, 9, byte(i)}, uint32(i))))
			}
		}
		looked++
		return len(w.runs.of("")) >= w.settings.Run.Devices
	})
	w.do(0, lease+visit)
	w.until("the device is watched", func() bool { r := w.runs.of(mac(0)); return len(r) == 1 && r[0].State == session.Observing })
	w.stop()
	for _, p := range w.places() {
		if p.Record().MAC != mac(0) {
			continue
		}
		first := w.entries(p)
		first = slices.DeleteFunc(first, func(e evidence.Entry) bool { return e.Kind != evidence.KindPacket })
		if text := dump(first[:min(6, len(first))]); !strings.Contains(text, "\x63\x82\x53\x63\x35\x01\x01") {
			t.Error("its evidence does not begin with its search for an address")
		}
	}
}

// address is the one that "ip -br addr" tells.
func address(line string) string {
	words := strings.Fields(line)
	if len(words) < 3 {
		return "none"
	}
	a, _, _ := strings.Cut(words[2], "/")
	return a
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// mutants is how many broken frames are sent.
const mutants = 4000

// TestBrokenFrames: after thousands of broken messages to every service of the box,
// a good device is served as ever, and what was refused is counted.
func TestBrokenFrames(t *testing.T) {
	w := newWorld(t, lab.Options{Devices: 2})
	w.start()
	w.do(0, lease+visit)
	send := rawSocket(t, w.lab.Device(1))
	random := rand.New(rand.NewPCG(5, mutants))
	good := w.goodFrames()
	for i := range mutants {
		f := mutate(random, good[i%len(good)])
		must(t, send(f[:min(len(f), 1500)]))
	}
	w.do(0, `dig +tries=1 +time=5 @192.168.77.1 www.lock.example | grep -q NOERROR
dig +tcp +tries=1 +time=5 @192.168.77.1 www.lock.example | grep -q NOERROR
`+lease+visit)
	w.synchronised()
	select {
	case <-w.box.Failed():
		t.Error("a part of the box failed")
	default:
	}
	for service, n := range w.refused() {
		if n == 0 {
			t.Errorf("%s refused nothing", service)
		}
	}
	w.stop()
	for _, p := range w.places() {
		if len(w.report(p).Findings) == 0 {
			t.Errorf("there is no report on %s", p.Record().MAC)
		}
		log, err := os.ReadFile(p.Path("evidence.pcapng"))
		must(t, err)
		w.same(p, log)
	}
}

// refused is how many messages each service of the box has refused.
func (w *world) refused() map[string]uint64 {
	s := w.box.services
	out := map[string]uint64{}
	for service, counts := range map[string]map[string]uint64{
		"dhcp4": s.v4.Counts(), "dhcp6": s.v6.Counts(), "ra": s.ra.Counts(), "ntp": s.ntp.Counts(),
	} {
		out[service] = 0
		for name, n := range counts {
			if strings.HasPrefix(name, "refused") {
				out[service] += n
			}
		}
	}
	out["resolver"] = w.box.resolver.Counts().Malformed
	return out
}

// goodFrames are messages that every service of the box would answer.
func (w *world) goodFrames() [][]byte {
	me, box := netip.MustParseAddr("192.168.77.9"), netip.MustParseAddr("192.168.77.1")
	me6, all := netip.MustParseAddr("fe80::200:5eff:fe00:5302"), netip.MustParseAddr("ff02::2")
	servers := netip.MustParseAddr("ff02::1:2")
	near := w.box.Addresses().LinkLocal
	client := []byte{0, 0, 0x5e, 0, 0x53, 2}
	to := func(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
	query := append([]byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}, "\x03www\x03cam\x07example\x00\x00\x01\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"...)
	time := append([]byte{0x23}, make([]byte, 47)...)
	solicit := append([]byte{1, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1}, client...)
	solicit = append(solicit, 0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0, 0, 6, 0, 4, 0, 23, 0, 31)
	inform := append([]byte{11, 1, 2, 3}, solicit[4:18]...)
	ask := append([]byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1}, client...)
	whois := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, near.AsSlice()...)
	request := append([]byte{53, 1, 3, 12, 3, 'c', 'a', 'm', 55, 4, 1, 3, 6, 42, 50, 4, 192, 168, 77, 40, 61, 7, 1}, client...)
	arp := append(append(append([]byte{}, broadcast...), client...), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	arp = append(append(append(append(arp, client...), me.AsSlice()...), make([]byte, 6)...), box.AsSlice()...)
	return [][]byte{
		discover(client, 7),
		udp(broadcast, client, to(unspecified, 68), to(everybody, 67), dhcp(client, 8, request...)),
		udp(lanMAC, client, to(me, 40000), to(box, 53), query),
		udp(lanMAC, client, to(me6, 40000), to(near, 53), query),
		udp(lanMAC, client, to(me, 40001), to(box, 123), time),
		udp([]byte{0x33, 0x33, 0, 1, 0, 2}, client, to(me6, 546), to(servers, 547), solicit),
		udp([]byte{0x33, 0x33, 0, 1, 0, 2}, client, to(me6, 546), to(servers, 547), inform),
		ip([]byte{0x33, 0x33, 0, 0, 0, 2}, client, me6, all, 58, ask, 2),
		ip(lanMAC, client, me6, near, 58, append(append(whois, 1, 1), client...), 2),
		arp,
	}
}

// synchronised asks for the time as a client does (RFC 5905).
func (w *world) synchronised() {
	w.t.Helper()
	c, err := w.lab.Device(0).Dial(w.t.Context(), "udp", "192.168.77.1:123")
	must(w.t, err)
	defer func() { _ = c.Close() }()
	answer := make([]byte, 48)
	w.until("the time is told", func() bool {
		_, err := c.Write(append([]byte{0x23}, make([]byte, 47)...))
		must(w.t, err)
		must(w.t, c.SetReadDeadline(soon()))
		n, err := c.Read(answer)
		return err == nil && n == 48 && answer[0]&7 == 4
	})
}
