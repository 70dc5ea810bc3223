package decode

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// TestLinks sends one datagram over every link: the same payload must come out,
// without the padding, and from the host that the link names.
func TestLinks(t *testing.T) {
	packet := udpFrame(t, web, []byte("payload"))[14:]
	six := udpFrame(t, ends{device6, server6, 40000, 9999}, []byte("payload"))[14:]
	eth := append(append([]byte{}, routerMAC[:]...), deviceMAC[:]...)
	mac, byAddr := event.HostByMAC(deviceMAC), event.HostByAddr(device4)
	padding := make([]byte, 11)
	sll := slices.Concat([]byte{0, 0, 0, 1, 0, 6}, deviceMAC[:], []byte{0, 0, 8, 0}, packet, padding)
	sll2 := slices.Concat([]byte{8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6}, deviceMAC[:], []byte{0, 0}, packet)
	for _, c := range []struct {
		name string
		link evidence.LinkType
		b    []byte
		host event.HostID
	}{
		{"ethernet", evidence.LinkEthernet, slices.Concat(eth, []byte{8, 0}, packet, padding), mac},
		{"vlan", evidence.LinkEthernet, slices.Concat(eth, []byte{0x81, 0, 0, 5, 8, 0}, packet, padding), mac},
		{"vlan in vlan", evidence.LinkEthernet, slices.Concat(eth, []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0}, packet), mac},
		{"snap", evidence.LinkEthernet, slices.Concat(eth, []byte{0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, packet), mac},
		{"ipv6", evidence.LinkEthernet, slices.Concat(eth, []byte{0x86, 0xdd}, six, padding), mac},
		{"raw", evidence.LinkRaw, packet, byAddr},
		{"raw bsd", evidence.LinkRawBSD, packet, byAddr},
		{"ipv4", evidence.LinkIPv4, packet, byAddr},
		{"ipv6 link", evidence.LinkIPv6, six, event.HostByAddr(device6)},
		{"null", evidence.LinkNull, slices.Concat([]byte{2, 0, 0, 0}, packet), byAddr},
		{"loop", evidence.LinkLoop, slices.Concat([]byte{0, 0, 0, 2}, packet), byAddr},
		{"null ipv6", evidence.LinkNull, slices.Concat([]byte{30, 0, 0, 0}, six), event.HostByAddr(device6)},
		{"sll", evidence.LinkSLL, sll, mac},
		{"sll2", evidence.LinkSLL2, sll2, mac},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			r.cutFrame(c.link, c.b, len(c.b))
			r.Close()
			end := one[event.FlowEnded](r)
			if !bytes.Equal(end.Client.Content.Head, []byte("payload")) || r.events[0].Device != c.host {
				t.Fatalf("payload %q from %s", end.Client.Content.Head, r.events[0].Device)
			}
		})
	}
}

// TestCookedReceiverIsTheHostThatSent: a host must not have two names because a
// cooked link tells only who sent.
func TestCookedReceiverIsTheHostThatSent(t *testing.T) {
	r := record(t)
	header := func(mac [6]byte) []byte { return slices.Concat([]byte{0, 0, 0, 1, 0, 6}, mac[:], []byte{0, 0, 8, 0}) }
	first := slices.Concat(header(deviceMAC), udpFrame(t, web, []byte("x"))[14:])
	r.cutFrame(evidence.LinkSLL, first, len(first))
	back := slices.Concat(header(routerMAC), udpFrame(t, ends{server4, device4, 53, 1234}, []byte("y"))[14:])
	r.cutFrame(evidence.LinkSLL, back, len(back))
	r.Close()
	last := r.events[len(r.events)-1]
	if last.Flow != 2 || last.Device != event.HostByMAC(deviceMAC) || last.Peer != event.HostByMAC(routerMAC) {
		t.Fatalf("conversation %d of %s with %s", last.Flow, last.Device, last.Peer)
	}
}

func TestUnreadAndBrokenFrames(t *testing.T) {
	eth := append(append([]byte{}, routerMAC[:]...), deviceMAC[:]...)
	packet := udpFrame(t, web, []byte("payload"))
	for _, c := range []struct {
		name              string
		link              evidence.LinkType
		b                 []byte
		length            int
		unread, malformed uint64
	}{
		{"radio", 127, make([]byte, 60), 60, 1, 0},
		{"spanning tree", evidence.LinkEthernet, slices.Concat(eth, []byte{0, 38, 0x42, 0x42, 3}, make([]byte, 40)), 57, 1, 0},
		{"a note's type on the cable", evidence.LinkEthernet, slices.Concat(eth, []byte{0x88, 0xb5}, []byte(`{"kind":"fault"}`)), 30, 1, 0},
		{"cut in the link header", evidence.LinkEthernet, eth, 60, 1, 0},
		{"ends in the link header", evidence.LinkEthernet, eth, len(eth), 0, 1},
		{"cut in the network header", evidence.LinkEthernet, packet[:20], len(packet), 1, 0},
		{"ends in the network header", evidence.LinkEthernet, packet[:20], 20, 0, 1},
		{"ends in the transport header", evidence.LinkEthernet, packet[:36], 36, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t)
			r.cutFrame(c.link, c.b, c.length)
			got := r.Counts()
			if got.Unread != c.unread && c.malformed == 0 || got.Malformed > 0 != (c.malformed > 0) {
				t.Fatalf("got %+v", got)
			}
		})
	}
}

