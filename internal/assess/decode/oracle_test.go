package decode

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"assay/internal/assess/evidence"
)

// FuzzAgainstGopacket compares the headers that are read by hand with what
// gopacket reads: where it succeeds, addresses, protocol, ports and payload must
// be the same.
func FuzzAgainstGopacket(f *testing.F) {
	f.Add(tcpFrame(f, web, "SA", 1, 2, []byte("payload")))
	f.Add(tcpFrame(f, ends{device6, server6, 1, 2}, "A", 1, 2, nil))
	f.Add(udpFrame(f, web, []byte("payload")))
	f.Add(udpFrame(f, ends{device6, server6, 1, 2}, []byte("payload")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var eth layers.Ethernet
		var tag layers.Dot1Q
		var ip4 layers.IPv4
		var ip6 layers.IPv6
		var udp layers.UDP
		parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &tag, &ip4, &ip6, &udp)
		parser.IgnoreUnsupported = true
		var decoded []gopacket.LayerType
		err := parser.DecodeLayers(b, &decoded)
		if err != nil || parser.Truncated || !slices.Contains(decoded, layers.LayerTypeUDP) {
			return
		}
		r := record(t)
		r.cutFrame(evidence.LinkEthernet, b, len(b))
		if int(udp.Length) == len(udp.Contents)+len(udp.Payload) && r.packet.payload != nil {
			agree(t, &r.packet, &eth, &udp)
		}
	})
}

func agree(t *testing.T, p *packet, eth *layers.Ethernet, udp *layers.UDP) {
	t.Helper()
	if got, _ := p.from.MAC(); string(got[:]) != string(eth.SrcMAC) {
		t.Fatalf("sender %s, gopacket %s", p.from, eth.SrcMAC)
	}
	want := string(udp.Contents) + string(udp.Payload)
	if p.proto != protoUDP || !strings.HasPrefix(string(p.payload), want) {
		t.Fatalf("protocol %d, payload %x, gopacket %x", p.proto, p.payload, want)
	}
}
