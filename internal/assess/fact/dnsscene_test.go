package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// nameScene makes the events of one device that joins a network, asks names and
// connects. Its parts are turned off or bent one at a time by the tests.
type nameScene struct {
	evs  []event.Event
	now  time.Time
	port uint16
	id   uint16
	flow event.FlowID
}

var (
	dnsDevice = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 10})
	dnsRouter = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 1})
)

const (
	homeResolver = "192.168.1.1"
	farResolver  = "8.8.8.8"
)

func newNameScene() *nameScene {
	return &nameScene{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), port: 40000, id: 7919}
}

func (s *nameScene) wait(d time.Duration) { s.now = s.now.Add(d) }

// add appends an event a millisecond later and returns its number.
func (s *nameScene) add(server string, port uint16, b event.Body) event.Ref {
	s.wait(time.Millisecond)
	ref := event.Ref(len(s.evs) + 1)
	ev := event.Event{At: s.now, Ref: ref, First: ref, Device: dnsDevice, Peer: dnsRouter, Flow: s.flow, Body: b}
	if server != "" {
		ev.Client = netip.AddrPortFrom(netip.MustParseAddr("192.168.1.50"), s.port)
		ev.Server = netip.AddrPortFrom(netip.MustParseAddr(server), port)
	}
	s.evs = append(s.evs, ev)
	return ref
}

// boot makes the device join, and be offered a resolver and a time server.
func (s *nameScene) boot() {
	s.add("", 0, event.DHCP4{Type: 1})
	s.add("", 0, event.DHCP4{FromServer: true, Type: 5, Netmask: 24,
		YourAddr: netip.MustParseAddr("192.168.1.50"), DNS: []netip.Addr{netip.MustParseAddr(homeResolver)}})
}

// random is a cheap spread of numbers that never counts up.
func (s *nameScene) random() {
	s.id = s.id*25173 + 13849
	s.port = 32768 + (s.id^0x5a5a)%28000
}

// resolve asks a resolver for a name and lets it answer with an address.
func (s *nameScene) resolve(resolver, name, addr string) {
	s.random()
	q := s.ask(resolver, event.DNSAsked{Name: name, Type: 1})
	s.answer(resolver, name, q, 60, addr)
}

func (s *nameScene) ask(resolver string, q event.DNSAsked) event.Ref {
	q.Transport, q.ID, q.Class, q.RD = event.UDP, s.id, 1, true
	s.flow++
	s.add(resolver, 53, event.FlowStarted{Transport: event.UDP})
	return s.add(resolver, 53, q)
}

func (s *nameScene) answer(resolver, name string, q event.Ref, ttl uint32, addrs ...string) {
	a := event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: name, Type: 1, RA: true, Question: q, After: time.Millisecond}
	for _, x := range addrs {
		a.Records = append(a.Records, event.Record{Name: name, Type: 1, TTL: ttl, Addr: netip.MustParseAddr(x)})
	}
	s.add(resolver, 53, a)
}

// connect opens a conversation that is answered.
func (s *nameScene) connect(addr string, port uint16, tr event.Transport) {
	s.flow++
	s.add(addr, port, event.FlowStarted{Transport: tr})
	s.add(addr, port, event.FlowEstablished{Transport: tr, After: time.Millisecond})
}

// ordinary is a device as it should be: boots, resolves six names at the offered
// resolver, and connects to each.
func ordinary() *nameScene {
	s := newNameScene()
	s.boot()
	for i, name := range []string{"a.example.", "b.example.", "c.example.", "d.example.", "e.example.", "f.example."} {
		addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}).String()
		s.resolve(homeResolver, name, addr)
		s.connect(addr, 443, event.TCP)
	}
	return s
}

func (s *nameScene) sheet() *Sheet { return sheetOf(s.evs, Closing{}) }

func sheetOf(evs []event.Event, c Closing) *Sheet {
	o := NewObserver()
	for _, ev := range evs {
		o.Add(ev)
	}
	return o.Sheet(dnsDevice, c)
}

// wantFacts compares some facts; a value of nil means unknown.
func wantFacts(t *testing.T, got *Sheet, want map[string]any) {
	t.Helper()
	for key, w := range want {
		f, known := got.Get(key)
		if n, isInt := w.(int); isInt {
			w = int64(n)
		}
		switch {
		case w == nil && known:
			t.Errorf("%s is %v, want unknown", key, f.Value)
		case w != nil && !known:
			t.Errorf("%s is unknown, want %v", key, w)
		case w != nil && f.Value != w:
			t.Errorf("%s is %v, want %v", key, f.Value, w)
		}
	}
}

// listOf is a list fact.
func listOf(t *testing.T, s *Sheet, key string) []string {
	t.Helper()
	f, known := s.Get(key)
	if !known {
		t.Fatalf("%s is unknown", key)
	}
	return f.Value.([]string)
}
