package v4

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// join takes a client through DISCOVER and REQUEST and returns its address.
func (b *bench) join(t testing.TB, who MAC, more ...dhcpv4.Modifier) netip.Addr {
	t.Helper()
	offer := b.say(t, who, dhcpv4.MessageTypeDiscover, more...)
	if offer == nil || offer.MessageType() != dhcpv4.MessageTypeOffer {
		t.Fatalf("no offer for %x: %v, %v", who, offer, b.Counts())
	}
	a := address(offer.YourIPAddr)
	ack := b.say(t, who, dhcpv4.MessageTypeRequest, requested(a.String()), serverID("192.168.77.1"))
	if ack == nil || ack.MessageType() != dhcpv4.MessageTypeAck || address(ack.YourIPAddr) != a {
		t.Fatalf("offered %v to %x, then %v", a, who, ack)
	}
	return a
}

// kindOf is the type of an answer, "silence" when there is none.
func kindOf(m *dhcpv4.DHCPv4) string {
	if m == nil {
		return "silence"
	}
	return m.MessageType().String()
}

// TestRequests are the cases of RFC 2131 section 4.3.2 and table 4. Client 1 has
// 192.168.77.100, client 2 has 192.168.77.101.
func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		who  uint32
		more []dhcpv4.Modifier
		want string
	}{
		"renewing":                        {1, []dhcpv4.Modifier{from("192.168.77.100")}, "ACK"},
		"renewing somebody else's":        {1, []dhcpv4.Modifier{from("192.168.77.101")}, "NAK"},
		"renewing in another network":     {1, []dhcpv4.Modifier{from("10.0.0.5")}, "NAK"},
		"renewing what nobody has":        {3, []dhcpv4.Modifier{from("192.168.77.150")}, "ACK"},
		"init-reboot":                     {1, []dhcpv4.Modifier{requested("192.168.77.100")}, "ACK"},
		"init-reboot, another network":    {1, []dhcpv4.Modifier{requested("10.0.0.5")}, "NAK"},
		"init-reboot, the server's own":   {3, []dhcpv4.Modifier{requested("192.168.77.1")}, "NAK"},
		"init-reboot, outside the pool":   {3, []dhcpv4.Modifier{requested("192.168.77.50")}, "NAK"},
		"init-reboot, somebody else's":    {3, []dhcpv4.Modifier{requested("192.168.77.101")}, "NAK"},
		"init-reboot, unknown and free":   {3, []dhcpv4.Modifier{requested("192.168.77.150")}, "ACK"},
		"selecting, never offered":        {3, []dhcpv4.Modifier{requested("192.168.77.150"), serverID("192.168.77.1")}, "ACK"},
		"selecting, somebody else's":      {3, []dhcpv4.Modifier{requested("192.168.77.100"), serverID("192.168.77.1")}, "NAK"},
		"selecting another server":        {3, []dhcpv4.Modifier{requested("192.168.77.150"), serverID("192.168.77.9")}, "silence"},
		"nothing":                         {3, nil, "silence"},
		"broadcast address of the net":    {3, []dhcpv4.Modifier{requested("192.168.77.255")}, "NAK"},
		"limited broadcast as an address": {3, []dhcpv4.Modifier{requested("255.255.255.255")}, "NAK"},
	} {
		b := newBench(t, nil)
		b.join(t, mac(1))
		b.join(t, mac(2))
		got := b.say(t, mac(c.who), dhcpv4.MessageTypeRequest, c.more...)
		if kindOf(got) != c.want {
			t.Errorf("%s: %s, want %s", name, kindOf(got), c.want)
		}
	}
}

