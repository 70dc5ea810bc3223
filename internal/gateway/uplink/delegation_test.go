package uplink

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/server6"

	"assay/testbench/lab"
)

// delegate makes the provider's end delegate a prefix for so long; it tells what
// it was asked.
func delegate(b *bench, prefix string, valid time.Duration, asked chan<- dhcpv6.MessageType) {
	b.Helper()
	id := &dhcpv6.DUIDLL{LinkLayerAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}
	_, network, err := net.ParseCIDR(prefix)
	must(b.T, err)
	answer := func(conn net.PacketConn, peer net.Addr, m dhcpv6.DHCPv6) {
		in, ok := m.(*dhcpv6.Message)
		if !ok || in.Options.OneIAPD() == nil {
			return
		}
		select {
		case asked <- in.MessageType:
		default:
		}
		out := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: in.TransactionID}
		if in.MessageType == dhcpv6.MessageTypeSolicit {
			out.MessageType = dhcpv6.MessageTypeAdvertise
		}
		out.AddOption(dhcpv6.OptClientID(in.Options.ClientID()))
		out.AddOption(dhcpv6.OptServerID(id))
		out.AddOption(dhcpv6.OptDNS(net.ParseIP("2001:db8::53")))
		pd := &dhcpv6.OptIAPD{IaId: in.Options.OneIAPD().IaId, T1: time.Second, T2: 2 * time.Second}
		pd.Options.Add(&dhcpv6.OptIAPrefix{PreferredLifetime: valid, ValidLifetime: valid, Prefix: network})
		out.AddOption(pd)
		_, _ = conn.WriteTo(out.ToBytes(), peer)
	}
	var server *server6.Server
	must(b.T, b.lab.Internet.Do(func() (err error) {
		server, err = server6.NewServer(lab.InternetLink, nil, answer)
		return err
	}))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve() }()
	b.Cleanup(func() { _ = server.Close(); <-done })
}

func TestPrefixIsDelegatedAndRenewed(t *testing.T) {
	b := start(t, true, Config{Mode: DHCP})
	asked := make(chan dhcpv6.MessageType, 100)
	delegate(b, "2001:db8:77::/56", time.Hour, asked)
	s := b.wait("given a prefix", func(s State) bool { return s.Delegated.IsValid() })
	if s.Delegated != netip.MustParsePrefix("2001:db8:77::/56") || time.Until(s.DelegatedUntil) < 50*time.Minute {
		t.Errorf("state %+v", s)
	}
	deadline := time.After(20 * time.Second)
	for {
		select {
		case kind := <-asked:
			if kind == dhcpv6.MessageTypeRenew {
				return
			}
		case <-deadline:
			t.Fatal("the prefix is never renewed")
		}
	}
}

func TestPrefixesOfNoUse(t *testing.T) {
	for _, p := range []string{"fe80::/56", "ff05::/56", "::/0", "2001:db8::/65", "192.0.2.0/24", "::/56"} {
		_, n, err := net.ParseCIDR(p)
		must(t, err)
		if got, ok := usable(n); ok {
			t.Errorf("%s is used as %s", p, got)
		}
	}
	if _, ok := usable(nil); ok {
		t.Error("no prefix is used")
	}
}

func FuzzDelegation(f *testing.F) {
	m, err := dhcpv6.NewMessage()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.ToBytes())
	pd := &dhcpv6.OptIAPD{}
	pd.Options.Add(&dhcpv6.OptIAPrefix{
		ValidLifetime: 0xffffffff * time.Second, Prefix: &net.IPNet{IP: net.ParseIP("2001:db8:77::"), Mask: net.CIDRMask(56, 128)},
	})
	m.AddOption(pd)
	f.Add(m.ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv6.MessageFromBytes(b)
		if err != nil {
			return
		}
		d, err := parseDelegation(m)
		if err == nil && (d.prefix.Bits() > 64 || d.renew <= 0 || d.renew > d.rebind || d.rebind > d.end) {
			t.Errorf("taken: %+v", d)
		}
	})
}

func FuzzResolvConf(f *testing.F) {
	f.Add("nameserver 192.0.2.1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range parseResolvConf(text) {
			if !a.IsValid() {
				t.Errorf("an address that is none from %q", text)
			}
		}
	})
}
