package siit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"pgregory.net/rapid"
)

var (
	device6 = netip.MustParseAddr("2001:db8:1::5")
	server6 = netip.MustParseAddr("64:ff9b::c633:6407")
	pool4   = netip.MustParseAddr("192.0.0.2")
	server4 = netip.MustParseAddr("198.51.100.7")
)

// TestEmbed holds against the examples of RFC 6052 section 2.4.
func TestEmbed(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.33")
	for _, c := range []struct{ prefix, want string }{
		{"2001:db8::/32", "2001:db8:c000:221::"}, {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
		{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"}, {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
		{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"}, {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
		{"64:ff9b::/96", "64:ff9b::192.0.2.33"},
	} {
		p := netip.MustParsePrefix(c.prefix)
		if err := CheckPrefix(p); err != nil {
			t.Error(err)
		}
		got := Embed(p, v4)
		if got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %s, want %s", c.prefix, got, c.want)
		}
		if back, ok := Extract(p, got); !ok || back != v4 {
			t.Errorf("%s: back %s, %v", c.prefix, back, ok)
		}
	}
	if _, ok := Extract(WellKnown, device6); ok {
		t.Error("an address of another network is taken")
	}
	for _, bad := range []string{"64:ff9b::/95", "10.0.0.0/8", "64:ff9b::1/96", "2001:db8:0:0:100::/96"} {
		if CheckPrefix(netip.MustParsePrefix(bad)) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// slow is RFC 1071 in its plainest form, over pseudo header and body.
func slow(src, dst netip.Addr, protocol byte, body []byte) uint16 {
	b := append(append([]byte{}, src.AsSlice()...), dst.AsSlice()...)
	b = append(b, 0, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)), 0, protocol)
	b = append(b, body...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	var s uint32
	for i := 0; i < len(b); i += 2 {
		s += uint32(b[i])<<8 | uint32(b[i+1])
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// segment is a TCP segment or datagram with a right checksum.
func segment(protocol byte, e Ends, size int) []byte {
	b := make([]byte, size)
	put(b, e.SrcPort)
	put(b[2:], e.DstPort)
	at := 16
	for i := 20; i < size; i++ {
		b[i] = byte(i * 7)
	}
	if protocol == ProtoUDP {
		at = 6
		put(b[4:], uint16(size))
	}
	put(b[at:], slow(e.Src, e.Dst, protocol, b))
	return b
}

func whole6(protocol byte, e Ends, body []byte) Packet {
	return Packet{Src: e.Src, Dst: e.Dst, Hops: 60, Class: 0xb9, Protocol: protocol, Length: len(body), Payload: body}
}

// TestRoundTrip takes a segment through both directions: it must come back as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		protocol := rapid.SampledFrom([]byte{ProtoTCP, ProtoUDP}).Draw(t, "protocol")
		port := func(name string) uint16 { return uint16(rapid.IntRange(1, 65535).Draw(t, name)) }
		out := Ends{Src: device6, Dst: server6, SrcPort: port("a"), DstPort: port("b")}
		size := rapid.IntRange(20, 1400).Draw(t, "size")
		body := segment(protocol, out, size)
		p := whole6(protocol, out, body)
		mapped := Ends{Src: pool4, Dst: server4, SrcPort: port("c"), DstPort: out.DstPort}
		b, reason := ToIPv4(nil, p, mapped, 7)
		if reason != "" {
			t.Fatal(reason)
		}
		q, reason := ParseIPv4(b, false)
		got := []any{reason, q.Ends(), q.Class, q.Hops, checksum(0, b[:20])}
		if want := []any{"", mapped, byte(0xb9), byte(60), uint16(0)}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if q.DontFragment != (len(b) > 1260) {
			t.Fatalf("%d bytes, may not be cut: %v", len(b), q.DontFragment)
		}
		if slow(pool4, server4, protocol, q.Payload) != 0 {
			t.Fatal("the checksum of the IPv4 packet is wrong")
		}
		back, reason := ToIPv6(nil, q, out)
		if reason != "" {
			t.Fatal(reason)
		}
		r, _ := ParseIPv6(back, false)
		if !bytes.Equal(r.Payload, body) || r.Ends() != out {
			t.Fatalf("%x came back as %x", body, r.Payload)
		}
	})
}

// TestUDPWithoutChecksum: IPv4 has it, IPv6 has not.
func TestUDPWithoutChecksum(t *testing.T) {
	e := Ends{Src: server4, Dst: pool4, SrcPort: 53, DstPort: 4000}
	p := whole6(ProtoUDP, e, segment(ProtoUDP, e, 40))
	put(p.Payload[6:], 0)
	to := Ends{Src: server6, Dst: device6, SrcPort: 53, DstPort: 5000}
	b, reason := ToIPv6(nil, p, to)
	if reason != "" || slow(to.Src, to.Dst, ProtoUDP, b[HeaderIPv6:]) != 0 {
		t.Errorf("%q: %x", reason, b)
	}
	p = whole6(ProtoUDP, to, segment(ProtoUDP, to, 40))
	put(p.Payload[6:], 0)
	if _, reason := ToIPv4(nil, p, e, 0); reason != Checksum {
		t.Errorf("IPv6 without a checksum: %q", reason)
	}
}

// TestEcho is held against messages made by another library.
func TestEcho(t *testing.T) {
	body := &icmp.Echo{ID: 77, Seq: 3, Data: []byte("odd data")[:7]}
	six := func(kind ipv6.ICMPType, id int, src, dst netip.Addr) []byte {
		e := *body
		e.ID = id
		m := icmp.Message{Type: kind, Body: &e}
		b, err := m.Marshal(icmp.IPv6PseudoHeader(src.AsSlice(), dst.AsSlice()))
		must(t, err)
		return b
	}
	four := func(kind ipv4.ICMPType, id int) []byte {
		e := *body
		e.ID = id
		b, err := (&icmp.Message{Type: kind, Body: &e}).Marshal(nil)
		must(t, err)
		return b
	}
	out := Ends{Src: device6, Dst: server6, SrcPort: 77, DstPort: 77}
	b, reason := ToIPv4(nil, whole6(ProtoICMPv6, out, six(ipv6.ICMPTypeEchoRequest, 77, device6, server6)), Ends{Src: pool4, Dst: server4, SrcPort: 900, DstPort: 900}, 1)
	if want := four(ipv4.ICMPTypeEcho, 900); reason != "" || !bytes.Equal(b[HeaderIPv4:], want) {
		t.Errorf("request: %q %x, want %x", reason, b, want)
	}
	b, reason = ToIPv6(nil, whole6(ProtoICMPv4, Ends{Src: server4, Dst: pool4}, four(ipv4.ICMPTypeEchoReply, 900)), Ends{Src: server6, Dst: device6, SrcPort: 77, DstPort: 77})
	if want := six(ipv6.ICMPTypeEchoReply, 77, server6, device6); reason != "" || !bytes.Equal(b[HeaderIPv6:], want) {
		t.Errorf("reply: %q %x, want %x", reason, b, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestErrorsToIPv6 is the table of RFC 7915 section 4.2.
func TestErrorsToIPv6(t *testing.T) {
	for _, c := range []struct {
		kind, code byte
		word       uint32
		want       string // type, code and word; "" for none
	}{
		{3, 0, 0, "01 00 00000000"}, {3, 1, 0, "01 00 00000000"}, {3, 2, 0, "04 01 00000006"}, {3, 3, 0, "01 04 00000000"},
		{3, 4, 1400, "02 00 0000058c"}, {3, 4, 1480, "02 00 000005dc"}, {3, 4, 9000, "02 00 000005dc"}, {3, 4, 600, "02 00 00000500"},
		{3, 4, 0, "02 00 00000500"}, {3, 9, 0, "01 01 00000000"}, {3, 13, 0, "01 01 00000000"}, {3, 14, 0, ""}, {3, 15, 0, "01 01 00000000"},
		{3, 16, 0, ""}, {11, 0, 0, "03 00 00000000"}, {11, 1, 0, "03 01 00000000"}, {12, 0, 8 << 24, "04 00 00000007"},
		{12, 0, 4 << 24, ""}, {12, 2, 16 << 24, "04 00 00000018"}, {12, 1, 0, ""},
	} {
		sent := Ends{Src: pool4, Dst: server4, SrcPort: 900, DstPort: 443}
		quoted, _ := transport(header4(nil, whole6(ProtoTCP, sent, segment(ProtoTCP, sent, 100)), sent, 0), whole6(ProtoTCP, sent, segment(ProtoTCP, sent, 100)), sent)
		b := error4(nil, Packet{Hops: 9}, Ends{Src: server4, Dst: pool4}, header{c.kind, c.code, c.word}, quoted[:28+20], 0)
		p, reason := ParseIPv4(b, false)
		in, why := Quoted(p)
		if reason != "" || why != "" || in.Ends() != sent {
			t.Fatalf("%d/%d: %q %q %+v", c.kind, c.code, reason, why, in.Ends())
		}
		inner := Ends{Src: device6, Dst: server6, SrcPort: 5000, DstPort: 443}
		out, why := ErrorToIPv6(nil, p, in, Ends{Src: server6, Dst: device6}, inner, MTUs{1500, 1500})
		if c.want == "" {
			if why != NoMeaning {
				t.Errorf("%d/%d: %q %x", c.kind, c.code, why, out)
			}
			continue
		}
		judge6(t, out, c.want, inner)
	}
}

// judge6 reads an ICMPv6 error independently.
func judge6(t *testing.T, b []byte, want string, inner Ends) {
	t.Helper()
	p, reason := ParseIPv6(b, false)
	if reason != "" || slow(p.Src, p.Dst, ProtoICMPv6, p.Payload) != 0 {
		t.Fatalf("want %s: %q, or a wrong checksum, in %x", want, reason, b)
	}
	h := hex.EncodeToString(p.Payload[:1]) + " " + hex.EncodeToString(p.Payload[1:2]) + " " + hex.EncodeToString(p.Payload[4:8])
	if h != want {
		t.Errorf("%s, want %s", h, want)
	}
	in, reason := ParseIPv6(p.Payload[8:], true)
	if reason != "" || in.Ends() != inner || in.Length != 100 || in.Protocol != ProtoTCP {
		t.Errorf("want %s: it quotes %q %+v", want, reason, in)
	}
	full := segment(ProtoTCP, inner, 100) // the device's own segment, as it was sent
	if got := in.Payload[16:18]; len(in.Payload) >= 18 && !bytes.Equal(got, full[16:18]) {
		t.Errorf("want %s: the quoted checksum is %x, was %x", want, got, full[16:18])
	}
}

// TestErrorsToIPv4 is the table of RFC 7915 section 5.2.
func TestErrorsToIPv4(t *testing.T) {
	for _, c := range []struct {
		kind, code byte
		word       uint32
		want       string
	}{
		{1, 0, 0, "03 01 00000000"}, {1, 1, 0, "03 0a 00000000"}, {1, 2, 0, "03 01 00000000"}, {1, 4, 0, "03 03 00000000"}, {1, 5, 0, ""},
		{2, 0, 1400, "03 04 00000564"}, {2, 0, 9000, "03 04 000005c8"}, {2, 0, 1, "03 04 00000044"}, {3, 0, 0, "0b 00 00000000"}, {3, 1, 0, "0b 01 00000000"},
		{4, 0, 7, "0c 00 08000000"}, {4, 0, 2, ""}, {4, 0, 30, "0c 00 10000000"}, {4, 0, 40, ""}, {4, 1, 6, "03 02 00000000"}, {4, 2, 0, ""},
	} {
		got := Ends{Src: server6, Dst: device6, SrcPort: 443, DstPort: 5000}
		quoted, _ := ToIPv6(nil, whole6(ProtoUDP, Ends{Src: server4, Dst: pool4}, segment(ProtoUDP, Ends{Src: server4, Dst: pool4, SrcPort: 443, DstPort: 900}, 100)), got)
		b := error6(nil, Packet{Hops: 9}, Ends{Src: device6, Dst: server6}, header{c.kind, c.code, c.word}, quoted)
		p, _ := ParseIPv6(b, false)
		in, why := Quoted(p)
		if why != "" || in.Ends() != got {
			t.Fatalf("%q %+v", why, in.Ends())
		}
		inner := Ends{Src: server4, Dst: pool4, SrcPort: 443, DstPort: 900}
		out, why := ErrorToIPv4(nil, p, in, Ends{Src: pool4, Dst: server4}, inner, MTUs{1500, 1500}, 3)
		if c.want == "" {
			if why != NoMeaning {
				t.Errorf("%d/%d: %q %x", c.kind, c.code, why, out)
			}
			continue
		}
		p, reason := ParseIPv4(out, false)
		if reason != "" || checksum(0, p.Payload) != 0 {
			t.Fatalf("%d/%d: %q or a wrong checksum", c.kind, c.code, reason)
		}
		checkError4(t, p.Payload, c.want, inner)
	}
}

// checkError4 wants an ICMP message with type, code and word, that quotes the packet.
func checkError4(t *testing.T, message []byte, want string, inner Ends) {
	t.Helper()
	if got := fmt.Sprintf("%x %x %x", message[:1], message[1:2], message[4:8]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if in, _ := ParseIPv4(message[8:], true); in.Ends() != inner || slow(inner.Src, inner.Dst, ProtoUDP, in.Payload) != 0 {
		t.Errorf("%s: it quotes %+v", want, in)
	}
}

// TestFragments cuts packets and puts them together, in any order.
func TestFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1500, 30000).Draw(t, "size")
		e := Ends{Src: device6, Dst: server6, SrcPort: 1, DstPort: 2}
		body := segment(ProtoTCP, e, size)
		packet, _ := ToIPv6(nil, whole6(ProtoTCP, Ends{Src: pool4, Dst: server4}, body), e)
		var parts [][]byte
		Split6(packet, 1280, 99, func(b []byte) { parts = append(parts, bytes.Clone(b)) })
		got := together(t, rapid.Permutation(parts).Draw(t, "order"))
		if !bytes.Equal(got.Payload, packet[HeaderIPv6:]) || !got.Reassembled {
			t.Fatalf("%d of %d bytes", len(got.Payload), size)
		}
		four, _ := ToIPv4(nil, got, Ends{Src: pool4, Dst: server4, SrcPort: 3, DstPort: 2}, 5)
		if total := cut4(t, four); total != size {
			t.Fatalf("%d of %d bytes", total, size)
		}
	})
}

// together puts fragments of IPv6 together; nothing must be kept of them afterwards.
func together(t *rapid.T, parts [][]byte) (got Packet) {
	var r Reassembler
	done := false
	for _, b := range parts {
		p, reason := ParseIPv6(b, false)
		if reason != "" || len(b) > 1280 || !p.Fragment || done {
			t.Fatalf("%q, %d bytes, done %v", reason, len(b), done)
		}
		if got, done, reason = r.Add(p, 0); reason != "" {
			t.Fatal(reason)
		}
	}
	if kept := r.held + len(r.waiting) + len(r.order); !done || kept != 0 {
		t.Fatalf("done %v, %d kept", done, kept)
	}
	return got
}

// cut4 cuts a packet of IPv4 and tells how much its fragments hold.
func cut4(t *rapid.T, packet []byte) (total int) {
	Split4(packet, 1500, func(b []byte) {
		p, reason := ParseIPv4(b, false)
		if reason != "" || len(b) > 1500 || checksum(0, b[:20]) != 0 {
			t.Fatalf("%q, %d bytes", reason, len(b))
		}
		if p.ID != 5 || p.DontFragment || p.Offset != total {
			t.Fatalf("%+v", p)
		}
		total += p.Length
	})
	return total
}

// TestFragmentFlood: nothing grows without bound, and overlaps end a datagram.
func TestFragmentFlood(t *testing.T) {
	var r Reassembler
	for i := range uint32(10_000) {
		b := device6.As16()
		b[15] = byte(i / 8)
		p := Packet{Src: netip.AddrFrom16(b), Dst: server6, ID: i, Fragment: true, More: true, Length: 1400, Payload: make([]byte, 1400)}
		_, _, _ = r.Add(p, time.Duration(i)*time.Microsecond)
		if len(r.waiting) > maxWaiting || r.held > maxHeld || len(r.order) != len(r.waiting) {
			t.Fatalf("%d wait, %d bytes", len(r.waiting), r.held)
		}
	}
	if _, _, _ = r.Add(Packet{Src: server6, Fragment: true, More: true, Length: 8, Payload: make([]byte, 8)}, time.Hour); len(r.waiting) != 1 {
		t.Errorf("%d wait after an hour", len(r.waiting))
	}
	r = Reassembler{}
	p := Packet{Src: device6, Dst: server6, Fragment: true, More: true, Length: 16, Payload: make([]byte, 16)}
	_, _, _ = r.Add(p, 0)
	p.Offset = 8
	if _, _, reason := r.Add(p, 0); reason != Overlap || len(r.waiting) != 0 || r.held != 0 {
		t.Errorf("an overlap: %q, %d wait", reason, len(r.waiting))
	}
}

// TestRefusals are packets that are not translated.
func TestRefusals(t *testing.T) {
	clean := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		must(t, err)
		return b
	}
	const ends6 = "20010db8000100000000000000000005 0064ff9b0000000000000000c6336407"
	for _, c := range []struct {
		what, packet string
		want         Reason
	}{
		{"nothing", "", Malformed},
		{"a length beyond the packet", "60000000 0009 11 40 " + ends6, Malformed},
		{"a routing header that goes on", "60000000 0008 2b 40 " + ends6 + "3b00 04 01 00000000", SourceRoute},
		{"extension headers without end", "60000000 0048 00 40 " + ends6 + strings.Repeat("0000 0000 0000 0000", 9), Malformed},
		{"an extension header that is cut", "60000000 0008 3c 40 " + ends6 + "1101 0000 0000 0000", Malformed},
	} {
		if _, reason := ParseIPv6(clean(c.packet), false); reason != c.want {
			t.Errorf("%s: %q, want %q", c.what, reason, c.want)
		}
	}
	for _, c := range []struct {
		what, packet string
		want         Reason
	}{
		{"a source route", "46000018 00000000 40060000 c0000002 c6336407 83040400", SourceRoute},
		{"options of length zero", "46000018 00000000 40060000 c0000002 c6336407 07000000", SourceRoute},
		{"a harmless option", "46000018 00000000 40060000 c0000002 c6336407 94040000", ""},
		{"a short header", "44000014 00000000 40060000 c0000002 c6336407", Malformed},
		{"the last possible fragment", "45000018 00001fff 40060000 c0000002 c6336407 00000000", ""},
	} {
		if _, reason := ParseIPv4(clean(c.packet), false); reason != c.want {
			t.Errorf("%s: %q, want %q", c.what, reason, c.want)
		}
	}
}
