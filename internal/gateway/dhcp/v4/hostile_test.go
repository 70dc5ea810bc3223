package v4

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"pgregory.net/rapid"

	"assay/internal/assess/evidence"
)

func TestRefused(t *testing.T) {
	message := func(change func(*dhcpv4.DHCPv4)) []byte {
		own := mac(1)
		m, err := dhcpv4.New(dhcpv4.WithHwAddr(own[:]), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		return m.ToBytes()
	}
	for name, c := range map[string]struct {
		packet []byte
		reason string
	}{
		"empty":        {nil, "malformed"},
		"short":        {make([]byte, 100), "malformed"},
		"no cookie":    {make([]byte, 300), "malformed"},
		"option cut":   {append(message(func(*dhcpv4.DHCPv4) {})[:240], 53, 200, 1), "malformed"},
		"reply":        {message(func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootReply }), "another server's answer"},
		"relayed":      {message(func(m *dhcpv4.DHCPv4) { m.GatewayIPAddr = []byte{10, 0, 0, 1} }), "relayed"},
		"token ring":   {message(func(m *dhcpv4.DHCPv4) { m.HWType = iana.HWTypeIEEE802 }), "hardware address is not Ethernet"},
		"long address": {message(func(m *dhcpv4.DHCPv4) { m.ClientHWAddr = make([]byte, 16) }), "hardware address is not Ethernet"},
		"no address":   {message(func(m *dhcpv4.DHCPv4) { m.ClientHWAddr = make([]byte, 6) }), "hardware address is not one device's"},
		"multicast":    {message(func(m *dhcpv4.DHCPv4) { m.ClientHWAddr[0] = 1 }), "hardware address is not one device's"},
		"BOOTP":        {message(func(m *dhcpv4.DHCPv4) { m.Options = dhcpv4.Options{} }), "BOOTP"},
		"OFFER":        {message(func(m *dhcpv4.DHCPv4) { m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeOffer)) }), "a message that clients do not send"},
		"inform": {message(func(m *dhcpv4.DHCPv4) {
			m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeInform))
			m.ClientIPAddr = []byte{8, 8, 8, 8}
		}), "an inform from another network"},
	} {
		b := newBench(t, nil)
		b.handle(c.packet)
		if len(b.sent) != 0 || b.Counts()["refused: "+c.reason] != 1 {
			t.Errorf("%s: %d answers, counted %v", name, len(b.sent), b.Counts())
		}
		wants(t, b.notes.text(), `"kind":"refused"`, c.reason)
	}
}

// TestForgottenEnd: a small client that leaves out the end option is served.
func TestForgottenEnd(t *testing.T) {
	b := newBench(t, nil)
	own := mac(1)
	m, _ := dhcpv4.New(dhcpv4.WithHwAddr(own[:]), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
	b.handle(m.ToBytes()[:243]) // header, cookie and option 53
	if kindOf(b.answer(t)) != "OFFER" {
		t.Errorf("got %v, %v", b.answer(t), b.Counts())
	}
}

// TestTooManyMessages of a client with a lease: it is limited, others are not.
func TestTooManyMessages(t *testing.T) {
	b := newBench(t, nil)
	a := b.join(t, mac(1))
	acks := 0
	for range 1000 {
		if b.say(t, mac(1), dhcpv4.MessageTypeRequest, from(a.String())) != nil {
			acks++
		}
	}
	if acks != knownBurst {
		t.Errorf("%d answers to a thousand requests", acks)
	}
	b.join(t, mac(2))
}

func TestWrongSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		word   string
	}{
		"no port":     {func(c *Config) { c.Open = nil }, "Config.Open"},
		"IPv6":        {func(c *Config) { c.Network.Prefix = netip.MustParsePrefix("fd00::/64") }, "IPv4 prefix"},
		"server":      {func(c *Config) { c.Network.Server = at("10.0.0.1") }, "must be inside"},
		"router":      {func(c *Config) { c.Network.Router = at("10.0.0.1") }, "must be inside"},
		"pool":        {func(c *Config) { c.Network.Last = at("192.168.77.2") }, "range"},
		"broadcast":   {func(c *Config) { c.Network.Last = at("192.168.77.255") }, "not for hosts"},
		"short lease": {func(c *Config) { c.Network.Lease = time.Second }, "a minute"},
		"DNS":         {func(c *Config) { c.Network.DNS = []netip.Addr{at("fd00::1")} }, "IPv4 addresses"},
		"many servers": {func(c *Config) {
			c.Network.DNS = make([]netip.Addr, 0)
			for range 9 {
				c.Network.DNS = append(c.Network.DNS, at("192.168.77.1"))
			}
		}, "shorten"},
		"domain": {func(c *Config) { c.Network.Domain = strings.Repeat("a", 300) }, "shorten"},
	} {
		cfg := Config{Network: homeNet(), Open: func() (Link, error) { return &wire{}, nil }}
		c.change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLeaseTable drives the server with random clients and compares what it told
// them with the two promises: an address has one client, and the device under test
// keeps its own.
func TestLeaseTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, func(c *Config) {
			c.Network.Last = at("192.168.77.111") // 12 addresses for 16 clients
			c.Network.RapidCommit = rapid.Bool().Draw(rt, "rapid commit")
		})
		if err := b.Mark(mac(0)); err != nil {
			rt.Fatal(err)
		}
		dut := b.join(t, mac(0))
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			b.now = b.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(rt, "seconds")) * time.Second)
			has := b.current()
			who := mac(uint32(rapid.IntRange(1, 15).Draw(rt, "who")))
			r := b.anything(t, rt, who)
			if kindOf(r) == "ACK" {
				if owner, taken := has[address(r.YourIPAddr)]; taken && owner != who {
					rt.Fatalf("%v belongs to %x and was given to %x", r.YourIPAddr, owner, who)
				}
			}
			b.consistent(rt, dut)
		}
	})
}

