package dhcp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// desk is the decoder's side of a reader.
type desk struct {
	conn   wire.Conn
	device event.HostID
	body   event.Body
}

func (d *desk) Conn() wire.Conn                                { return d.conn }
func (d *desk) Now() time.Time                                 { return time.Time{} }
func (d *desk) Ref() event.Ref                                 { return 1 }
func (d *desk) Name(string)                                    {}
func (d *desk) Emit(off int, body event.Body)                  { d.EmitFor(d.conn.Device, off, body) }
func (d *desk) EmitFor(h event.HostID, _ int, body event.Body) { d.device, d.body = h, body }

var (
	clientMAC  = [6]byte{2, 0, 0, 0, 0, 0x0d}
	serverHost = event.HostByMAC([6]byte{2, 0, 0, 0, 0, 1})
	clientHost = event.HostByMAC(clientMAC)
	byAddr     = cmpopts.EquateComparable(netip.Addr{})
)

// read shows a datagram to the first kind that is sure of it.
func read(t testing.TB, conn wire.Conn, b []byte) *desk {
	t.Helper()
	d := &desk{conn: conn}
	for _, k := range Datagrams() {
		if k.Recognise(conn, event.FromClient, b) == wire.Yes {
			if !k.New().Packet(d, event.FromClient, b) {
				t.Fatalf("%s refuses what it recognised", k.Name)
			}
			return d
		}
	}
	t.Fatal("nobody knows the message")
	return nil
}

// TestACK is a server's broadcast, as another implementation writes it.
func TestACK(t *testing.T) {
	m, err := dhcpv4.New(
		dhcpv4.WithHwAddr(clientMAC[:]), dhcpv4.WithMessageType(dhcpv4.MessageTypeAck),
		dhcpv4.WithYourIP(net.IPv4(192, 168, 1, 20)), dhcpv4.WithServerIP(net.IPv4(192, 168, 1, 1)),
		dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithRouter(net.IPv4(192, 168, 1, 1)),
		dhcpv4.WithDNS(net.IPv4(192, 168, 1, 1), net.IPv4(9, 9, 9, 9)), dhcpv4.WithLeaseTime(3600),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 168, 1, 1))),
		dhcpv4.WithOption(dhcpv4.OptNTPServers(net.IPv4(192, 168, 1, 2))),
		dhcpv4.WithOption(dhcpv4.OptDomainName("lan")),
		dhcpv4.WithGeneric(dhcpv4.OptionIPv6OnlyPreferred, []byte{0, 0, 7, 8}),
		dhcpv4.WithGeneric(dhcpv4.GenericOptionCode(162), []byte("\x00\x0b\x00\x01\x08\x03dns\x02Ex\x00")),
		dhcpv4.WithTransactionID(dhcpv4.TransactionID{1, 2, 3, 4}),
	)
	if err != nil {
		t.Fatal(err)
	}
	m.OpCode = dhcpv4.OpcodeBootReply
	d := read(t, wire.Conn{Device: serverHost, ClientPort: 67, ServerPort: 68, Group: true}, m.ToBytes())
	a := netip.MustParseAddr
	want := event.DHCP4{
		FromServer: true, Type: 5, XID: 0x01020304, ClientMAC: clientMAC,
		ServerID: a("192.168.1.1"), YourAddr: a("192.168.1.20"), Lease: time.Hour, Netmask: 24,
		Routers: []netip.Addr{a("192.168.1.1")}, DNS: []netip.Addr{a("192.168.1.1"), a("9.9.9.9")},
		NTP: []netip.Addr{a("192.168.1.2")}, Domain: "lan", V6OnlyWait: 30 * time.Minute, HasV6Only: true,
		DNR: []string{"dns.ex."},
	}
	if diff := cmp.Diff(want, d.body, byAddr); diff != "" {
		t.Error(diff)
	}
	if d.device != clientHost {
		t.Errorf("reported for %s", d.device)
	}
}

func TestDiscover(t *testing.T) {
	m, err := dhcpv4.NewDiscovery(clientMAC[:],
		dhcpv4.WithOption(dhcpv4.OptHostName("lamp")), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("udhcp 1.36")),
		dhcpv4.WithOption(dhcpv4.OptParameterRequestList(dhcpv4.OptionSubnetMask, dhcpv4.OptionNTPServers)),
		dhcpv4.WithGeneric(dhcpv4.GenericOptionCode(161), []byte("https://things.example/lamp.json")),
		dhcpv4.WithGeneric(dhcpv4.OptionFQDN, []byte("\x05\x00\x00\x04Lamp\x03lan\x00")),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(192, 168, 1, 20))))
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, wire.Conn{Device: clientHost, ClientPort: 68, ServerPort: 67}, m.ToBytes()).body.(event.DHCP4)
	if got.FromServer || got.Type != 1 || got.HostName != "lamp" || got.VendorClass != "udhcp 1.36" || got.FQDN != "lamp.lan." {
		t.Errorf("got %+v", got)
	}
	if got.MUDURL != "https://things.example/lamp.json" || got.Requested != netip.MustParseAddr("192.168.1.20") {
		t.Errorf("got %+v", got)
	}
}

