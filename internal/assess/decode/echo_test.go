package decode

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"assay/internal/assess/event"
)

// echoReply is an ICMPv6 echo reply with so many bytes of data.
func echoReply(t *testing.T, e ends, size int) []byte {
	t.Helper()
	link, network, ip := e.ip(layers.IPProtocolICMPv6)
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoReply, 0)}
	if err := icmp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	echo := &layers.ICMPv6Echo{Identifier: 7, SeqNumber: 9}
	return assemble(t, link, ip, icmp, echo, gopacket.Payload(bytes.Repeat([]byte("x"), size)))
}

// inPieces cuts an Ethernet frame with IPv6 into fragments of at most so many bytes
// (RFC 8200 section 4.5).
func inPieces(frame []byte, most int) (out [][]byte) {
	const ether, header, fragment = 14, 40, 8
	body := frame[ether+header:]
	step := (most - header - fragment) &^ 7
	for at := 0; at < len(body); at += step {
		part := body[at:min(at+step, len(body))]
		b := bytes.Clone(frame[:ether+header])
		binary.BigEndian.PutUint16(b[ether+4:], uint16(fragment+len(part)))
		b[ether+6] = protoFragment
		offset := uint16(at)
		if at+step < len(body) {
			offset |= 1
		}
		b = append(b, frame[ether+6], 0)
		b = binary.BigEndian.AppendUint16(b, offset)
		b = append(b, 0, 0, 0, 5)
		out = append(out, append(b, part...))
	}
	return out
}

func TestEchoReplies(t *testing.T) {
	e := ends{from: netip.MustParseAddr("2001:db8::9"), to: netip.MustParseAddr("2001:db8::1")}
	frame := echoReply(t, e, 1352)
	for name, c := range map[string]struct {
		frames [][]byte
		want   event.Ponged
	}{
		"in one packet": {[][]byte{frame}, event.Ponged{To: e.to, ID: 7, Seq: 9, Bytes: 1400, Largest: 1400}},
		"in pieces":     {inPieces(frame, 1280), event.Ponged{To: e.to, ID: 7, Seq: 9, Bytes: 1400, Largest: 1280}},
		"small":         {[][]byte{echoReply(t, e, 56)}, event.Ponged{To: e.to, ID: 7, Seq: 9, Bytes: 104, Largest: 104}},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			for _, f := range c.frames {
				r.frame(f)
			}
			if got := one[event.Ponged](r); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestTooBigNamesBothEnds: an error tells whose packet it is about.
func TestTooBigNamesBothEnds(t *testing.T) {
	box, device := ends{from: netip.MustParseAddr("2001:db8::1"), to: netip.MustParseAddr("2001:db8::9")}, ends{}
	device.from, device.to = box.to, box.from
	link, network, ip := box.ip(layers.IPProtocolICMPv6)
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypePacketTooBig, 0)}
	if err := icmp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	about := echoReply(t, device, 1352)[14:][:1232]
	r := record(t)
	r.frame(assemble(t, link, ip, icmp, gopacket.Payload(append([]byte{0, 0, 5, 0}, about...))))
	if got := one[event.ICMPError](r); got.MTU != 1280 || got.From != device.from || got.About.Addr() != device.to {
		t.Errorf("got %+v", got)
	}
}