// anything has a client send one message of any kind about any address.
func (b *bench) anything(t *testing.T, rt *rapid.T, who MAC) *dhcpv4.DHCPv4 {
	wish := addrOf(number(at("192.168.77.99")) + uint32(rapid.IntRange(0, 14).Draw(rt, "address"))).String()
	ours := serverID("192.168.77.1")
	switch rapid.IntRange(0, 6).Draw(rt, "what") {
	case 0:
		return b.say(t, who, dhcpv4.MessageTypeDiscover, requested(wish))
	case 1:
		return b.say(t, who, dhcpv4.MessageTypeRequest, requested(wish), ours)
	case 2:
		return b.say(t, who, dhcpv4.MessageTypeRequest, requested(wish))
	case 3:
		return b.say(t, who, dhcpv4.MessageTypeRequest, from(wish))
	case 4:
		return b.say(t, who, dhcpv4.MessageTypeRelease, from(wish))
	case 5:
		return b.say(t, who, dhcpv4.MessageTypeDecline, requested(wish), ours)
	}
	return b.say(t, who, dhcpv4.MessageTypeDiscover, dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionRapidCommit, nil)))
}

func (b *bench) current() map[netip.Addr]MAC {
	out := map[netip.Addr]MAC{}
	for _, l := range b.Leases() {
		out[l.Address] = l.MAC
	}
	return out
}

// consistent checks the table's own order, and that the device under test still has
// or could have its address.
func (b *bench) consistent(rt *rapid.T, dut netip.Addr) {
	n := 0
	for kind := range states {
		length := 0
		for s := b.table.lists[kind].next; s != &b.table.lists[kind]; s = s.next {
			length++
			if s.state != kind || s.mac != (MAC{}) && b.table.byMAC[s.mac] != s {
				rt.Fatalf("%v is in list %d, has state %d, client %x", s.addr, kind, s.state, s.mac)
			}
		}
		if n += length; length != b.table.counts[kind] {
			rt.Fatalf("list %d has %d slots, counted %d", kind, length, b.table.counts[kind])
		}
	}
	if n != len(b.table.slots) {
		rt.Fatalf("%d of %d slots are in lists", n, len(b.table.slots))
	}
	if s := b.table.at(dut); s.mac != mac(0) {
		rt.Fatalf("the address of the device under test has client %x in state %d", s.mac, s.state)
	}
}

func FuzzHandle(f *testing.F) {
	own := mac(1)
	for _, kind := range []dhcpv4.MessageType{dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeDecline, dhcpv4.MessageTypeInform} {
		m, _ := dhcpv4.New(dhcpv4.WithHwAddr(own[:]), dhcpv4.WithMessageType(kind), requested("192.168.77.100"), from("192.168.77.100"),
			dhcpv4.WithRequestedOptions(dhcpv4.OptionNTPServers, dhcpv4.OptionURL), dhcpv4.WithOption(dhcpv4.OptHostName("\xff\x00")))
		f.Add(m.ToBytes())
	}
	f.Add(append(make([]byte, 236), 0x63, 0x82, 0x53, 0x63, 255))
	f.Fuzz(func(t *testing.T, p []byte) {
		b := newBench(t, func(c *Config) {
			c.Note = func(n evidence.Note) {
				if !json.Valid(n.Body) {
					t.Errorf("note %s", n.Body)
				}
			}
		})
		b.handle(p)
		for _, f := range b.sent {
			if len(f) > etherLen+28+576 {
				t.Errorf("an answer of %d bytes", len(f))
			}
		}
		b.answer(t)
	})
}

func FuzzHeard(f *testing.F) {
	f.Add(arpProbe(mac(7), at("192.168.77.100")))
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, a, ok := arpSays(p); ok && (len(p) < arpLen || !a.Is4()) {
			t.Errorf("%x says %v", p, a)
		}
		b := newBench(t, func(c *Config) { c.Probe = 0 })
		b.say(t, mac(1), dhcpv4.MessageTypeDiscover)
		b.heard(p)
	})
}
