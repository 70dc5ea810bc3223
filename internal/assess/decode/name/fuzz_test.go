package name

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

func FuzzDNS(f *testing.F) {
	for _, x := range readTranscript(f, "dig.txt") {
		f.Add(x.data, x.from == event.FromClient, uint16(portDNS))
	}
	f.Add(mdnsAnswer(f), true, uint16(portMDNS))
	f.Fuzz(func(t *testing.T, data []byte, client bool, port uint16) {
		from := event.FromServer
		if client {
			from = event.FromClient
		}
		for _, k := range Datagrams() {
			c := udp(40000, port)
			k.Recognise(c.conn, from, data)
			r := k.New()
			r.Packet(c, event.FromClient, data)
			r.Packet(c, event.FromServer, data)
			if n := len(c.bodies); n > 2*(questionLimit+1) {
				t.Errorf("one datagram made %d reports", n)
			}
			for _, b := range c.bodies {
				_ = b.Describe()
			}
		}
	})
}

func FuzzDNSStream(f *testing.F) {
	var all []byte
	for _, x := range readTranscript(f, "dig.txt") {
		all = append(all, frame(x.data)...)
	}
	f.Add(all, uint16(7))
	f.Add([]byte{0, 0, 0, 0, 0, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		at := int(cut) % (len(data) + 1)
		for _, k := range Streams() {
			k.Recognise(tcp(40000, portDNS).conn, event.FromClient, data)
			k.Recognise(tcp(40000, 9999).conn, event.FromClient, data)
		}
		whole, parts := feed(data), feed(data[:at], data[at:])
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzNTP(f *testing.F) {
	f.Add(make([]byte, ntpLen), uint16(portNTP))
	f.Add(ntsRequest(), uint16(portNTP))
	f.Fuzz(func(t *testing.T, data []byte, port uint16) {
		c := udp(40000, port)
		recogniseNTP(c.conn, event.FromClient, data)
		r := newNTP()
		r.Packet(c, event.FromClient, data)
		r.Packet(c, event.FromServer, data)
		for _, b := range c.bodies {
			_ = b.Describe()
		}
	})
}

// feed gives a stream its bytes in parts, as the decoder does, and returns what
// was reported.
func feed(parts ...[]byte) []string {
	c, s := tcp(40000, portDNS), newStream()
	var held []byte
	var out []string
	for _, part := range parts {
		held = append(held, part...)
		if len(held) == 0 {
			continue
		}
		step := s.Data(c, event.FromClient, held)
		for _, b := range c.bodies {
			out = append(out, b.Describe())
		}
		c.bodies, c.offs = nil, nil
		if step.Next != wire.More {
			return out
		}
		held = held[step.Consumed:]
	}
	return out
}

// However a conversation was cut into segments, it says the same.
func TestSplitAnywhere(t *testing.T) {
	var all []byte
	for _, x := range readTranscript(t, "dig.txt") {
		if x.from == event.FromClient {
			all = append(all, frame(x.data)...)
		}
	}
	want := feed(all)
	if len(want) < 10 {
		t.Fatalf("only %d reports", len(want))
	}
	rapid.Check(t, func(t *rapid.T) {
		rest := bytes.Clone(all)
		var parts [][]byte
		for len(rest) > 0 {
			n := rapid.IntRange(1, min(len(rest), 120)).Draw(t, "n")
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		if diff := cmp.Diff(want, feed(parts...)); diff != "" {
			t.Fatal(diff)
		}
	})
}