// TestWhereAnswersGo is RFC 2131 section 4.1: Ethernet and IP destination.
func TestWhereAnswersGo(t *testing.T) {
	own := mac(1)
	for name, c := range map[string]struct {
		kind dhcpv4.MessageType
		more []dhcpv4.Modifier
		mac  MAC
		ip   string
	}{
		"offer":              {dhcpv4.MessageTypeDiscover, nil, own, "192.168.77.100"},
		"offer to broadcast": {dhcpv4.MessageTypeDiscover, []dhcpv4.Modifier{dhcpv4.WithBroadcast(true)}, broadcastMAC, "255.255.255.255"},
		"renewal":            {dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{from("192.168.77.100")}, own, "192.168.77.100"},
		"renewal, broadcast": {dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{from("192.168.77.100"), dhcpv4.WithBroadcast(true)}, own, "192.168.77.100"},
		"NAK":                {dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{from("10.9.9.9")}, broadcastMAC, "255.255.255.255"},
		"inform":             {dhcpv4.MessageTypeInform, []dhcpv4.Modifier{from("192.168.77.7")}, own, "192.168.77.7"},
	} {
		b := newBench(t, nil)
		b.say(t, own, c.kind, c.more...)
		if len(b.sent) != 1 {
			t.Errorf("%s: %d frames", name, len(b.sent))
			continue
		}
		f := b.sent[0]
		if MAC(f[:6]) != c.mac || MAC(f[6:12]) != b.Address() || netip.AddrFrom4([4]byte(f[30:34])).String() != c.ip {
			t.Errorf("%s: sent to %x %v", name, f[:6], f[30:34])
		}
		if sum(0, f[14:34]) != 0xffff {
			t.Errorf("%s: the IPv4 checksum is wrong", name)
		}
		if udp := sum(uint32(sum(17+uint32(len(f)-34), f[26:34])), f[34:]); udp != 0xffff {
			t.Errorf("%s: the UDP checksum is wrong", name)
		}
		if binary.BigEndian.Uint16(f[16:]) != uint16(len(f)-14) || binary.BigEndian.Uint16(f[38:]) != uint16(len(f)-34) {
			t.Errorf("%s: the lengths are wrong", name)
		}
	}
}

// TestOptions: what is asked is told, what is not asked is not.
func TestOptions(t *testing.T) {
	b := newBench(t, func(c *Config) {
		c.Network.V6OnlyWait, c.Network.CaptivePortal = 30*time.Minute, "urn:ietf:params:capport:unrestricted"
		c.Network.Domain = "lan.example"
	})
	id := dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte("\x00camera")))
	plain := b.say(t, mac(1), dhcpv4.MessageTypeDiscover, id)
	for code, want := range map[dhcpv4.OptionCode]string{
		dhcpv4.OptionSubnetMask: "\xff\xff\xff\x00", dhcpv4.OptionRouter: "\xc0\xa8\x4d\x01", dhcpv4.OptionDomainNameServer: "\xc0\xa8\x4d\x01",
		dhcpv4.OptionIPAddressLeaseTime: "\x00\x00\x0e\x10", dhcpv4.OptionRenewTimeValue: "\x00\x00\x07\x08", dhcpv4.OptionRebindingTimeValue: "\x00\x00\x0c\x4e",
		dhcpv4.OptionDomainName: "lan.example", dhcpv4.OptionClientIdentifier: "\x00camera", dhcpv4.OptionServerIdentifier: "\xc0\xa8\x4d\x01",
	} {
		if got := string(plain.Options.Get(code)); got != want {
			t.Errorf("option %v is %q, want %q", code, got, want)
		}
	}
	if len(plain.Options) != 10 { // and the message type
		t.Errorf("asked for nothing, got %v", plain.Options)
	}
	all := dhcpv4.WithRequestedOptions(dhcpv4.OptionNTPServers, dhcpv4.OptionIPv6OnlyPreferred, dhcpv4.OptionURL, dhcpv4.OptionInterfaceMTU, dhcpv4.OptionBroadcastAddress)
	asked := b.say(t, mac(1), dhcpv4.MessageTypeDiscover, all)
	if wait, ok := asked.IPv6OnlyPreferred(); !ok || wait != 30*time.Minute {
		t.Errorf("option 108: %v %v", wait, ok)
	}
	for code, want := range map[dhcpv4.OptionCode]string{
		dhcpv4.OptionNTPServers: "\xc0\xa8\x4d\x01", dhcpv4.OptionURL: "urn:ietf:params:capport:unrestricted",
		dhcpv4.OptionInterfaceMTU: "\x05\x78", dhcpv4.OptionBroadcastAddress: "\xc0\xa8\x4d\xff",
	} {
		if got := string(asked.Options.Get(code)); got != want {
			t.Errorf("option %v is %q, want %q", code, got, want)
		}
	}
}