func TestCutSegmentIsAGap(t *testing.T) {
	r, p := record(t), &probe{}
	r.readBy(p)
	r.handshake(web, 100, 500)
	b := tcpFrame(t, web, "A", 101, 501, bytes.Repeat([]byte("a"), 100))
	r.cutFrame(evidence.LinkEthernet, b[:54+30], len(b))
	r.frame(tcpFrame(t, web, "A", 201, 501, []byte("b")))
	r.Close()
	end := one[event.FlowEnded](r)
	if p.got[0].Len() != 31 || len(p.log) != 1 || p.log[0] != "gap client 70 after 30" || end.Client.Missing != 70 || end.Client.Bytes != 101 {
		t.Fatalf("read %d, %v, %+v", p.got[0].Len(), p.log, end.Client)
	}
}

func TestOnlyTheFirstComplaintsAreEvents(t *testing.T) {
	r := record(t)
	for range 3 * complaintLimit {
		r.cutFrame(evidence.LinkEthernet, append(append(routerMAC[:], deviceMAC[:]...), 8, 0, 0x45), 15)
	}
	if n := len(of[event.Malformed](r)); n != complaintLimit || r.Counts().Malformed != 3*complaintLimit {
		t.Fatalf("%d events, %d counted", n, r.Counts().Malformed)
	}
}

func TestNotesAndLosses(t *testing.T) {
	r := record(t)
	r.Add(evidence.Entry{Num: 1, At: epoch, Kind: evidence.KindNote, Note: evidence.Note{Kind: "network", Body: json.RawMessage(`{"n":2}`)}})
	r.Add(evidence.Entry{Num: 1, At: epoch, Kind: evidence.KindLost, Lost: evidence.Loss{Dropped: 7}})
	r.Close()
	r.Add(evidence.Entry{Num: 2, At: epoch, Kind: evidence.KindLost, Lost: evidence.Loss{Dropped: 7}})
	if n := one[event.NoteSeen](r); n.Kind != "network" || string(n.JSON) != `{"n":2}` {
		t.Fatalf("got %+v", n)
	}
	if one[event.FramesLost](r).Dropped != 7 || r.Counts().Lost != 7 {
		t.Fatal("the loss is not told")
	}
}

// TestZeroAddressesNameNobody: tools that capture without a link header, or that
// hide addresses, write zeros for both ends; the hosts are then told apart by
// their IP addresses, in ARP too.
func TestZeroAddressesNameNobody(t *testing.T) {
	zero := make([]byte, 12)
	r := record(t)
	r.frame(slices.Concat(zero, udpFrame(t, web, []byte("x"))[12:]))
	r.frame(slices.Concat(zero, udpFrame(t, web.back(), []byte("y"))[12:]))
	r.Close()
	end := r.events[len(r.events)-1]
	if end.Device != event.HostByAddr(device4) || end.Peer != event.HostByAddr(server4) {
		t.Errorf("conversation of %s with %s", end.Device, end.Peer)
	}
	r = record(t)
	r.frame(slices.Concat(zero, []byte("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02"), deviceMAC[:], device4.AsSlice(), make([]byte, 10)))
	r.frame(slices.Concat(zero, []byte("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"), deviceMAC[:], make([]byte, 14)))
	if a, b := r.events[0].Device, r.events[1].Device; a != event.HostByAddr(device4) || b != event.HostByMAC(deviceMAC) {
		t.Errorf("ARP reply of %s, probe of %s", a, b)
	}
}

// TestZeroReceiverIsTheHostThatSent: a frame may name its sender alone.
func TestZeroReceiverIsTheHostThatSent(t *testing.T) {
	r := record(t)
	for _, e := range []ends{web, {server4, device4, 53, 1234}} {
		b := udpFrame(t, e, []byte("x"))
		clear(b[:6])
		r.frame(b)
	}
	r.Close()
	if end := r.events[len(r.events)-1]; end.Flow != 2 || end.Device != event.HostByMAC(deviceMAC) || end.Peer != event.HostByMAC(routerMAC) {
		t.Errorf("conversation %d of %s with %s", end.Flow, end.Device, end.Peer)
	}
}

// TestUnspecifiedAddressNamesNobody: a client that has no address yet is not a
// host of its own.
func TestUnspecifiedAddressNamesNobody(t *testing.T) {
	none := ends{netip.IPv4Unspecified(), netip.MustParseAddr("255.255.255.255"), 68, 67}
	r := record(t)
	b := udpFrame(t, none, []byte("x"))[14:]
	r.cutFrame(evidence.LinkRaw, b, len(b))
	r.Close()
	for _, e := range r.events {
		if !e.Device.IsZero() {
			t.Errorf("%s of %s", e.Body.Describe(), e.Device)
		}
	}
}
