package dhcp

import (
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// FuzzDHCP4 reads hostile messages; where another implementation reads one too,
// both must find the same type and host name.
func FuzzDHCP4(f *testing.F) {
	m, err := dhcpv4.NewDiscovery(clientMAC[:], dhcpv4.WithOption(dhcpv4.OptHostName("lamp")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.ToBytes())
	conn := wire.Conn{Device: clientHost, ClientPort: 68, ServerPort: 67}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &desk{conn: conn}
		known := reader4{}.Packet(d, event.FromClient, b)
		if known != (recognise4(conn, event.FromClient, b) == wire.Yes) || known != (d.body != nil) {
			t.Fatal("recognised and read differ")
		}
		if !known {
			return
		}
		_ = d.body.Describe()
		other, err := dhcpv4.FromBytes(b)
		got := d.body.(event.DHCP4)
		if err != nil || other.Options.Has(dhcpv4.OptionOptionOverload) {
			return
		}
		if v := other.Options.Get(dhcpv4.OptionHostName); string(v) != got.HostName {
			t.Fatalf("host name %q, other %q", got.HostName, v)
		}
	})
}

// FuzzDHCP6 does the same for DHCPv6.
func FuzzDHCP6(f *testing.F) {
	m, err := dhcpv6.NewSolicit(clientMAC[:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.ToBytes())
	relayed, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayForward, make([]byte, 16), make([]byte, 16))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(relayed.ToBytes())
	conn := wire.Conn{Device: clientHost, ClientPort: 546, ServerPort: 547}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &desk{conn: conn}
		reader6{}.Packet(d, event.FromClient, b)
		if d.body == nil {
			return
		}
		_ = d.body.Describe()
		got := d.body.(event.DHCP6)
		other, err := dhcpv6.MessageFromBytes(b)
		// An option that comes twice is read twice here, and once there.
		if err == nil && (uint8(other.MessageType) != got.Type || len(other.Options.RequestedOptions()) > len(got.Requested) && len(got.Requested) < listLimit) {
			t.Fatalf("type %d and %d options, other %d and %d", got.Type, len(got.Requested), other.MessageType, len(other.Options.RequestedOptions()))
		}
	})
}
