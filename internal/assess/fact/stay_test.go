package fact

import (
	"encoding/json"
	"testing"
	"time"

	"assay/internal/assess/event"

	"pgregory.net/rapid"
)

const (
	cloud   = "cloud.example."
	cloud4  = "198.51.100.5:443"
	nat64   = "[64:ff9b::c633:6405]:443"
	native6 = "[2600:9000::5]:443"
)

// says lets the box note something.
func (s *netScene) says(kind, body string) *netScene {
	return s.tell(event.HostID{}, event.NoteSeen{Kind: kind, JSON: []byte(body)})
}

// moves lets the box offer another network, with a fresh start of the device.
func (s *netScene) moves(code, fresh string) *netScene {
	s.says("network", `{"what":"changed","offered":"`+code+`"}`)
	step, err := json.Marshal(event.StepNote{Step: 1, Of: 3, Network: code, Experiment: "observe", Phase: event.Begun, Fresh: fresh})
	if err != nil {
		panic(err)
	}
	return s.says(event.NoteStep, string(step))
}

// baseline is a run on IPv4 only in which the device reaches one service.
func (s *netScene) baseline() *netScene {
	return s.moves("N1", "relay").joins().asks(cloud, resolver4, farV4).talks(fromV4, cloud4).wait(20 * time.Minute)
}

// v6Only is the beginning of a run on IPv6 only.
func (s *netScene) v6Only(fresh string) *netScene {
	return s.moves("N3", fresh).advertises(255).tell(cam, event.RouterSolicited{From: netAddr{}})
}

// silent opens a conversation that nobody answers.
func (s *netScene) silent(from, to string) *netScene {
	s.flow = event.FlowID(s.ref + 1)
	defer func() { s.flow = 0 }()
	s.tell(cam, event.FlowStarted{Transport: event.TCP}, from, to)
	return s.tell(cam, event.FlowEnded{Transport: event.TCP, Client: event.Half{Packets: 3}}, from, to)
}