// TestClientWithoutHardwareAddress: where the link names hosts by IP address, the
// client is who the message says it is.
func TestClientWithoutHardwareAddress(t *testing.T) {
	m, err := dhcpv4.NewDiscovery(clientMAC[:], dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(192, 168, 1, 20))))
	if err != nil {
		t.Fatal(err)
	}
	want := event.HostByAddr(netip.MustParseAddr("192.168.1.20"))
	if d := read(t, wire.Conn{ClientPort: 68, ServerPort: 67, Group: true}, m.ToBytes()); d.device != want {
		t.Errorf("request of %s", d.device)
	}
	m.OpCode, m.YourIPAddr = dhcpv4.OpcodeBootReply, net.IPv4(192, 168, 1, 20)
	server := event.HostByAddr(netip.MustParseAddr("192.168.1.1"))
	if d := read(t, wire.Conn{Device: server, ClientPort: 67, ServerPort: 68, Group: true}, m.ToBytes()); d.device != want {
		t.Errorf("answer for %s", d.device)
	}
}

// TestLongAndOverloadedOptions joins a split option and looks into the fields
// for names (RFC 3396, RFC 2132 section 9.3).
func TestLongAndOverloadedOptions(t *testing.T) {
	b := make([]byte, 240)
	b[0], b[1], b[2] = 1, 1, 6
	copy(b[236:], magicCookie)
	copy(b[108:], "\x0c\x02-b\xff")
	copy(b[44:], "\x3c\x03cls\xff")
	b = append(b, "\x35\x01\x03\x34\x01\x03\x00\x0c\x01a\xff"...)
	got := message4(b)
	if got.HostName != "a-b" || got.VendorClass != "cls" || got.Type != 3 {
		t.Fatalf("got %+v", got)
	}
}

func TestV6(t *testing.T) {
	m, err := dhcpv6.NewMessage(
		dhcpv6.WithClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: clientMAC[:]}),
		dhcpv6.WithIANA(dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP("2001:db8::20")}),
		dhcpv6.WithIAPD([4]byte{0, 0, 0, 1}),
		dhcpv6.WithRequestedOptions(dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionNTPServer),
		dhcpv6.WithDNS(net.ParseIP("2001:db8::53")),
		dhcpv6.WithOption(&dhcpv6.OptVendorClass{EnterpriseNumber: 1, Data: [][]byte{[]byte("maker")}}),
		dhcpv6.WithOption(&dhcpv6.OptFQDN{Flags: 1, DomainName: &rfc1035label.Labels{Labels: []string{"lamp.lan"}}}),
		dhcpv6.WithOption(&dhcpv6.OptionGeneric{OptionCode: 112, OptionData: []byte("https://a.example/")}),
		dhcpv6.WithOption(&dhcpv6.OptionGeneric{OptionCode: 56, OptionData: []byte("\x00\x03\x00\x05\x03ntp\x00")}),
	)
	if err != nil {
		t.Fatal(err)
	}
	m.MessageType, m.TransactionID = dhcpv6.MessageTypeReply, dhcpv6.TransactionID{1, 2, 3}
	want := event.DHCP6{
		FromServer: true, Type: 7, XID: 0x010203, DUIDType: 3, DUID: append([]byte{0, 3, 0, 1}, clientMAC[:]...),
		Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::20")}, AsksAddress: true, AsksPrefix: true,
		Requested: []uint16{23, 56}, DNS: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, NTP: []string{"ntp."},
		FQDN: "lamp.lan.", VendorClass: "maker", MUDURL: "https://a.example/",
	}
	conn := wire.Conn{Device: clientHost, Peer: serverHost, ClientPort: 546, ServerPort: 547}
	d := read(t, conn, m.ToBytes())
	if diff := cmp.Diff(want, d.body, byAddr); diff != "" || d.device != clientHost {
		t.Errorf("for %s: %s", d.device, diff)
	}
	relayed, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayReply, net.ParseIP("2001:db8::1"), net.ParseIP("fe80::20"))
	if err != nil {
		t.Fatal(err)
	}
	d = read(t, wire.Conn{Device: serverHost, ClientPort: 547, ServerPort: 547}, relayed.ToBytes())
	if diff := cmp.Diff(want, d.body, byAddr); diff != "" || d.device != clientHost {
		t.Errorf("relayed, for %s: %s", d.device, diff)
	}
}

func TestOtherDatagramsAreNotRecognised(t *testing.T) {
	for _, b := range [][]byte{nil, {1}, make([]byte, 300), []byte("GET / HTTP/1.1\r\n"), {1, 0, 0, 0, 0, 1, 0, 9}} {
		for _, k := range Datagrams() {
			if k.Recognise(wire.Conn{ClientPort: 546, ServerPort: 67}, event.FromClient, b) == wire.Yes {
				t.Errorf("%s recognises %q", k.Name, b)
			}
		}
	}
}
