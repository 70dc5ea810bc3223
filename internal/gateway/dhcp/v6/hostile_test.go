package v6

import (
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"assay/internal/assess/evidence"
)

func TestRefused(t *testing.T) {
	other := dhcpv6.OptServerID(duid(99))
	long := &dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientID, OptionData: append([]byte{0, 9}, make([]byte, 200)...)}
	for name, c := range map[string]struct {
		kind    dhcpv6.MessageType
		options []dhcpv6.Option
		from    string
		reason  string
	}{
		"global source":       {dhcpv6.MessageTypeSolicit, []dhcpv6.Option{client(1)}, "2001:db8::1", "not from a link-local address"},
		"IPv4":                {dhcpv6.MessageTypeSolicit, []dhcpv6.Option{client(1)}, "169.254.1.1", "not from a link-local address"},
		"anonymous":           {dhcpv6.MessageTypeSolicit, nil, "fe80::1", "no client identifier"},
		"long DUID":           {dhcpv6.MessageTypeSolicit, []dhcpv6.Option{long}, "fe80::1", "a client identifier of wrong length"},
		"two DUIDs":           {dhcpv6.MessageTypeSolicit, []dhcpv6.Option{client(1), client(2)}, "fe80::1", "a client identifier of wrong length"},
		"solicit to a server": {dhcpv6.MessageTypeSolicit, []dhcpv6.Option{client(1), other}, "fe80::1", "a server identifier where none belongs"},
		"request to nobody":   {dhcpv6.MessageTypeRequest, []dhcpv6.Option{client(1)}, "fe80::1", "no server identifier"},
		"request to other":    {dhcpv6.MessageTypeRequest, []dhcpv6.Option{client(1), other}, "fe80::1", "meant for another server"},
		"answer":              {dhcpv6.MessageTypeReply, []dhcpv6.Option{client(1), other}, "fe80::1", "a message that clients do not send"},
		"relayed":             {dhcpv6.MessageTypeRelayForward, nil, "fe80::1", "relayed"},
		"empty confirm":       {dhcpv6.MessageTypeConfirm, []dhcpv6.Option{client(1), ia(1)}, "fe80::1", "a confirm of no address"},
		"inform with IA":      {dhcpv6.MessageTypeInformationRequest, []dhcpv6.Option{ia(1)}, "fe80::1", "an information request with an address"},
	} {
		var notes []evidence.Note
		b := newBench(t, func(c *Config) { c.Note = func(n evidence.Note) { notes = append(notes, n) } })
		m := &dhcpv6.Message{MessageType: c.kind}
		for _, o := range c.options {
			m.AddOption(o)
		}
		if r := b.handle(m.ToBytes(), netip.MustParseAddr(c.from)); r != nil {
			t.Errorf("%s: answered %x", name, r)
		}
		if b.Counts()["refused: "+c.reason] != 1 || len(notes) != 1 || !strings.Contains(string(notes[0].Body), c.reason) {
			t.Errorf("%s: counted %v, noted %s", name, b.Counts(), notes)
		}
	}
	b := newBench(t, func(c *Config) { c.Network.Mode = Stateless })
	if r := b.say(t, dhcpv6.MessageTypeSolicit, client(1), ia(1)); r != nil {
		t.Errorf("a stateless server offered %v", r)
	}
}

func TestWrongSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		word   string
	}{
		"no port":   {func(c *Config) { c.Open = nil }, "Config.Open"},
		"prefix":    {func(c *Config) { c.Network.Prefix = netip.MustParsePrefix("2001:db8::/56") }, "64 bits"},
		"IPv4":      {func(c *Config) { c.Network.Prefix = netip.MustParsePrefix("192.0.2.0/24") }, "64 bits"},
		"lifetimes": {func(c *Config) { c.Network.Preferred = 24 * time.Hour }, "at most"},
		"DNS":       {func(c *Config) { c.Network.DNS = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }, "IPv6"},
		"refresh":   {func(c *Config) { c.Network.Refresh = time.Second }, "ten minutes"},
	} {
		cfg := Config{Network: homeNet(Stateful), Open: func() (net.PacketConn, error) { return nil, nil }}
		c.change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzHandle(f *testing.F) {
	seed := func(kind dhcpv6.MessageType, options ...dhcpv6.Option) {
		m := &dhcpv6.Message{MessageType: kind}
		for _, o := range options {
			m.AddOption(o)
		}
		f.Add(m.ToBytes())
	}
	seed(dhcpv6.MessageTypeSolicit, client(1), ia(1))
	seed(dhcpv6.MessageTypeRebind, client(1), ia(1, netip.MustParseAddr("2001:db8::1")), ia(2))
	seed(dhcpv6.MessageTypeConfirm, client(1), ia(1, netip.MustParseAddr("2001:db8:77::1")))
	seed(dhcpv6.MessageTypeInformationRequest, dhcpv6.OptRequestedOption(dhcpv6.OptionNTPServer))
	seed(dhcpv6.MessageTypeSolicit, client(1), &dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionMUDUrlV6, OptionData: []byte("https://x/\xff")},
		&dhcpv6.OptFQDN{DomainName: &rfc1035label.Labels{Labels: []string{"cam"}}}, &dhcpv6.OptVendorClass{Data: [][]byte{{1}}})
	f.Fuzz(func(t *testing.T, p []byte) {
		b := newBench(t, func(c *Config) {
			c.Note = func(n evidence.Note) {
				if !json.Valid(n.Body) {
					t.Errorf("note %s", n.Body)
				}
			}
		})
		r := b.handle(p, linkLocal)
		if r == nil {
			return
		}
		if len(r) > 1232 {
			t.Errorf("an answer of %d bytes to %x", len(r), p)
		}
		if _, err := dhcpv6.MessageFromBytes(r); err != nil {
			t.Errorf("%x is answered by %x: %v", p, r, err)
		}
	})
}
