package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

var (
	camMAC    = [6]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}
	cam       = event.HostByMAC(camMAC)
	routerMAC = event.HostByMAC([6]byte{0x00, 0xaa, 0, 0, 0, 1})
)

const (
	opaqueGUA = "2001:db8:1::8d3f:11"
	eui64GUA  = "2001:db8:1:0:211:22ff:fe33:4455"
	farV6     = "2600:9000::5"
	farV4     = "198.51.100.5"
)

// netScene tells events of one device in a small network, one second apart.
type netScene struct {
	watch *Observer
	at    time.Time
	ref   event.Ref
	flow  event.FlowID // of the conversation that is being told, else 0
}

func newNetScene() *netScene {
	return &netScene{watch: NewObserver(), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
}

// tell lets a host act; ends are the client's and the server's address and port.
func (s *netScene) tell(who event.HostID, body event.Body, ends ...string) *netScene {
	s.ref++
	ev := event.Event{At: s.at, Ref: s.ref, First: s.ref, Device: who, Body: body}
	if len(ends) == 2 {
		ev.Client, ev.Server = netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])
		ev.Peer, ev.Flow = routerMAC, event.FlowID(s.ref)
		if s.flow != 0 {
			ev.Flow = s.flow
		}
	}
	s.watch.Add(ev)
	s.at = s.at.Add(time.Second)
	return s
}

func (s *netScene) wait(d time.Duration) *netScene {
	s.at = s.at.Add(d)
	return s
}

// joins lets the device ask for an IPv4 address and get one.
func (s *netScene) joins() *netScene {
	lease := event.DHCP4{FromServer: true, Type: 5, YourAddr: netip.MustParseAddr("192.168.1.9"), Netmask: 24}
	return s.tell(cam, event.DHCP4{Type: 1, Parameters: []uint8{1, 3, 6}}).tell(cam, lease).
		tell(cam, event.AddressUsed{Addr: netip.MustParseAddr("192.168.1.9")})
}

// advertises lets the router offer a prefix and a DNS server.
func (s *netScene) advertises(hopLimit uint8) *netScene {
	return s.tell(routerMAC, event.RouterAdvertised{
		HopLimit: hopLimit, Lifetime: time.Hour,
		Prefixes: []event.AdvertisedPrefix{{
			Prefix: netip.MustParsePrefix("2001:db8:1::/64"), OnLink: true, Autonomous: true, Valid: time.Hour,
		}},
		RDNSS: []netip.Addr{netip.MustParseAddr("2001:db8:1::53")},
	})
}

// forms lets the device check an address and use it.
func (s *netScene) forms(addr string) *netScene {
	a := netip.MustParseAddr(addr)
	return s.tell(cam, event.NeighbourSolicited{From: netip.IPv6Unspecified(), Target: a}).
		tell(cam, event.AddressUsed{Addr: a})
}

// talks lets the device exchange data with a server.
func (s *netScene) talks(from, to string) *netScene {
	half := event.Half{Packets: 4, Bytes: 400}
	s.flow = event.FlowID(s.ref + 1)
	defer func() { s.flow = 0 }()
	return s.tell(cam, event.FlowStarted{Transport: event.TCP}, from, to).
		tell(cam, event.FlowEstablished{Transport: event.TCP}, from, to).
		tell(cam, event.FlowEnded{Transport: event.TCP, Protocol: "tls", Established: true, Client: half, Server: half}, from, to)
}

// asks lets the device resolve a name to the given addresses, type by type.
func (s *netScene) asks(name, resolver string, addrs ...string) *netScene {
	from := "[" + opaqueGUA + "]:40000"
	if netip.MustParseAddrPort(resolver).Addr().Is4() {
		from = "192.168.1.9:40000"
	}
	for _, a := range addrs {
		addr := netip.MustParseAddr(a)
		kind := uint16(typeA)
		if addr.Is6() {
			kind = typeAAAA
		}
		s.tell(cam, event.DNSAsked{Name: name, Type: kind}, from, resolver)
		s.tell(cam, event.DNSAnswered{Name: name, Type: kind, Records: []event.Record{{Name: name, Type: kind, Addr: addr}}}, from, resolver)
	}
	return s
}

func (s *netScene) sheet() *Sheet {
	return s.watch.Sheet(cam, Closing{Statements: map[string]string{"owner": "Johanna"}})
}

// want compares facts; a nil value means that the fact must be unknown.
func want(t *testing.T, s *Sheet, facts map[string]any) {
	t.Helper()
	for key, value := range facts {
		f, ok := s.Get(key)
		switch {
		case value == nil && ok:
			t.Errorf("%s is %v, want it unknown", key, f.Value)
		case value != nil && !ok:
			t.Errorf("%s is unknown, want %v", key, value)
		case value != nil && !same(f.Value, value):
			t.Errorf("%s is %v, want %v", key, f.Value, value)
		}
	}
}

func same(got, want any) bool {
	list, isList := got.([]string)
	if !isList {
		return got == want
	}
	wanted := want.([]string)
	if len(list) != len(wanted) {
		return false
	}
	for i := range list {
		if list[i] != wanted[i] {
			return false
		}
	}
	return true
}