// TestInform: everything but an address.
func TestInform(t *testing.T) {
	b := newBench(t, nil)
	inform := b.say(t, mac(1), dhcpv4.MessageTypeInform, from("192.168.77.9"))
	if inform.Options.Has(dhcpv4.OptionIPAddressLeaseTime) || !inform.YourIPAddr.IsUnspecified() || !inform.Options.Has(dhcpv4.OptionDomainNameServer) {
		t.Errorf("an INFORM was answered %v", inform.Options)
	}
}

func TestReleaseAndDecline(t *testing.T) {
	b := newBench(t, nil)
	a := b.join(t, mac(1))
	b.say(t, mac(2), dhcpv4.MessageTypeRelease, from(a.String()))
	if len(b.Leases()) != 1 {
		t.Fatal("somebody released another's address")
	}
	b.say(t, mac(1), dhcpv4.MessageTypeRelease, from(a.String()))
	if len(b.Leases()) != 0 {
		t.Error("a released address is still leased")
	}
	if got := b.join(t, mac(1)); got != a {
		t.Errorf("the client came back to %v and got %v", a, got)
	}
	b.say(t, mac(2), dhcpv4.MessageTypeDecline, requested(a.String()), serverID("192.168.77.1"))
	if len(b.Leases()) != 1 {
		t.Fatal("somebody declined another's address")
	}
	b.say(t, mac(1), dhcpv4.MessageTypeDecline, requested(a.String()), serverID("192.168.77.1"))
	if got := b.join(t, mac(1)); got == a {
		t.Errorf("%v was declined and given again", a)
	}
	if got := kindOf(b.say(t, mac(1), dhcpv4.MessageTypeRequest, requested(a.String()))); got != "NAK" {
		t.Errorf("a declined address was asked for: %s", got)
	}
	wants(t, b.notes.text(), `"event":"released"`, `"event":"declined"`)
}

// TestOneClientCannotEmptyThePool by declining each address it is offered.
func TestOneClientCannotEmptyThePool(t *testing.T) {
	b := newBench(t, nil)
	for range 200 {
		if offer := b.say(t, mac(1), dhcpv4.MessageTypeDiscover); offer != nil {
			b.say(t, mac(1), dhcpv4.MessageTypeDecline, requested(offer.YourIPAddr.String()), serverID("192.168.77.1"))
		}
	}
	if n := b.table.counts[quarantined]; n != declineBurst {
		t.Errorf("%d addresses are in quarantine", n)
	}
}

// TestExpiry: a lease ends when its time is over, whatever the clock says; the
// client comes back to the same address.
func TestExpiry(t *testing.T) {
	b := newBench(t, nil)
	a := b.join(t, mac(1))
	b.now = b.now.Add(-10 * 365 * 24 * time.Hour)
	if len(b.Leases()) != 1 {
		t.Error("a clock set back ended a lease")
	}
	b.now = b.now.Add(10*365*24*time.Hour + time.Hour)
	if len(b.Leases()) != 0 {
		t.Error("a lease did not end")
	}
	wants(t, b.notes.text(), `"event":"expired"`)
	b.join(t, mac(2))
	if got := b.join(t, mac(1)); got != a {
		t.Errorf("came back to %v and got %v", a, got)
	}
}

// TestStarvation: ten thousand DISCOVERs of forged clients leave the leases as they
// are, and a new device can still join.
func TestStarvation(t *testing.T) {
	b := newBench(t, nil)
	dut := b.join(t, mac(1))
	for i := range uint32(10000) {
		b.say(t, mac(1000+i), dhcpv4.MessageTypeDiscover)
		b.now = b.now.Add(50 * time.Microsecond)
	}
	if got := b.say(t, mac(1), dhcpv4.MessageTypeRequest, from(dut.String())); kindOf(got) != "ACK" {
		t.Errorf("after the flood the device is told %s", kindOf(got))
	}
	b.now = b.now.Add(time.Second)
	b.join(t, mac(2))
	if n := len(b.table.byMAC); n > len(b.table.slots) {
		t.Errorf("%d clients are remembered", n)
	}
	if n := strings.Count(b.notes.text(), "\n"); n > 5 {
		t.Errorf("the flood made %d notes", n)
	}
}

