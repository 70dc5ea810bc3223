package provider

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func link() Uplink {
	return Uplink{
		RouterV4: netip.MustParsePrefix("198.51.100.1/24"), RouterV6: netip.MustParsePrefix("2001:db8:100::1/64"),
		First:     netip.MustParseAddr("198.51.100.100"),
		Resolvers: []netip.Addr{netip.MustParseAddr("198.51.100.53"), netip.MustParseAddr("2001:db8:100::53")},
		Pool:      netip.MustParsePrefix("2001:db8:f000::/48"),
	}
}

func mac(n byte) net.HardwareAddr { return net.HardwareAddr{0, 0, 0x5e, 0, 0x53, n} }

func ask4(t *testing.T, d *dhcp4, kind dhcpv4.MessageType, client byte, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	q, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac(client)), dhcpv4.WithMessageType(kind)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.answer(q)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wanted(ip string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(ip)))
}

func TestDHCPv4(t *testing.T) {
	d := &dhcp4{link: link()}
	for _, c := range []struct {
		name   string
		kind   dhcpv4.MessageType
		client byte
		more   []dhcpv4.Modifier
		want   dhcpv4.MessageType // none: silence
		lease  string
	}{
		{"first", dhcpv4.MessageTypeDiscover, 1, nil, dhcpv4.MessageTypeOffer, "198.51.100.100"},
		{"second", dhcpv4.MessageTypeDiscover, 2, nil, dhcpv4.MessageTypeOffer, "198.51.100.101"},
		{"the first again", dhcpv4.MessageTypeRequest, 1, []dhcpv4.Modifier{wanted("198.51.100.100")}, dhcpv4.MessageTypeAck, "198.51.100.100"},
		{"renewal", dhcpv4.MessageTypeRequest, 2, []dhcpv4.Modifier{dhcpv4.WithClientIP(net.ParseIP("198.51.100.101"))}, dhcpv4.MessageTypeAck, "198.51.100.101"},
		{"somebody else's address", dhcpv4.MessageTypeRequest, 2, []dhcpv4.Modifier{wanted("198.51.100.100")}, dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"address of another network", dhcpv4.MessageTypeRequest, 3, []dhcpv4.Modifier{wanted("10.0.0.5")}, dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"another server was chosen", dhcpv4.MessageTypeRequest, 1, []dhcpv4.Modifier{wanted("198.51.100.100"),
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP("198.51.100.9")))}, dhcpv4.MessageTypeNone, ""},
		{"inform", dhcpv4.MessageTypeInform, 4, nil, dhcpv4.MessageTypeAck, "0.0.0.0"},
		{"release", dhcpv4.MessageTypeRelease, 1, nil, dhcpv4.MessageTypeNone, ""},
	} {
		m := ask4(t, d, c.kind, c.client, c.more...)
		if c.want == dhcpv4.MessageTypeNone {
			if m != nil {
				t.Errorf("%s: answered\n%s", c.name, m.Summary())
			}
			continue
		}
		if m == nil || m.MessageType() != c.want || m.YourIPAddr.String() != c.lease {
			t.Errorf("%s: want %s of %s, got\n%v", c.name, c.want, c.lease, m)
		}
	}
}

func TestDHCPv4EndsWithThePool(t *testing.T) {
	d := &dhcp4{link: link()}
	for n := range maxClients {
		if ask4(t, d, dhcpv4.MessageTypeDiscover, byte(n)) == nil {
			t.Fatalf("client %d got nothing", n)
		}
	}
	if m := ask4(t, d, dhcpv4.MessageTypeDiscover, 200); m != nil {
		t.Errorf("one too many: %s", m.YourIPAddr)
	}
	if m := ask4(t, d, dhcpv4.MessageTypeDiscover, 0); m == nil || m.YourIPAddr.String() != "198.51.100.100" {
		t.Error("a known client was forgotten")
	}
}

func duid(n byte) dhcpv6.DUID {
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: mac(n)}
}

func newDHCP6(u Uplink) (*dhcp6, *[]string) {
	var routes []string
	return &dhcp6{link: u, id: duid(0xf2), route: func(p netip.Prefix) error {
		routes = append(routes, p.String())
		return nil
	}}, &routes
}

