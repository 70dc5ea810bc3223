package fact_test

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// clearScene builds the events around one device, in order, for the facts about
// credentials, clear data and updates.
type clearScene struct {
	events []event.Event
	at     time.Time
	flow   event.FlowID
}

var (
	sceneDevice = event.HostByMAC([6]byte{0x02, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e})
	sceneRouter = event.HostByMAC([6]byte{0x02, 0, 0, 0, 0, 1})
	sceneGuest  = event.HostByMAC([6]byte{0x02, 0, 0, 0, 0, 9})
	deviceAddr  = netip.MustParseAddr("192.168.7.20")
	guestAddr   = netip.MustParseAddr("192.168.7.30")
	cloudAddr   = netip.MustParseAddr("203.0.113.10")
)

func newClearScene() *clearScene {
	s := &clearScene{at: time.Unix(1_700_000_000, 0).UTC()}
	s.put(event.Event{Device: sceneDevice, Body: event.AddressUsed{Addr: deviceAddr}})
	s.put(event.Event{Device: sceneGuest, Body: event.AddressUsed{Addr: guestAddr}})
	s.put(event.Event{Device: sceneRouter, Body: event.AddressUsed{Addr: cloudAddr}})
	return s
}

func (s *clearScene) put(ev event.Event) event.Ref {
	s.at = s.at.Add(time.Second)
	ev.At, ev.Ref = s.at, event.Ref(len(s.events)+1)
	ev.First = ev.Ref
	s.events = append(s.events, ev)
	return ev.Ref
}

func (s *clearScene) wait(d time.Duration) *clearScene { s.at = s.at.Add(d); return s }

// toCloud begins a conversation of the device with an internet server.
func (s *clearScene) toCloud(port uint16) event.Event {
	s.flow++
	return event.Event{Device: sceneDevice, Peer: sceneRouter, Flow: s.flow,
		Client: netip.AddrPortFrom(deviceAddr, 40000), Server: netip.AddrPortFrom(cloudAddr, port)}
}

// toGuest begins a conversation of the device with a host on the local network.
func (s *clearScene) toGuest(port uint16) event.Event {
	ev := s.toCloud(port)
	ev.Peer, ev.Server = sceneGuest, netip.AddrPortFrom(guestAddr, port)
	return ev
}

// atDevice begins a conversation of somebody local with a service of the device.
func (s *clearScene) atDevice(port uint16) event.Event {
	s.flow++
	return event.Event{Device: sceneGuest, Peer: sceneDevice, Flow: s.flow,
		Client: netip.AddrPortFrom(guestAddr, 40000), Server: netip.AddrPortFrom(deviceAddr, port)}
}

func with(ev event.Event, b event.Body) event.Event { ev.Body = b; return ev }

// ended puts the end of a conversation with 100 bytes each way, changed by fix.
func (s *clearScene) ended(ev event.Event, protocol string, fix func(*event.FlowEnded)) {
	b := event.FlowEnded{Transport: event.TCP, Protocol: protocol, Established: true,
		Client: event.Half{Packets: 1, Bytes: 100}, Server: event.Half{Packets: 1, Bytes: 100}}
	if fix != nil {
		fix(&b)
	}
	s.put(with(ev, b))
}

// facts states what is known of the device; change may add to the closing.
func (s *clearScene) facts(change func(*fact.Closing)) *fact.Sheet {
	o := fact.NewObserver()
	for _, ev := range s.events {
		o.Add(ev)
	}
	c := fact.Closing{Statements: map[string]string{}, Credentials: []fact.Credential{
		{Vendor: "V", Service: "any", User: "admin", Secret: "12345", Source: "manual"},
		{Vendor: "V", Service: "telnet", User: "root", Secret: "xc3511", Source: "list"},
		{Vendor: "V", Service: "http", User: "admin", Secret: "", Source: "manual"},
		{Vendor: "V", Service: "snmp", User: "", Secret: "public", Source: "list"},
	}}
	if change != nil {
		change(&c)
	}
	return o.Sheet(sceneDevice, c)
}

// wantInts compares counts.
func wantInts(t *testing.T, sheet *fact.Sheet, want map[string]int64) {
	t.Helper()
	for key, n := range want {
		f, ok := sheet.Get(key)
		if !ok {
			t.Errorf("%s is unknown, want %d", key, n)
			continue
		}
		if f.Value != n {
			t.Errorf("%s = %v, want %d", key, f.Value, n)
		}
		if n > 0 && len(f.Because) == 0 && key != "login.compared" {
			t.Errorf("%s = %d without evidence", key, n)
		}
	}
}
