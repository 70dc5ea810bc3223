package fact

import (
	"slices"
	"testing"
	"time"

	"assay/internal/assess/event"

	"pgregory.net/rapid"
)

const (
	resolver6 = "[2001:db8:1::53]:53"
	resolver4 = "192.168.1.1:53"
	fromGUA   = "[" + opaqueGUA + "]:50000"
	fromEUI   = "[" + eui64GUA + "]:50000"
	fromV4    = "192.168.1.9:50000"
)

func TestOwnAddress(t *testing.T) {
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"formed and used", newNetScene().joins().advertises(255).forms(opaqueGUA), map[string]any{
			"ipv6.offered": true, "ipv6.seen": true, "ipv6.join_seen": true,
			"ipv6.global_used": []string{opaqueGUA}, "ipv6.reveal_global": []string{},
		}},
		{"an advertisement from another link is not believed", newNetScene().joins().advertises(64), map[string]any{
			"ipv6.offered": false, "ipv6.seen": false, "ipv6.ladder": nil, "ipv6.blame": "NETWORK",
		}},
		{"link-local only", newNetScene().joins().advertises(255).forms("fe80::211:22ff:fe33:4455").
			wait(3*time.Minute).talks(fromV4, farV4+":443"), map[string]any{
			"ipv6.global": []string{}, "ipv6.reveal_link_local": []string{"fe80::211:22ff:fe33:4455"},
			"ipv6.ladder": "I1", "ipv6.blame": "DEVICE", "ipv6.byte_share": 0.0,
		}},
		{"no IPv6 at all", newNetScene().joins().advertises(255).wait(3*time.Minute).talks(fromV4, farV4+":443"),
			map[string]any{"ipv6.seen": false, "ipv6.ladder": "I0", "ipv6.blame": "DEVICE"}},
		{"no IPv6 in a lossy log settles nothing", newNetScene().joins().advertises(255).wait(3*time.Minute).
			tell(cam, event.FramesLost{Dropped: 3}).talks(fromV4, farV4+":443"),
			map[string]any{"ipv6.seen": false, "ipv6.ladder": nil, "ipv6.blame": nil}},
		{"no IPv6 in a log that ends at once settles nothing", newNetScene().joins().advertises(255),
			map[string]any{"ipv6.ladder": nil, "ipv6.blame": nil}},
		{"a renewal is no joining", newNetScene().tell(cam, event.DHCP4{Type: 3, ClientAt: mustAddr("192.168.1.9")}).
			advertises(255).wait(3*time.Minute).talks(fromV4, farV4+":443"),
			map[string]any{"ipv6.join_seen": false, "ipv6.ladder": nil}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestAddressTowardsInternet(t *testing.T) {
	base := func() *netScene { return newNetScene().joins().advertises(255) }
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"opaque", base().forms(opaqueGUA).talks(fromGUA, "["+farV6+"]:443"), map[string]any{
			"ipv6.reveal_internet": int64(0), "ipv6.opaque_internet": int64(1), "ipv6.ladder": "I3", "ipv6.blame": nil,
		}},
		{"EUI-64", base().forms(eui64GUA).talks(fromEUI, "["+farV6+"]:443"), map[string]any{
			"ipv6.reveal_internet": int64(1), "ipv6.opaque_internet": int64(0),
			"ipv6.reveal_global": []string{eui64GUA}, "ipv6.mac_is_local": false,
		}},
		{"EUI-64 on the local network only", base().forms(eui64GUA).talks(fromEUI, "[2001:db8:1::9]:443"), map[string]any{
			"ipv6.reveal_internet": int64(0), "ipv6.reveal_global": []string{eui64GUA},
		}},
		{"EUI-64 of another interface", base().forms("2001:db8:1:0:211:22ff:fe33:4499"), map[string]any{
			"ipv6.reveal_global": []string{}, "ipv6.mac_like": []string{"2001:db8:1:0:211:22ff:fe33:4499"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestFamilyPreference(t *testing.T) {
	base := func() *netScene { return newNetScene().joins().advertises(255).forms(opaqueGUA) }
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"IPv6 first", base().asks("a.example.", resolver6, farV4, farV6).talks(fromGUA, "["+farV6+"]:443").
			talks(fromV4, farV4+":443"), map[string]any{
			"ipv6.names": int64(1), "ipv6.aaaa_share": 1.0, "ipv6.names_v6_first": int64(1), "ipv6.names_v4_first": int64(0),
		}},
		{"IPv4 first", base().asks("a.example.", resolver6, farV4, farV6).talks(fromV4, farV4+":443").
			talks(fromGUA, "["+farV6+"]:443"), map[string]any{
			"ipv6.names_v6_first": int64(0), "ipv6.names_v4_first": int64(1), "ipv6.names_v4_first_list": []string{"a.example"},
		}},
		{"opened before the IPv6 address was known", base().asks("a.example.", resolver6, farV4).talks(fromV4, farV4+":443").
			asks("a.example.", resolver6, farV6).talks(fromGUA, "["+farV6+"]:443"), map[string]any{
			"ipv6.names_v6_first": int64(0), "ipv6.names_v4_first": int64(0), "ipv6.names_with_v6": int64(1),
		}},
		{"never asks for AAAA", base().asks("a.example.", resolver4, farV4).talks(fromV4, farV4+":443"), map[string]any{
			"ipv6.names_aaaa": int64(0), "ipv6.aaaa_share": 0.0, "ipv6.names_with_v6": int64(0),
		}},
		{"before the offer nothing counts", newNetScene().joins().asks("a.example.", resolver4, farV4).advertises(255),
			map[string]any{"ipv6.names": int64(0), "ipv6.aaaa_share": nil}},
		{"local names do not count", base().asks("printer.local.", resolver4, "192.168.1.4"),
			map[string]any{"ipv6.names": int64(0)}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

func TestResolverOfTheRouter(t *testing.T) {
	dhcp6 := event.DHCP6{FromServer: true, Type: 7, DNS: []netAddr{mustAddr("2001:db8:1::53")}}
	base := func() *netScene { return newNetScene().joins().advertises(255).forms(opaqueGUA) }
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"asked", base().asks("a.example.", resolver6, farV6), map[string]any{
			"rdnss.queries": int64(1), "rdnss.queries_v6": int64(1), "ipv6.ladder": "I2",
		}},
		{"also named by DHCPv6", base().tell(cam, dhcp6).asks("a.example.", resolver6, farV6), map[string]any{
			"rdnss.queries": int64(0), "rdnss.queries_shared": int64(1),
		}},
		{"one of its own", base().asks("a.example.", "[2001:4860:4860::8888]:53", farV6), map[string]any{
			"rdnss.queries": int64(0), "rdnss.queries_v6": int64(1),
		}},
		{"over IPv4", base().asks("a.example.", resolver4, farV4), map[string]any{
			"rdnss.queries": int64(0), "rdnss.queries_v6": int64(0), "rdnss.queries_v4": int64(1),
		}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}

// TestLossNeverClimbs: forgetting events never puts a device higher on the ladder
// nor blames it for what is missing.
func TestLossNeverClimbs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drop := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(t, "drop")
		step := func(s *netScene, i int, do func()) {
			if drop[i] {
				s.tell(cam, event.FramesLost{Dropped: 1})
				return
			}
			do()
		}
		s := newNetScene()
		for i, do := range []func(){
			func() { s.joins() }, func() { s.advertises(255) }, func() { s.forms(opaqueGUA) },
			func() { s.wait(3 * time.Minute) }, func() { s.asks("a.example.", resolver6, farV6) },
			func() { s.asks("b.example.", resolver4, farV4) }, func() { s.talks(fromGUA, "["+farV6+"]:443") },
			func() { s.talks(fromV4, farV4+":443") },
		} {
			step(s, i, do)
		}
		ladder, ok := s.sheet().Get("ipv6.ladder")
		if !ok {
			return
		}
		if settled := ladder.Value == "I0" || ladder.Value == "I1"; settled && slices.Contains(drop, true) {
			t.Fatalf("a lossy log settled %v", ladder.Value)
		}
		if ladder.Value == "I3" && drop[6] {
			t.Fatal("I3 without data over IPv6")
		}
	})
}
