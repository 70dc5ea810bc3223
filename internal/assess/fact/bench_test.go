package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// busyHome is an hour of a home of twenty devices that look names up and talk TLS
// to many servers: what most events of a capture are.
func busyHome() []event.Event {
	const devices, rounds = 20, 60
	half := event.Half{Packets: 8, Bytes: 4000}
	hello := event.ClientHello{
		Transport: event.TCP, Legacy: 0x0303, Versions: []uint16{0x0304, 0x0303}, HasSNI: true,
		Suites: []uint16{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x002f},
		Groups: []uint16{29, 23, 24}, SigAlgs: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805},
	}
	var out []event.Event
	for i := range devices * rounds {
		device, round := byte(i%devices), i/devices
		server := netip.AddrFrom4([4]byte{203, 0, 113, byte(round % 9)})
		name := string(rune('a'+round%9)) + ".example."
		hello.SNI = name
		question := event.Ref(len(out) + 2)
		ask := netip.MustParseAddrPort("192.168.1.1:53")
		for n, b := range []event.Body{
			event.ARPSeen{Sender: netip.AddrFrom4([4]byte{192, 168, 1, device + 10}), Target: ask.Addr()},
			event.DNSAsked{Transport: event.UDP, ID: uint16(i), Name: name, Type: rrA, Class: 1, RD: true},
			event.DNSAnswered{Transport: event.UDP, ID: uint16(i), Name: name, Type: rrA, Question: question,
				Records: []event.Record{{Name: name, Type: rrA, TTL: 300, Addr: server}}},
			event.FlowStarted{Transport: event.TCP}, event.FlowEstablished{Transport: event.TCP}, hello,
			event.ServerHello{Transport: event.TCP, Version: 0x0304, Suite: 0x1301, Group: 29},
			event.TLSAppData{From: event.FromClient, Length: 80}, event.TLSAppData{From: event.FromServer, Length: 80},
			event.FlowEnded{Transport: event.TCP, How: event.EndedByClose, Protocol: "tls", Client: half, Server: half},
		} {
			ev := event.Event{
				At: testStart.Add(time.Duration(len(out)) * 300 * time.Millisecond), Ref: event.Ref(len(out) + 1),
				Device: event.HostByMAC([6]byte{2, 0, 0, 0, 1, device}), Peer: testRouter, Body: b,
				Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 1, device + 10}), uint16(20000+i)),
				Server: ask,
			}
			if n > 2 {
				ev.Flow, ev.Server = event.FlowID(i+1), netip.AddrPortFrom(server, 443)
			}
			ev.First = ev.Ref
			out = append(out, ev)
		}
	}
	return out
}

// BenchmarkObserver measures what one event costs on its way into the facts.
func BenchmarkObserver(b *testing.B) {
	events := busyHome()
	b.ReportAllocs()
	for b.Loop() {
		o := NewObserver()
		for i := range events {
			o.Add(events[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}
