package decode

import (
	"net/netip"
	"testing"

	"assay/internal/assess/event"
)

var neighbour4 = netip.MustParseAddr("192.168.1.30")

// TestMidwayServer joins TCP conversations after their beginning: who is the
// client follows from what else is known, the first sender only as a last resort.
func TestMidwayServer(t *testing.T) {
	type seen struct {
		ends
		flags string
	}
	for _, c := range []struct {
		name    string
		before  []seen
		last    ends
		client  netip.Addr
		guessed bool
	}{
		{"a system port", nil, ends{server4, device4, 443, 50756}, device4, true},
		{"a port that clients are not given", nil, ends{server4, device4, 9292, 50756}, device4, true},
		{"the same from the client", nil, ends{device4, server4, 50756, 9292}, device4, true},
		{"like ports: the near end", nil, ends{server4, device4, 9292, 9393}, device4, true},
		{"like ports, both near: the sender", nil, ends{device4, neighbour4, 40000, 50000}, device4, true},
		{"an end that took a conversation", []seen{
			{ends{neighbour4, device4, 50000, 41000}, "S"}, {ends{device4, neighbour4, 41000, 50000}, "SA"},
		}, ends{device4, server4, 41000, 9292}, server4, false},
		{"an end that has several", []seen{
			{ends{device4, neighbour4, 41000, 50000}, "A"},
		}, ends{device4, server4, 41000, 50001}, server4, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			for _, s := range c.before {
				r.frame(tcpFrame(t, s.ends, s.flags, 1, 2, nil))
			}
			r.frame(tcpFrame(t, c.last, "A", 1, 1, nil))
			e := r.events[len(r.events)-1]
			for i := len(r.events) - 1; e.Body != (event.FlowStarted{Transport: event.TCP, Midway: true, Guessed: c.guessed}); i-- {
				if i < 0 {
					t.Fatalf("no such conversation begins: %v", r.events)
				}
				e = r.events[i]
			}
			if e.Client.Addr() != c.client {
				t.Errorf("the client is %s", e.Client)
			}
		})
	}
}

// TestContentTellsTheClient: what only a client says turns a wrong guess round,
// and what only a server says does too.
func TestContentTellsTheClient(t *testing.T) {
	hello := "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + string(make([]byte, 32)) + "\x00\x00\x02\x13\x01\x01\x00\x00\x00"
	for _, c := range []struct {
		name, says string
		ends
		events int // of type ClientHello or HTTPRequest
	}{
		{"an HTTP request", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", ends{device4, server4, 443, 50000}, 1},
		{"an HTTP response", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ends{server4, device4, 50000, 443}, 0},
		{"a ClientHello", hello, ends{device4, server4, 443, 50000}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			r.frame(tcpFrame(t, c.back(), "A", 1, 1, nil))
			r.frame(tcpFrame(t, c.ends, "A", 1, 1, []byte(c.says)))
			r.Close()
			end := r.events[len(r.events)-1]
			body := one[event.FlowEnded](r)
			if end.Client.Addr() != device4 || end.Device != event.HostByMAC(deviceMAC) || body.Guessed {
				t.Errorf("the client is %s, guessed %t", end.Client, body.Guessed)
			}
			if n := len(of[event.ClientHello](r)) + len(of[event.HTTPRequest](r)); n != c.events {
				t.Errorf("%d hellos and requests", n)
			}
			if body.Client.Bytes+body.Server.Bytes != uint64(len(c.says)) || body.Client.Packets != 1 {
				t.Errorf("got %+v", body)
			}
		})
	}
}

func TestEndsAreBounded(t *testing.T) {
	r := record(t)
	for i := range endLimit + 10 {
		r.noteListener(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 80))
	}
	if len(r.ends) != endLimit {
		t.Errorf("%d ends are kept", len(r.ends))
	}
}
