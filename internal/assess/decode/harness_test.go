package decode

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// The two ends of the conversations in these tests.
var (
	deviceMAC = [6]byte{0x02, 0, 0, 0, 0, 0x0d}
	routerMAC = [6]byte{0x02, 0, 0, 0, 0, 0x01}
	device4   = netip.MustParseAddr("192.168.1.20")
	server4   = netip.MustParseAddr("198.51.100.7")
	device6   = netip.MustParseAddr("2001:db8::20")
	server6   = netip.MustParseAddr("2001:db8:ffff::7")
	epoch     = time.Unix(1_700_000_000, 0).UTC()
)

// recorder drives a Decoder and keeps its events.
type recorder struct {
	*Decoder
	t      testing.TB
	events []event.Event
	num    evidence.Ref
	at     time.Time
}

func record(t testing.TB) *recorder {
	r := &recorder{t: t, at: epoch}
	r.Decoder = New(Options{}, func(e event.Event) { r.events = append(r.events, e) })
	return r
}

// frame adds an Ethernet frame, a millisecond after the one before.
func (r *recorder) frame(b []byte) { r.cutFrame(evidence.LinkEthernet, b, len(b)) }

// cutFrame adds the first bytes of a frame of length bytes.
func (r *recorder) cutFrame(link evidence.LinkType, b []byte, length int) {
	r.num++
	r.at = r.at.Add(time.Millisecond)
	r.Add(evidence.Entry{
		Num: r.num, At: r.at, Kind: evidence.KindPacket,
		Packet: evidence.Packet{Link: link, Length: length, Data: b},
	})
}

func (r *recorder) wait(d time.Duration) { r.at = r.at.Add(d) }

// of lists the bodies of one type, in order.
func of[B event.Body](r *recorder) []B {
	var out []B
	for _, e := range r.events {
		if b, ok := e.Body.(B); ok {
			out = append(out, b)
		}
	}
	return out
}

// one is the only body of its type.
func one[B event.Body](r *recorder) B {
	r.t.Helper()
	all := of[B](r)
	if len(all) != 1 {
		r.t.Fatalf("got %d events of type %T, want 1", len(all), *new(B))
	}
	return all[0]
}

// assemble puts layers together with lengths and checksums.
func assemble(t testing.TB, l ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

// ends are the addresses of a packet.
type ends struct {
	from, to         netip.Addr
	fromPort, toPort uint16
}

func (e ends) back() ends { return ends{e.to, e.from, e.toPort, e.fromPort} }

func (e ends) macs() (from, to [6]byte) {
	if e.from == server4 || e.from == server6 {
		return routerMAC, deviceMAC
	}
	return deviceMAC, routerMAC
}

// ip is an Ethernet and an IP header.
func (e ends) ip(proto layers.IPProtocol) (gopacket.SerializableLayer, gopacket.NetworkLayer, gopacket.SerializableLayer) {
	from, to := e.macs()
	eth := &layers.Ethernet{SrcMAC: from[:], DstMAC: to[:], EthernetType: layers.EthernetTypeIPv4}
	if e.from.Is4() {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: ipOf(e.from), DstIP: ipOf(e.to)}
		return eth, ip, ip
	}
	eth.EthernetType = layers.EthernetTypeIPv6
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: proto, SrcIP: ipOf(e.from), DstIP: ipOf(e.to)}
	return eth, ip, ip
}

func ipOf(a netip.Addr) net.IP { return net.IP(a.AsSlice()) }

func udpFrame(t testing.TB, e ends, payload []byte) []byte {
	t.Helper()
	eth, network, ip := e.ip(layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: layers.UDPPort(e.fromPort), DstPort: layers.UDPPort(e.toPort)}
	_ = udp.SetNetworkLayerForChecksum(network)
	return assemble(t, eth, ip, udp, gopacket.Payload(payload))
}

// tcpFrame is a segment; flags is a string of the letters S, A, F, R and P.
func tcpFrame(t testing.TB, e ends, flags string, seq, ack uint32, payload []byte) []byte {
	t.Helper()
	eth, network, ip := e.ip(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(e.fromPort), DstPort: layers.TCPPort(e.toPort), Seq: seq, Ack: ack, Window: 65535}
	for _, f := range flags {
		switch f {
		case 'S':
			tcp.SYN = true
		case 'A':
			tcp.ACK = true
		case 'F':
			tcp.FIN = true
		case 'R':
			tcp.RST = true
		case 'P':
			tcp.PSH = true
		}
	}
	_ = tcp.SetNetworkLayerForChecksum(network)
	return assemble(t, eth, ip, tcp, gopacket.Payload(payload))
}

// web is a conversation from the device to a server at a port nobody uses.
var web = ends{device4, server4, 40000, 9999}

// handshake opens web with the given initial sequence numbers.
func (r *recorder) handshake(e ends, client, server uint32) {
	r.frame(tcpFrame(r.t, e, "S", client, 0, nil))
	r.frame(tcpFrame(r.t, e.back(), "SA", server, client+1, nil))
	r.frame(tcpFrame(r.t, e, "A", client+1, server+1, nil))
}
