package decode

import (
	"encoding/binary"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// links are the link types that FuzzFrame chooses from.
var links = []evidence.LinkType{
	evidence.LinkEthernet, evidence.LinkEthernet, evidence.LinkEthernet, evidence.LinkRaw,
	evidence.LinkNull, evidence.LinkLoop, evidence.LinkSLL, evidence.LinkSLL2,
	evidence.LinkIPv4, evidence.LinkIPv6, evidence.LinkRawBSD, 147,
}

// FuzzFrame reads its input as a sequence of frames: link type, seconds since the
// one before, bytes cut off, length, bytes.
func FuzzFrame(f *testing.F) {
	for _, seed := range frameSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := record(t)
		for len(b) >= 5 {
			link, pause, cut := links[int(b[0])%len(links)], b[1], int(b[2])
			size := min(int(binary.BigEndian.Uint16(b[3:5])), len(b)-5)
			r.wait(time.Duration(pause) * time.Second)
			r.cutFrame(link, b[5:5+size], size+cut)
			b = b[5+size:]
		}
		r.Close()
		checkBooks(t, r)
	})
}

// checkBooks asserts what holds after any input.
func checkBooks(t *testing.T, r *recorder) {
	t.Helper()
	for _, e := range r.events {
		checkRefs(t, e, r.num)
		_ = e.Body.Describe()
	}
	checkFlows(t, r.events)
	if r.held != 0 || r.buffered != 0 || r.measured != 0 {
		t.Fatalf("held %d, buffered %d, measured %d bytes at the end", r.held, r.buffered, r.measured)
	}
	if r.fragments.held < 0 || r.fragments.held > fragmentBytes || len(r.fragments.waiting) > fragmentedLimit {
		t.Fatalf("fragments hold %d bytes in %d packets", r.fragments.held, len(r.fragments.waiting))
	}
}

func checkRefs(t *testing.T, e event.Event, last event.Ref) {
	t.Helper()
	if e.First > e.Ref || e.First == 0 || e.Ref > last {
		t.Fatalf("%T rests on frames %d to %d of %d", e.Body, e.First, e.Ref, last)
	}
}

// checkFlows asserts that each conversation started once and ended once.
func checkFlows(t *testing.T, events []event.Event) {
	t.Helper()
	started, ended := map[event.FlowID]int{}, map[event.FlowID]int{}
	for _, e := range events {
		switch e.Body.(type) {
		case event.FlowStarted:
			started[e.Flow]++
		case event.FlowEnded:
			ended[e.Flow]++
		default:
		}
	}
	for id, n := range started {
		if n != 1 || ended[id] != 1 {
			t.Fatalf("conversation %d started %d times and ended %d times", id, n, ended[id])
		}
	}
	if len(started) != len(ended) {
		t.Fatalf("%d conversations started, %d ended", len(started), len(ended))
	}
}

// seq puts frames into the form of FuzzFrame's input.
func seq(link byte, frames ...[]byte) []byte {
	var out []byte
	for _, b := range frames {
		out = append(out, link, 0, 0, byte(len(b)>>8), byte(len(b)))
		out = append(out, b...)
	}
	return out
}

func frameSeeds(t testing.TB) [][]byte {
	hello := []byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	tcp := seq(0,
		tcpFrame(t, web, "S", 100, 0, nil), tcpFrame(t, web.back(), "SA", 500, 101, nil),
		tcpFrame(t, web, "A", 101, 501, hello), tcpFrame(t, web.back(), "A", 520, 136, []byte("late")),
		tcpFrame(t, web.back(), "A", 501, 136, []byte("HTTP/1.1 200 OK\r\n\r\n")),
		tcpFrame(t, web, "FA", 136, 524, nil), tcpFrame(t, web.back(), "FA", 524, 137, nil))
	six := ends{device6, server6, 40001, 53}
	udp := seq(0, udpFrame(t, six, []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01")))
	raw := seq(3, udpFrame(t, six, hello)[14:], tcpFrame(t, web, "S", 1, 0, hello)[14:])
	arp := seq(0, arpFrame(1, deviceMAC, device4, server4))
	return [][]byte{tcp, udp, raw, arp, append(seq(6, make([]byte, 40)), tcp...)}
}
