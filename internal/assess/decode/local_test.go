package decode

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"assay/internal/assess/event"
)

// arpFrame is an ARP packet for IPv4 over Ethernet.
func arpFrame(op byte, mac [6]byte, sender, target netip.Addr) []byte {
	b := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac[:]...)
	b = append(b, 8, 6, 0, 1, 8, 0, 6, 4, 0, op)
	b = append(append(b, mac[:]...), sender.AsSlice()...)
	b = append(append(b, make([]byte, 6)...), target.AsSlice()...)
	return append(b, make([]byte, 18)...) // padding to 60 bytes
}

func TestARP(t *testing.T) {
	r := record(t)
	r.frame(arpFrame(1, deviceMAC, netip.IPv4Unspecified(), device4))
	e := one[event.ARPSeen](r)
	if !e.IsProbe() || e.Target != device4 || r.events[0].Device != event.HostByMAC(deviceMAC) || !r.events[0].Peer.IsZero() {
		t.Fatalf("got %+v from %s", e, r.events[0].Device)
	}
	if len(of[event.AddressUsed](r)) != 0 {
		t.Fatal("a probe uses no address")
	}
}

func TestLLDPTellsTheMUDURL(t *testing.T) {
	url := "https://things.example/lamp.json"
	b := append([]byte{1, 0x80, 0xc2, 0, 0, 0x0e}, deviceMAC[:]...)
	b = append(b, 0x88, 0xcc, 5<<1, 4, 'l', 'a', 'm', 'p', 127<<1, byte(4+len(url)), 0, 0, 0x5e, 1)
	b = append(append(b, url...), 0, 0)
	r := record(t)
	r.frame(b)
	if e := one[event.LLDPSeen](r); e.MUDURL != url || e.SystemName != "lamp" {
		t.Fatalf("got %+v", e)
	}
}

// icmp6 is an ICMPv6 message of a type with the given bytes after the checksum.
func icmp6(t testing.TB, kind uint8, hops uint8, body ...byte) []byte {
	e := ends{from: netip.MustParseAddr("fe80::1"), to: netip.MustParseAddr("ff02::1")}
	eth, network, ip := e.ip(layers.IPProtocolICMPv6)
	ip.(*layers.IPv6).HopLimit = hops
	m := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)}
	_ = m.SetNetworkLayerForChecksum(network)
	return assemble(t, eth, ip, m, gopacket.Payload(body))
}

func TestRouterAdvertisementOptions(t *testing.T) {
	body := []byte{64, 0xc0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}
	body = append(body, 3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x07, 0x08, 0, 0, 0, 0)
	body = append(body, netip.MustParseAddr("2001:db8:1::").AsSlice()...)
	body = append(body, 5, 1, 0, 0, 0, 0, 5, 0)
	body = append(body, 25, 3, 0, 0, 0, 0, 0, 60)
	body = append(body, netip.MustParseAddr("2001:db8::53").AsSlice()...)
	body = append(body, 31, 2, 0, 0, 0, 0, 0, 60, 3, 'l', 'a', 'n', 0, 0, 0, 0)
	body = append(body, 38, 2, 0, 0, 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)
	body = append(body, 144, 3, 0, 1, 0, 0, 0, 60, 0, 7, 3, 'd', 'n', 's', 1, 'X', 0, 0, 0, 0, 0, 0, 0, 0)
	r := record(t)
	r.frame(icmp6(t, 134, 255, body...))
	want := event.RouterAdvertised{
		From: netip.MustParseAddr("fe80::1"), HopLimit: 255, Managed: true, Other: true,
		Lifetime: 1800 * time.Second, MTU: 1280,
		Prefixes: []event.AdvertisedPrefix{{
			Prefix: netip.MustParsePrefix("2001:db8:1::/64"), OnLink: true, Autonomous: true,
			Valid: time.Hour, Preferred: 30 * time.Minute,
		}},
		RDNSS:     []netip.Addr{netip.MustParseAddr("2001:db8::53")},
		PREF64:    []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96")},
		DNSSearch: []string{"lan."},
		DNR:       []string{"dns.x."},
	}
	if diff := cmp.Diff(want, one[event.RouterAdvertised](r), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Fatal(diff)
	}
}

func TestNeighbourMessagesFromAfarAreNotBelieved(t *testing.T) {
	target := append(make([]byte, 4), device6.AsSlice()...)
	r := record(t)
	r.frame(icmp6(t, 135, 64, target...))
	r.frame(icmp6(t, 136, 255, target...))
	r.frame(icmp6(t, 136, 255, append(target, 2, 0)...)) // an option of length 0
	if len(of[event.NeighbourSolicited](r)) != 0 || one[event.NeighbourAdvertised](r).Target != device6 {
		t.Fatal("wrong neighbour messages")
	}
	if got := of[event.Malformed](r); len(got) != 2 || got[0].Layer != "ndp" || got[1].Layer != "icmp" {
		t.Fatalf("got %+v", got)
	}
}

func TestGroupReports(t *testing.T) {
	group := netip.MustParseAddr("ff02::fb")
	r := record(t)
	r.frame(icmp6(t, 131, 1, append(make([]byte, 4), group.AsSlice()...)...))
	r.frame(icmp6(t, 143, 1, append([]byte{0, 0, 0, 2, 4, 0, 0, 0}, group.AsSlice()...)...)) // says two, has one
	got := of[event.GroupsReported](r)
	if len(got) != 2 || got[0].Version != 1 || got[1].Version != 2 || got[1].Groups[0] != group {
		t.Fatalf("got %+v", got)
	}
	if one[event.Malformed](r).Layer != "group report" {
		t.Fatal("the missing record is not told")
	}
}

func TestICMPErrorNamesThePacketItIsAbout(t *testing.T) {
	quoted := udpFrame(t, ends{device6, server6, 5000, 443}, make([]byte, 30))[14:]
	r := record(t)
	r.frame(icmp6(t, 2, 64, append([]byte{0, 0, 5, 0}, quoted...)...))
	e := one[event.ICMPError](r)
	if e.MTU != 1280 || e.About != netip.AddrPortFrom(server6, 443) || !e.V6 {
		t.Fatalf("got %+v", e)
	}
}
