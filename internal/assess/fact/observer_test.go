package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// The hosts of most tests: a device and its router.
var (
	testDevice = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 0x10})
	testRouter = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 0x01})
	testStart  = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

func flowTo(ref event.Ref, server string) event.Event {
	return event.Event{
		At: testStart.Add(time.Duration(ref) * time.Second), Ref: ref, First: ref, Flow: event.FlowID(ref),
		Device: testDevice, Peer: testRouter,
		Client: netip.MustParseAddrPort("192.168.1.10:40000"), Server: netip.MustParseAddrPort(server),
		Body: event.FlowStarted{Transport: event.TCP},
	}
}

func intFact(t *testing.T, s *Sheet, key string) int64 {
	t.Helper()
	f, ok := s.Get(key)
	if !ok {
		t.Fatalf("fact %s is unknown", key)
	}
	n, ok := f.Value.(int64)
	if !ok {
		t.Fatalf("fact %s is %T", key, f.Value)
	}
	return n
}

func TestScopeFollowsTheNetwork(t *testing.T) {
	o := NewObserver()
	o.Add(flowTo(1, "203.0.113.9:443"))
	o.Add(flowTo(2, "192.168.1.77:80"))
	o.Add(flowTo(3, "[2001:db8::9]:443"))
	if n := intFact(t, o.Sheet(testDevice, Closing{}), "flows.internet"); n != 2 {
		t.Errorf("%d conversations with the internet, want 2", n)
	}
	// A router that puts 2001:db8::/64 on the link makes that address a neighbour.
	o = NewObserver()
	o.Add(event.Event{At: testStart, Ref: 1, Device: testRouter, Body: event.RouterAdvertised{HopLimit: 255, Lifetime: time.Hour,
		Prefixes: []event.AdvertisedPrefix{{Prefix: netip.MustParsePrefix("2001:db8::/64"), OnLink: true}}}})
	o.Add(flowTo(3, "[2001:db8::9]:443"))
	if n := intFact(t, o.Sheet(testDevice, Closing{}), "flows.internet"); n != 0 {
		t.Errorf("%d conversations with the internet, want 0: the address is on the link", n)
	}
}

func TestAdvertisementFromAfarIsNotBelieved(t *testing.T) {
	o := NewObserver()
	o.Add(event.Event{At: testStart, Ref: 1, Device: testRouter, Body: event.RouterAdvertised{HopLimit: 64, Lifetime: time.Hour,
		Prefixes: []event.AdvertisedPrefix{{Prefix: netip.MustParsePrefix("2001:db8::/64"), OnLink: true}}}})
	o.Add(flowTo(2, "[2001:db8::9]:443"))
	if n := intFact(t, o.Sheet(testDevice, Closing{}), "flows.internet"); n != 1 {
		t.Errorf("%d conversations with the internet, want 1", n)
	}
}

func TestGaplessNeedsEveryFrame(t *testing.T) {
	tests := []struct {
		name    string
		closing Closing
		events  []event.Body
		want    bool
	}{
		{"nothing missing", Closing{Frames: 5}, nil, true},
		{"frames reported lost", Closing{Lost: 1}, nil, false},
		{"frames cut by a snap length", Closing{Cut: 1}, nil, false},
		{"a loss among the events", Closing{}, []event.Body{event.FramesLost{Dropped: 3}}, false},
		{"bytes missing in a conversation", Closing{}, []event.Body{event.FlowEnded{Server: event.Half{Missing: 10}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := NewObserver()
			o.Add(flowTo(1, "203.0.113.9:443"))
			for i, b := range tt.events {
				ev := flowTo(event.Ref(i+2), "203.0.113.9:443")
				ev.Body = b
				o.Add(ev)
			}
			f, ok := o.Sheet(testDevice, tt.closing).Get("capture.gapless")
			if !ok || f.Value != tt.want {
				t.Errorf("capture.gapless is %v, want %v", f.Value, tt.want)
			}
		})
	}
}

func TestHostsAreBounded(t *testing.T) {
	o := NewObserver()
	for i := range 3 * hostLimit {
		ev := flowTo(event.Ref(i+1), "203.0.113.9:443")
		ev.Device = event.HostByMAC([6]byte{2, 0, 0, 1, byte(i >> 8), byte(i)})
		o.Add(ev)
	}
	if n := len(o.Hosts()); n != hostLimit {
		t.Errorf("%d hosts are kept, the limit is %d", n, hostLimit)
	}
}

func TestBecauseNeverSharesItsArray(t *testing.T) {
	var a, other Because
	add := func(b *Because, ref event.Ref) {
		ev := flowTo(ref, "203.0.113.9:443")
		b.Add(&ev)
	}
	for i := range 3 {
		add(&a, event.Ref(i+1))
	}
	add(&other, 9)
	joined := a
	joined.Join(other)
	add(&a, 4)
	if joined.events[3].Ref != 9 || a.events[3].Ref != 4 || joined.Seen() != 4 {
		t.Errorf("a joined copy changed with its origin: %d and %d", joined.events[3].Ref, a.events[3].Ref)
	}
}

func TestSchemaIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Schema() {
		if seen[d.Key] || d.Doc == "" || d.Type.String() == "?" {
			t.Errorf("declaration %+v: the key is unique, the type known, the doc not empty", d)
		}
		seen[d.Key] = true
	}
}
