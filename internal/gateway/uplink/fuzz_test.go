package uplink

import (
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/mdlayher/ndp"
)

// FuzzLease4: whatever a server says, times stand in order and addresses are of use.
func FuzzLease4(f *testing.F) {
	for _, more := range [][]dhcpv4.Modifier{
		{dhcpv4.WithYourIP([]byte{198, 51, 100, 2}), dhcpv4.WithLeaseTime(120)},
		{dhcpv4.WithYourIP([]byte{198, 51, 100, 2}), dhcpv4.WithLeaseTime(0xffffffff), dhcpv4.WithNetmask([]byte{255, 0, 255, 0})},
		{dhcpv4.WithLeaseTime(0), dhcpv4.WithGeneric(dhcpv4.OptionRenewTimeValue, []byte{255, 255, 255, 255})},
	} {
		m, err := dhcpv4.New(more...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.ToBytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		if l, err := parse4(&nclient4.Lease{Offer: m, ACK: m}); err == nil && !sound(l) {
			t.Errorf("taken: %+v, of the server %s", l, l.server())
		}
	})
}

func sound(l lease4) bool {
	s := l.server()
	ordered := 0 < l.renew && l.renew <= l.rebind && l.rebind <= l.end && shortestLease <= l.end && l.end <= longestLease
	return ordered && l.address.IsValid() && (s == nil || len(s.IP.To4()) == 4)
}

// FuzzAdvertised: whatever a router says, few resolvers are remembered, and none for
// longer than it said.
func FuzzAdvertised(f *testing.F) {
	m, err := ndp.MarshalMessage(&ndp.RouterAdvertisement{Options: []ndp.Option{
		&ndp.RecursiveDNSServer{Lifetime: time.Minute, Servers: []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("fe80::53")}},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ndp.ParseMessage(raw)
		a, ok := m.(*ndp.RouterAdvertisement)
		if err != nil || !ok {
			return
		}
		now := time.Unix(1e9, 0)
		b := book{zone: "7"}
		b.take(now, netip.MustParseAddr("fe80::1"), a)
		list := b.list(now)
		if len(list) > advertisedLimit || b.look(now, false) > time.Hour {
			t.Errorf("%d are remembered for %s", len(list), b.look(now, false))
		}
		for _, one := range list {
			if !usableResolver(one) {
				t.Errorf("remembered: %s", one)
			}
		}
	})
}

func usableResolver(a netip.Addr) bool {
	return a.IsValid() && !a.IsMulticast() && !a.IsUnspecified() && a.IsLinkLocalUnicast() == (a.Zone() == "7")
}