func ask6(t *testing.T, d *dhcp6, kind dhcpv6.MessageType, client byte, more ...dhcpv6.Modifier) *dhcpv6.Message {
	t.Helper()
	q, err := dhcpv6.NewMessage(append([]dhcpv6.Modifier{dhcpv6.WithClientID(duid(client)), dhcpv6.WithIAPD([4]byte{0, 0, 0, 1})}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	q.MessageType = kind
	m, err := d.answer(q)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDHCPv6(t *testing.T) {
	d, routes := newDHCP6(link())
	id := dhcpv6.WithServerID(duid(0xf2))
	for _, c := range []struct {
		name   string
		kind   dhcpv6.MessageType
		client byte
		more   []dhcpv6.Modifier
		want   dhcpv6.MessageType // none: silence
		prefix string
	}{
		{"solicit", dhcpv6.MessageTypeSolicit, 1, nil, dhcpv6.MessageTypeAdvertise, "2001:db8:f000:10::/60"},
		{"solicit, rapid", dhcpv6.MessageTypeSolicit, 2, []dhcpv6.Modifier{dhcpv6.WithRapidCommit}, dhcpv6.MessageTypeReply, "2001:db8:f000:20::/60"},
		{"request", dhcpv6.MessageTypeRequest, 1, []dhcpv6.Modifier{id}, dhcpv6.MessageTypeReply, "2001:db8:f000:10::/60"},
		{"renew", dhcpv6.MessageTypeRenew, 2, []dhcpv6.Modifier{id}, dhcpv6.MessageTypeReply, "2001:db8:f000:20::/60"},
		{"rebind", dhcpv6.MessageTypeRebind, 2, nil, dhcpv6.MessageTypeReply, "2001:db8:f000:20::/60"},
		{"release", dhcpv6.MessageTypeRelease, 2, []dhcpv6.Modifier{id}, dhcpv6.MessageTypeReply, ""},
		{"for another server", dhcpv6.MessageTypeRequest, 1, []dhcpv6.Modifier{dhcpv6.WithServerID(duid(9))}, dhcpv6.MessageTypeNone, ""},
		{"from a server", dhcpv6.MessageTypeAdvertise, 1, nil, dhcpv6.MessageTypeNone, ""},
	} {
		m := ask6(t, d, c.kind, c.client, c.more...)
		if c.want == dhcpv6.MessageTypeNone {
			if m != nil {
				t.Errorf("%s: answered with %s", c.name, m.MessageType)
			}
			continue
		}
		if m == nil || m.MessageType != c.want || prefixOf(m) != c.prefix || len(m.Options.DNS()) != 1 {
			t.Errorf("%s: want %s with %s, got %v", c.name, c.want, c.prefix, m)
		}
	}
	if len(*routes) != 5 {
		t.Errorf("routes: %v", *routes)
	}
}

func prefixOf(m *dhcpv6.Message) string {
	for _, p := range m.Options.OneIAPD().Options.Prefixes() {
		return p.Prefix.String()
	}
	return ""
}

func TestNoPool(t *testing.T) {
	u := link()
	u.Pool = netip.Prefix{}
	d, _ := newDHCP6(u)
	m := ask6(t, d, dhcpv6.MessageTypeSolicit, 1)
	if s := m.Options.OneIAPD().Options.Status(); s == nil || s.StatusCode != iana.StatusNoPrefixAvail {
		t.Errorf("status %v", s)
	}
}

// TestRouteFails: a prefix that cannot be routed is not given away.
func TestRouteFails(t *testing.T) {
	d, _ := newDHCP6(link())
	d.route = func(netip.Prefix) error { return errors.New("no such link") }
	q, err := dhcpv6.NewMessage(dhcpv6.WithClientID(duid(1)), dhcpv6.WithIAPD([4]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := d.answer(q); err == nil {
		t.Errorf("answered with %v", m)
	}
}

func FuzzDHCP(f *testing.F) {
	q4, err := dhcpv4.NewDiscovery(mac(1))
	if err != nil {
		f.Fatal(err)
	}
	q6, err := dhcpv6.NewSolicit(mac(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q4.ToBytes())
	f.Add(q6.ToBytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzz4(t, raw)
		fuzz6(t, raw)
	})
}

func fuzz4(t *testing.T, raw []byte) {
	q, err := dhcpv4.FromBytes(raw)
	if err != nil {
		return
	}
	if m, err := (&dhcp4{link: link()}).answer(q); err == nil && m != nil && len(m.ToBytes()) < 240 {
		t.Error("an answer shorter than its header")
	}
}

func fuzz6(t *testing.T, raw []byte) {
	q, err := dhcpv6.MessageFromBytes(raw)
	if err != nil {
		return
	}
	d, _ := newDHCP6(link())
	if m, err := d.answer(q); err == nil && m != nil && m.TransactionID != q.TransactionID {
		t.Error("an answer to another question")
	}
}