// TestFullPool: forged clients that take every lease they can get leave one for the
// device under test.
func TestFullPool(t *testing.T) {
	b := newBench(t, nil)
	if err := b.Mark(mac(1)); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(500) {
		if offer := b.say(t, mac(1000+i), dhcpv4.MessageTypeDiscover); offer != nil {
			b.say(t, mac(1000+i), dhcpv4.MessageTypeRequest, requested(offer.YourIPAddr.String()), serverID("192.168.77.1"))
		}
		b.say(t, mac(5000+i), dhcpv4.MessageTypeRequest, requested(addrOf(number(at("192.168.77.100"))+i%100).String()))
	}
	if n := len(b.Leases()); n != 96 {
		t.Errorf("%d of 100 addresses are leased", n)
	}
	if b.Counts()["refused: no address is left"] == 0 {
		t.Error("a full pool was not noted")
	}
	own := b.join(t, mac(1))
	b.say(t, mac(1), dhcpv4.MessageTypeRelease, from(own.String()))
	if got := kindOf(b.say(t, mac(2), dhcpv4.MessageTypeRequest, requested(own.String()))); got != "NAK" {
		t.Errorf("another device was told %s for the address of the device under test", got)
	}
	b.Unmark(mac(1))
	if err := b.Mark(mac(9)); err != nil {
		t.Error(err)
	}
}

// TestRestart: leases survive, with the time that is left of them.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, func(c *Config) { c.Folder = dir })
	a := b.join(t, mac(1), dhcpv4.WithOption(dhcpv4.OptHostName("cam\xff<b>")))
	for name, c := range map[string]struct {
		pass time.Duration
		left time.Duration
	}{
		"half an hour later": {30 * time.Minute, 30 * time.Minute},
		"two hours later":    {2 * time.Hour, 0},
		"clock set back":     {-50 * 365 * 24 * time.Hour, time.Hour},
	} {
		again := newBench(t, func(cfg *Config) {
			now := b.now.Add(c.pass)
			cfg.Folder, cfg.Now = copyOf(t, dir), func() time.Time { return now }
		})
		leases := again.Leases()
		if c.left > 0 && (len(leases) != 1 || leases[0].Left != c.left || leases[0].Address != a) || c.left == 0 && len(leases) != 0 {
			t.Errorf("%s: %v", name, leases)
		}
		if got := again.join(t, mac(1)); got != a {
			t.Errorf("%s: came back to %v and got %v", name, a, got)
		}
	}
}

// copyOf is a folder with the same leases.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, storeName))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, storeName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return other
}

// TestDamagedFile: the service starts all the same, and that is noted.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	keep := func(c *Config) { c.Folder = dir }
	if err := os.WriteFile(filepath.Join(dir, storeName), []byte("{damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := newBench(t, keep)
	wants(t, damaged.notes.text(), `"event":"leases lost"`)
	damaged.join(t, mac(1))
}

// TestDiskIsFull: leases are given though they cannot be written, and that is noted
// once.
func TestDiskIsFull(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Folder = filepath.Join(t.TempDir(), "missing") })
	for i := range uint32(20) {
		b.join(t, mac(i))
		b.now = b.now.Add(time.Minute)
	}
	if n := strings.Count(b.notes.text(), "leases not written"); n != 1 {
		t.Errorf("noted %d times", n)
	}
}

// TestChangeOfNetwork: silence keeps leases, another network ends them with a NAK.
func TestChangeOfNetwork(t *testing.T) {
	b := newBench(t, nil)
	a := b.join(t, mac(1))
	if err := b.Offer(Network{}); err != nil {
		t.Fatal(err)
	}
	if got := b.say(t, mac(1), dhcpv4.MessageTypeRequest, from(a.String())); got != nil {
		t.Errorf("a silent server said %v", got)
	}
	if err := b.Offer(homeNet()); err != nil {
		t.Fatal(err)
	}
	if l := b.Leases(); len(l) != 1 || l[0].Address != a {
		t.Errorf("after silence: %v", l)
	}
	n := homeNet()
	n.Prefix, n.Server, n.Router = netip.MustParsePrefix("10.1.0.0/24"), at("10.1.0.1"), at("10.1.0.1")
	n.First, n.Last = at("10.1.0.10"), at("10.1.0.20")
	if err := b.Offer(n); err != nil {
		t.Fatal(err)
	}
	if got := kindOf(b.say(t, mac(1), dhcpv4.MessageTypeRequest, from(a.String()))); got != "NAK" {
		t.Errorf("in the new network the old address got %s", got)
	}
}