func TestIPv6OnlyAgainstIPv4(t *testing.T) {
	base := func() *netScene { return newNetScene().baseline() }
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"through NAT64", base().v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, "64:ff9b::c633:6405").
			talks(fromGUA, nat64).wait(20 * time.Minute), map[string]any{
			"net.seen": []string{"N1", "N3"}, "net.essential": int64(1), "net.essential_list": []string{"cloud.example port 443"},
			"v6only.reached": int64(1), "v6only.nat64": int64(1), "v6only.missing": int64(0), "v6only.fresh": int64(1),
			"v6only.joined": true, "v6only.ipv4": false, "ipv6.ladder": "I4", "ipv6.blame": nil, "ipv6.dual_data": int64(0),
		}},
		{"over IPv6 of its own", base().v6Only("link").forms(opaqueGUA).asks(cloud, resolver6, farV6).talks(fromGUA, native6),
			map[string]any{"v6only.reached": int64(1), "v6only.nat64": int64(0)}},
		{"an IPv4 address built in reached through NAT64 by a device that translates itself", newNetScene().moves("N1", "relay").joins().
			talks(fromV4, cloud4).v6Only("relay").forms(opaqueGUA).talks(fromGUA, nat64),
			map[string]any{"v6only.reached": int64(1), "v6only.nat64": int64(1)}},
		{"no router solicitation answered by an address", base().v6Only("relay").wait(20*time.Minute).tell(cam, event.ARPSeen{}), map[string]any{
			"v6only.by_device": int64(1), "v6only.address": false, "ipv6.blame": "DEVICE",
			"v6only.missing_list": []string{"cloud.example port 443 (DEVICE: it had no IPv6 address)"},
		}},
		{"asks for IPv4 addresses only", base().v6Only("relay").forms(opaqueGUA).
			tell(cam, event.DNSAsked{Name: cloud, Type: typeA}, fromGUA, resolver6), map[string]any{
			"v6only.by_device": int64(1), "v6only.missing_list": []string{"cloud.example port 443 (DEVICE: it did not ask for the IPv6 address)"},
		}},
		{"is told and does not connect", base().v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, "64:ff9b::c633:6405"),
			map[string]any{"v6only.by_device": int64(1)}},
		{"an IPv4 address built in", newNetScene().moves("N1", "relay").joins().talks(fromV4, cloud4).v6Only("relay").forms(opaqueGUA),
			map[string]any{"v6only.by_device": int64(1), "net.essential_list": []string{"198.51.100.5 port 443"}}},
		{"DNS64 is silent", base().v6Only("relay").forms(opaqueGUA).
			tell(cam, event.DNSAsked{Name: cloud, Type: typeAAAA}, fromGUA, resolver6),
			map[string]any{"v6only.by_network": int64(1), "ipv6.blame": "NETWORK"}},
		{"nothing is answered", base().v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, "64:ff9b::c633:6405").silent(fromGUA, nat64),
			map[string]any{"v6only.by_network": int64(1), "ipv6.blame": "NETWORK"}},
		{"only its server is silent", base().v6Only("relay").forms(opaqueGUA).asks("other.example.", resolver6, "64:ff9b::c633:6407").
			talks(fromGUA, "[64:ff9b::c633:6407]:443").asks(cloud, resolver6, "64:ff9b::c633:6405").silent(fromGUA, nat64),
			map[string]any{"v6only.by_service": int64(1), "ipv6.blame": "SERVICE"}},
		{"no router", base().moves("N3", "relay").joins().wait(20 * time.Minute),
			map[string]any{"v6only.by_network": int64(1), "v6only.offered": false}},
		{"no uplink", base().v6Only("relay").says("uplink", `{"up":false}`).forms(opaqueGUA),
			map[string]any{"v6only.by_network": int64(1), "v6only.uplink_down": true}},
		{"a short time settles nothing", base().v6Only("relay"), map[string]any{"v6only.by_device": int64(1), "ipv6.blame": nil}},
		{"gaps settle nothing", base().v6Only("relay").tell(cam, event.FramesLost{Dropped: 1}),
			map[string]any{"v6only.by_open": int64(1), "ipv6.blame": nil}},
		{"without notes nothing is compared", newNetScene().joins().asks(cloud, resolver4, farV4).talks(fromV4, cloud4),
			map[string]any{"net.essential": nil, "v6only.missing": nil, "v6only.shown": false, "net.seen": []string{}}},
		{"notes without packets prove nothing", newNetScene().joins().moves("N1", "relay").moves("N3", "relay"),
			map[string]any{"v6only.shown": false, "v6only.fresh": int64(0), "v6only.minutes": 0.0}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestConfirmedFunction(t *testing.T) {
	s := newNetScene().baseline().v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, farV6).talks(fromGUA, native6)
	sheet := s.watch.Sheet(cam, Closing{Statements: map[string]string{"function-N3": " Yes"}})
	want(t, sheet, map[string]any{"v6only.function": "yes", "net.function_n1": "open", "ipv6.ladder": "I5"})
	sheet = s.watch.Sheet(cam, Closing{Statements: map[string]string{"function-N3": "perhaps"}})
	want(t, sheet, map[string]any{"v6only.function": "open", "ipv6.ladder": "I4"})
}

