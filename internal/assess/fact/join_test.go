package fact

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"

	"pgregory.net/rapid"
)

type netAddr = netip.Addr

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestJoining(t *testing.T) {
	discover := func(change func(*event.DHCP4)) *netScene {
		m := event.DHCP4{Type: 1, ClientMAC: camMAC, Parameters: []uint8{1, 3, 6}}
		change(&m)
		return newNetScene().tell(cam, m)
	}
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"generic", discover(func(m *event.DHCP4) { m.HostName = "localhost"; m.ClientID = append([]byte{1}, camMAC[:]...) }),
			map[string]any{"join.host_names": []string{}, "join.other_mac": false, "join.asks_v6only": false, "mud.url": nil}},
		{"another hardware address", discover(func(m *event.DHCP4) { m.ClientID = []byte{1, 2, 3, 4, 5, 6, 7} }),
			map[string]any{"join.other_mac": true}},
		{"the end of the MAC address", discover(func(m *event.DHCP4) { m.HostName = "ESP_334455" }),
			map[string]any{"join.names_mac": true, "join.serial_like": []string{}}},
		{"like a serial number", discover(func(m *event.DHCP4) { m.HostName = "cam-Q2X12345678" }),
			map[string]any{"join.serial_like": []string{"cam-Q2X12345678"}, "join.serial_proven": []string{}}},
		{"the serial number that it announces", discover(func(m *event.DHCP4) { m.HostName = "cam-Q2X12345678" }).
			tell(cam, event.Announced{Protocol: "mdns", Texts: []string{"serialNumber=q2x12345678"}}),
			map[string]any{"join.serial_like": []string{}, "join.serial_proven": []string{"cam-Q2X12345678"}}},
		{"what another announces proves nothing", discover(func(m *event.DHCP4) { m.HostName = "cam-Q2X12345678" }).
			tell(routerMAC, event.Announced{Protocol: "mdns", Texts: []string{"serial=Q2X12345678"}}),
			map[string]any{"join.serial_proven": []string{}}},
		{"the owner's name as stated", discover(func(m *event.DHCP4) { m.HostName = "Johannas-cam" }),
			map[string]any{"join.serial_proven": []string{"Johannas-cam"}}},
		{"asks for option 108 and gives a MUD URL", discover(func(m *event.DHCP4) {
			m.Parameters = []uint8{1, 108}
			m.MUDURL = "https://maker.example/cam.json"
		}), map[string]any{"join.asks_v6only": true, "mud.https": true, "mud.via": []string{"DHCPv4"}}},
		{"a MUD URL without encryption", discover(func(m *event.DHCP4) { m.MUDURL = "http://maker.example/" }),
			map[string]any{"mud.https": false}},
		{"hostile names are cleaned", discover(func(m *event.DHCP4) { m.HostName = "a\x1b[2J" }),
			map[string]any{"join.host_names": []string{`a\x1b[2J`}}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestPortMapping(t *testing.T) {
	s := newNetScene().tell(cam, event.PortMapAsked{Protocol: "upnp"})
	want(t, s.sheet(), map[string]any{"portmap.maps": int64(0), "portmap.discovers": int64(1)})
	s.tell(cam, event.PortMapAsked{Protocol: "pcp", Maps: true, InternalPort: 554, ExternalPort: 8554})
	want(t, s.sheet(), map[string]any{"portmap.maps": int64(1), "portmap.ports": []string{"pcp 8554:554"}})
}

// connects opens one TCP conversation each to n hosts, gap apart.
func connects(s *netScene, pattern string, n int, gap time.Duration) *netScene {
	for i := range n {
		s.tell(cam, event.FlowStarted{Transport: event.TCP}, fromV4, fmt.Sprintf(pattern, i+1)).wait(gap - time.Second)
	}
	return s
}

func TestScans(t *testing.T) {
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"a scan of the local network", connects(newNetScene().joins(), "192.168.1.%d:23", 40, 100*time.Millisecond),
			map[string]any{"traffic.lan_scan": int64(40), "traffic.far_scan": int64(0)}},
		{"the same, slowly", connects(newNetScene().joins(), "192.168.1.%d:23", 40, 10*time.Second),
			map[string]any{"traffic.lan_scan": int64(6)}},
		{"one host again and again", connects(newNetScene().joins(), "192.168.1.3:%d", 40, 100*time.Millisecond),
			map[string]any{"traffic.lan_scan": int64(1), "traffic.port_scan": int64(40)}},
		{"a scan of the internet", connects(newNetScene().joins(), "198.51.100.%d:23", 150, 100*time.Millisecond),
			map[string]any{"traffic.far_scan": int64(150), "traffic.lan_scan": int64(0), "traffic.port_scan": int64(1)}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestForeignSources(t *testing.T) {
	use := func(s *netScene, addrs ...string) *netScene {
		for _, a := range addrs {
			s.tell(cam, event.AddressUsed{Addr: mustAddr(a)})
		}
		return s
	}
	for _, c := range []struct {
		name string
		s    *netScene
		want []string
		fwd  bool
	}{
		{"forged", use(newNetScene().joins(), "203.0.113.1", "198.51.100.7"), []string{"198.51.100.7", "203.0.113.1"}, false},
		{"left over from another network", use(newNetScene(), "10.0.0.5").joins(), []string{}, false},
		{"claimed afterwards", use(newNetScene().joins(), "10.0.0.5").
			tell(cam, event.ARPSeen{SenderMAC: camMAC, Sender: mustAddr("10.0.0.5"), Target: mustAddr("10.0.0.5")}), []string{}, false},
		{"temporary addresses from before the capture", use(newNetScene().forms("2001:db8:9::1"), "2001:db8:9::2", "2001:db8:9::3"),
			[]string{}, false},
		{"a router between", use(newNetScene().joins(), "203.0.113.1").
			tell(cam, event.FlowEstablished{Transport: event.TCP}, "203.0.113.1:5000", farV4+":443"), []string{"203.0.113.1"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, c.s.sheet(), map[string]any{"traffic.foreign_sources": c.want, "traffic.forwards": c.fwd})
		})
	}
}

// TestSweepCountsLikeAPlainCount compares the sliding window with counting anew
// at every step.
func TestSweepCountsLikeAPlainCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 120).Draw(t, "seconds between")
		hosts := rapid.SliceOfN(rapid.IntRange(1, 30), len(steps), len(steps)).Draw(t, "hosts")
		var got sweep
		var times []time.Time
		now, most := time.Unix(0, 0), 0
		for i, s := range steps {
			now = now.Add(time.Duration(s) * time.Second)
			times = append(times, now)
			whom := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(hosts[i])}), 23)
			got.add(&sighting{Event: event.Event{At: now}}, whom)
			met := map[int]bool{}
			for j := range times {
				if now.Sub(times[j]) < sweepWindow {
					met[hosts[j]] = true
				}
			}
			most = max(most, len(met))
		}
		if got.most != most {
			t.Fatalf("the window counts %d hosts, want %d", got.most, most)
		}
	})
}
