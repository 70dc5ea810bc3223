package fact_test

import (
	"net/netip"
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// offer is one hello of the device; swallowed ones get no answer, and a note says so.
func (f *forgery) offer(h event.ClientHello, swallowed bool) {
	f.port++
	client := netip.AddrPortFrom(deviceAddr, f.port)
	f.put(event.Event{Client: client, Server: tlsCloud, Flow: event.FlowID(f.port), Body: h})
	if swallowed {
		f.note(event.InterceptNote{
			Phase: event.Ended, Case: event.CaseSwallowed, Outcome: event.InterceptSwallowed, Client: client, Server: tlsCloud, Name: "cam.example",
		})
	}
}

// TestFallback: what a device offers after a hello that got no answer.
func TestFallback(t *testing.T) {
	usual, older := hello13("cam.example"), hello12("cam.example")
	signalled := hello12("cam.example")
	signalled.Fallback = true
	fewer := hello13("cam.example")
	fewer.Suites = fewer.Suites[:3]
	hashes := hello13("cam.example")
	hashes.SigAlgs = hashes.SigAlgs[:1]
	another := hello13("cam.example")
	another.Suites, another.SigAlgs = []uint16{0x1301, 0xcca9}, []uint16{0x0403, 0x0805}
	elsewhere := hello12("api.example")
	for _, c := range []struct {
		name   string
		before []event.ClientHello
		after  []event.ClientHello
		want   string
	}{
		{"as before", []event.ClientHello{usual}, []event.ClientHello{usual, usual, usual, usual, usual}, "fallback.steady"},
		{"an older version", []event.ClientHello{usual}, []event.ClientHello{older, usual}, "fallback.weaker"},
		{"at the third try", []event.ClientHello{usual}, []event.ClientHello{usual, usual, older}, "fallback.weaker"},
		{"fewer suites", []event.ClientHello{usual}, []event.ClientHello{fewer}, "fallback.weaker"},
		{"fewer signatures", []event.ClientHello{usual}, []event.ClientHello{hashes}, "fallback.weaker"},
		{"with the signal", []event.ClientHello{usual}, []event.ClientHello{signalled}, "fallback.signalled"},
		{"no retry", []event.ClientHello{usual}, nil, "fallback.short"},
		{"four", []event.ClientHello{usual}, []event.ClientHello{usual, usual, usual, usual}, "fallback.short"},
		{"another program", []event.ClientHello{usual}, []event.ClientHello{another, another, another, another, another}, "fallback.short"},
		{"two programs all along", []event.ClientHello{older, usual}, []event.ClientHello{older, usual, older, usual, older}, "fallback.mixed"},
		{"nothing seen before", nil, []event.ClientHello{older}, "fallback.mixed"},
		{"another destination", []event.ClientHello{usual}, []event.ClientHello{usual, elsewhere, usual, elsewhere, usual, usual, usual}, "fallback.steady"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery()
			for _, h := range c.before {
				f.offer(h, false)
			}
			f.offer(usual, true)
			for _, h := range c.after {
				f.offer(h, false)
			}
			want := map[string]int64{
				"fallback.short": 0, "fallback.mixed": 0, "fallback.signalled": 0, "fallback.weaker": 0, "fallback.steady": 0, "fallback.swallowed": 1,
			}
			want[c.want] = 1
			wantInts(t, f.o.Sheet(sceneDevice, fact.Closing{}), want)
		})
	}
}

// TestASwallowedHelloNeedsItsPacket: a note without the hello it is about says nothing.
func TestASwallowedHelloNeedsItsPacket(t *testing.T) {
	f := newForgery()
	f.note(event.InterceptNote{
		Phase: event.Ended, Case: event.CaseSwallowed, Outcome: event.InterceptSwallowed,
		Client: netip.AddrPortFrom(deviceAddr, 50000), Server: tlsCloud,
	})
	f.offer(hello12("cam.example"), false)
	wantInts(t, f.o.Sheet(sceneDevice, fact.Closing{}), map[string]int64{"fallback.swallowed": 0})
}