func TestOtherNetworksAreKeptApart(t *testing.T) {
	named := event.DHCP6{FromServer: true, Type: 7, DNS: []netAddr{mustAddr("2001:db8:1::53")}}
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"names asked without IPv6 do not count", newNetScene().moves("N2", "relay").joins().advertises(255).forms(opaqueGUA).
			moves("N1", "relay").asks("a.example.", resolver4, farV4).talks(fromV4, cloud4),
			map[string]any{"ipv6.names": int64(0), "ipv6.byte_share": nil, "ipv6.blame": nil}},
		{"IPv6 where there is nothing else is no preference", newNetScene().v6Only("relay").forms(opaqueGUA).
			asks(cloud, resolver6, farV4, farV6).talks(fromGUA, native6),
			map[string]any{"ipv6.names_v6_first": int64(0), "ipv6.internet_data": int64(1), "ipv6.ladder": "I2"}},
		{"broken IPv6 is no preference for IPv4", newNetScene().moves("N7", "relay").joins().advertises(255).forms(opaqueGUA).
			asks(cloud, resolver6, farV4, farV6).talks(fromV4, cloud4), map[string]any{"ipv6.names_v4_first": int64(0)}},
		{"a short offer does not grow long on another network", newNetScene().moves("N2", "relay").joins().advertises(255).
			wait(30*time.Second).tell(cam, event.ARPSeen{}).moves("N1", "relay").joins().wait(20 * time.Minute).joins(),
			map[string]any{"ipv6.offered": true, "ipv6.offered_minutes": 0.5 + 1.0/60, "ipv6.ladder": nil, "ipv6.blame": nil}},
		{"a server that DHCPv6 names elsewhere", newNetScene().moves("N2", "relay").joins().advertises(255).tell(cam, named).
			v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, farV6), map[string]any{"rdnss.queries": int64(1), "rdnss.queries_shared": int64(0)}},
		{"a note of something else changes nothing", newNetScene().moves("N2", "relay").joins().advertises(255).
			says("resolver", `{}`).says("network", `{"offered":"N2"}`).says("network", `broken`).forms(opaqueGUA).
			asks(cloud, resolver6, farV6, farV4).talks(fromGUA, native6), map[string]any{"ipv6.names_v6_first": int64(1), "rdnss.queries": int64(2)}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestBrokenIPv6(t *testing.T) {
	base := func() *netScene {
		return newNetScene().moves("N7", "relay").joins().advertises(255).forms(opaqueGUA).asks(cloud, resolver6, farV6, farV4)
	}
	quick := base().tell(cam, event.FlowStarted{}, fromGUA, native6)
	quick.at = quick.at.Add(-700 * time.Millisecond)
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"quick", quick.talks(fromV4, cloud4), map[string]any{
			"broken.tried": int64(1), "broken.fell_back": int64(1), "broken.slowest": 0.3, "broken.stuck": int64(0), "broken.ipv4": true,
		}},
		{"slow", base().silent(fromGUA, native6).wait(40*time.Second).talks(fromV4, cloud4), map[string]any{"broken.slowest": 42.0, "broken.stuck": int64(0)}},
		{"never", base().silent(fromGUA, native6).wait(time.Minute).joins(), map[string]any{
			"broken.stuck": int64(1), "broken.stuck_list": []string{"cloud.example"}, "broken.slowest": nil,
		}},
		{"never, until the next network", base().silent(fromGUA, native6).wait(time.Minute).moves("N2", "none").talks(fromV4, cloud4),
			map[string]any{"broken.stuck": int64(1), "broken.fell_back": int64(0)}},
		{"not long enough to tell", base().silent(fromGUA, native6).moves("N2", "none"), map[string]any{"broken.stuck": int64(0)}},
		{"not broken", base().talks(fromGUA, native6), map[string]any{"broken.answered": int64(1)}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestDoingWithoutIPv4(t *testing.T) {
	asks := event.DHCP4{Type: 1, Parameters: []uint8{1, 3, 6, 108}}
	told := event.DHCP4{FromServer: true, Type: 2, HasV6Only: true, V6OnlyWait: 30 * time.Minute}
	base := func() *netScene {
		return newNetScene().moves("N6", "relay").tell(cam, asks).tell(cam, told).advertises(255)
	}
	want(t, base().forms(opaqueGUA).talks(fromGUA, nat64).sheet(),
		map[string]any{"mostly.offered": int64(1), "mostly.data": int64(1), "mostly.nat64": int64(1), "mostly.ipv4_after": int64(0)})
	want(t, base().talks(fromV4, cloud4).sheet(), map[string]any{"mostly.ipv4_after": int64(1)})
	want(t, base().moves("N1", "relay").joins().talks(fromV4, cloud4).sheet(), map[string]any{"mostly.ipv4_after": int64(0)})
}

func TestDHCPv6Networks(t *testing.T) {
	info := event.DHCP6{Type: 11, XID: 7, Requested: []uint16{23}}
	answer := event.DHCP6{FromServer: true, Type: 7, XID: 7, DNS: []netAddr{mustAddr("2001:db8:1::53")}}
	leased := event.DHCP6{FromServer: true, Type: 7, XID: 9, Addresses: []netAddr{mustAddr(opaqueGUA)}}
	n4 := func() *netScene {
		return newNetScene().moves("N4", "relay").joins().tell(routerMAC, event.RouterAdvertised{HopLimit: 255, Other: true, Lifetime: time.Hour})
	}
	want(t, n4().tell(cam, info).tell(cam, answer).sheet(), map[string]any{
		"dhcp6.stateless_offered": true, "dhcp6.stateless_asked": int64(1), "dhcp6.stateless_answered": int64(1), "dhcp6.stateful_used": nil,
	})
	n5 := n4().moves("N5", "relay").tell(routerMAC, event.RouterAdvertised{HopLimit: 255, Managed: true, Lifetime: time.Hour}).
		tell(cam, event.DHCP6{Type: 1, AsksAddress: true}).tell(cam, leased).asks(cloud, resolver6, farV6)
	want(t, n5.sheet(), map[string]any{
		"dhcp6.stateful_offered": true, "dhcp6.stateful_asked": int64(1), "dhcp6.stateful_given": int64(1), "dhcp6.stateful_used": int64(1),
		"dhcp6.stateful_joined": true, "dhcp6.stateful_fresh": int64(1),
	})
}

// TestOrderOfNetworks: which network comes first does not change what is found.
func TestOrderOfNetworks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation([]string{"N1", "N2", "N3"}).Draw(t, "order")
		s := newNetScene()
		for _, code := range order {
			switch code {
			case "N1":
				s.baseline()
			case "N2":
				s.moves("N2", "relay").joins().advertises(255).asks(cloud, resolver6, farV6, farV4).talks(fromV4, cloud4)
			default:
				s.v6Only("relay").forms(opaqueGUA).asks(cloud, resolver6, "64:ff9b::c633:6405").talks(fromGUA, nat64).wait(time.Minute)
			}
		}
		for key, value := range map[string]any{
			"net.essential": int64(1), "v6only.reached": int64(1), "v6only.missing": int64(0), "v6only.nat64": int64(1),
			"ipv6.names": int64(1), "ipv6.names_v4_first": int64(1), "ipv6.ladder": "I4",
		} {
			if f, _ := s.sheet().Get(key); f.Value != value {
				t.Fatalf("%v: %s is %v, want %v", order, key, f.Value, value)
			}
		}
	})
}

// TestTimeWithoutOffer: where there is no IPv4 no time server can be offered by
// DHCPv4, so servers of the device's own choice are no choice.
func TestTimeWithoutOffer(t *testing.T) {
	ntp := "[64:ff9b::c633:6463]:123"
	s := newNetScene().moves("N2", "relay").joins().v6Only("relay").forms(opaqueGUA).
		asks("time.example.", resolver6, "64:ff9b::c633:6463").tell(cam, event.TimeAsked{}, fromGUA, ntp)
	want(t, s.sheet(), map[string]any{"time.queries": int64(1), "time.servers": int64(0), "time.servers_named": int64(0)})
	s.moves("N2", "relay").joins().tell(cam, event.TimeAsked{}, fromGUA, ntp)
	want(t, s.sheet(), map[string]any{"time.servers": int64(1), "time.servers_named": int64(1)})
}
