package v6

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"pgregory.net/rapid"
)

func homeNet(mode Mode) Network {
	box := []netip.Addr{netip.MustParseAddr("2001:db8:77::1")}
	return Network{Mode: mode, Prefix: netip.MustParsePrefix("2001:db8:77::/64"), DNS: box, NTP: box, Domains: []string{"lan.example"}}
}

// bench is a server without a port, with a clock that the test sets.
type bench struct {
	*Server
	now time.Time
}

func newBench(t testing.TB, change func(*Config)) *bench {
	t.Helper()
	b := &bench{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	c := Config{
		Network: homeNet(Stateful), Now: func() time.Time { return b.now }, PerSecond: 1 << 20,
		Open: func() (net.PacketConn, error) { return nil, errors.New("no port") },
	}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = s
	return b
}

var linkLocal = netip.MustParseAddr("fe80::1234")

func duid(n byte) dhcpv6.DUID {
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{2, 0, 0, 0, 0, n}}
}

// say hands the server a message and returns its answer, nil when there is none.
func (b *bench) say(t testing.TB, kind dhcpv6.MessageType, options ...dhcpv6.Option) *dhcpv6.Message {
	t.Helper()
	m := &dhcpv6.Message{MessageType: kind, TransactionID: dhcpv6.TransactionID{1, 2, 3}}
	for _, o := range options {
		m.AddOption(o)
	}
	raw := b.handle(m.ToBytes(), linkLocal)
	if raw == nil {
		return nil
	}
	r, err := dhcpv6.MessageFromBytes(raw)
	if err != nil {
		t.Fatalf("the answer cannot be read: %v", err)
	}
	if r.TransactionID != m.TransactionID || r.Options.ServerID() == nil {
		t.Errorf("%v does not answer %v", r, m)
	}
	return r
}

func (b *bench) own() dhcpv6.Option { return dhcpv6.OptServerID(b.duid) }

func client(n byte) dhcpv6.Option { return dhcpv6.OptClientID(duid(n)) }

// ia is an IA_NA with these addresses.
func ia(id byte, addrs ...netip.Addr) dhcpv6.Option {
	o := &dhcpv6.OptIANA{IaId: [4]byte{0, 0, 0, id}}
	for _, a := range addrs {
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.AsSlice(), PreferredLifetime: time.Hour, ValidLifetime: time.Hour})
	}
	return o
}

func addressIn(t testing.TB, m *dhcpv6.Message) netip.Addr {
	t.Helper()
	if m == nil || m.Options.OneIANA() == nil || m.Options.OneIANA().Options.OneAddress() == nil {
		t.Fatalf("no address in %v", m)
	}
	return ipOf(m.Options.OneIANA().Options.OneAddress().IPv6Addr)
}

func TestWholeLife(t *testing.T) {
	b := newBench(t, nil)
	offered := addressIn(t, b.say(t, dhcpv6.MessageTypeSolicit, client(1), ia(1)))
	if len(b.Leases()) != 0 {
		t.Error("an offer was recorded")
	}
	r := b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1, offered))
	na := r.Options.OneIANA()
	if got := addressIn(t, r); got != offered || na.T1 != 30*time.Minute || na.T2 != 48*time.Minute {
		t.Errorf("offered %v, leased %v with T1 %v and T2 %v", offered, got, na.T1, na.T2)
	}
	b.renews(t, offered)
	b.leaves(t, offered)
}

func (b *bench) renews(t *testing.T, offered netip.Addr) {
	t.Helper()
	b.now = b.now.Add(time.Hour)
	for _, r := range []*dhcpv6.Message{
		b.say(t, dhcpv6.MessageTypeRenew, client(1), b.own(), ia(1, offered)),
		b.say(t, dhcpv6.MessageTypeRebind, client(1), ia(1, offered)),
	} {
		if got := addressIn(t, r); got != offered {
			t.Errorf("renewed to %v", got)
		}
	}
	if l := b.Leases(); len(l) != 1 || l[0].Left != 2*time.Hour || l[0].Address != offered {
		t.Errorf("leases %v", l)
	}
	if r := b.say(t, dhcpv6.MessageTypeConfirm, client(1), ia(1, offered)); r.Options.Status().StatusCode != iana.StatusSuccess {
		t.Errorf("confirmed %v", r.Options.Status())
	}
	if r := b.say(t, dhcpv6.MessageTypeConfirm, client(1), ia(1, netip.MustParseAddr("2001:db8:1::1"))); r.Options.Status().StatusCode != iana.StatusNotOnLink {
		t.Errorf("confirmed an address of another network: %v", r.Options.Status())
	}
}

func (b *bench) leaves(t *testing.T, offered netip.Addr) {
	t.Helper()
	b.say(t, dhcpv6.MessageTypeRelease, client(1), b.own(), ia(1, offered))
	if len(b.Leases()) != 0 {
		t.Error("a lease outlived its release")
	}
	if r := b.say(t, dhcpv6.MessageTypeRelease, client(2), b.own(), ia(1, offered)); r.Options.OneIANA().Options.Status().StatusCode != iana.StatusNoBinding {
		t.Error("somebody released what it does not have")
	}
}

func TestDeclinedAddressIsLeftAlone(t *testing.T) {
	b := newBench(t, nil)
	first := addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1)))
	b.say(t, dhcpv6.MessageTypeDecline, client(1), b.own(), ia(1, first))
	second := addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1)))
	if first == second {
		t.Error("a declined address was given again")
	}
	for range 20 { // a client that declines everything runs out of addresses, alone
		r := b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1))
		if s := r.Options.OneIANA().Options.Status(); s != nil {
			if s.StatusCode != iana.StatusNoAddrsAvail {
				t.Errorf("ended with %v", s)
			}
			addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(2), b.own(), ia(1)))
			return
		}
		b.say(t, dhcpv6.MessageTypeDecline, client(1), b.own(), ia(1, addressIn(t, r)))
	}
	t.Error("a client can decline without end")
}

// TestNewPrefix: at its next RENEW the client learns that the old address is over.
func TestNewPrefix(t *testing.T) {
	b := newBench(t, nil)
	old := addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1)))
	n := homeNet(Stateful)
	n.Prefix = netip.MustParsePrefix("2001:db8:78::/64")
	if err := b.Offer(n); err != nil {
		t.Fatal(err)
	}
	r := b.say(t, dhcpv6.MessageTypeRenew, client(1), b.own(), ia(1, old))
	lives := map[netip.Addr]time.Duration{}
	for _, a := range r.Options.OneIANA().Options.Addresses() {
		lives[ipOf(a.IPv6Addr)] = a.ValidLifetime
	}
	now := addressIn(t, r)
	if len(lives) != 2 || lives[old] != 0 || lives[now] != 2*time.Hour || !n.Prefix.Contains(now) {
		t.Errorf("lifetimes %v", lives)
	}
}

// TestRestart: the server's identity and every address survive.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	keep := func(c *Config) { c.Folder = dir }
	b := newBench(t, keep)
	addr := addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1)))
	again := newBench(t, keep)
	if !again.duid.Equal(b.duid) {
		t.Error("the server has another DUID after a restart")
	}
	if got := addressIn(t, again.say(t, dhcpv6.MessageTypeRenew, client(1), b.own(), ia(1, addr))); got != addr {
		t.Errorf("after a restart the client has %v, before %v", got, addr)
	}
	if err := os.WriteFile(dir+"/"+identityName, []byte(`{"uuid":"AAAA"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if newBench(t, keep).duid.Equal(b.duid) {
		t.Error("a damaged file gave the old identity")
	}
	if _, err := New(Config{Folder: dir + "/missing", Open: func() (net.PacketConn, error) { return nil, nil }}); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func TestAnswersFitTheQuestion(t *testing.T) {
	b := newBench(t, nil)
	all := dhcpv6.OptRequestedOption(dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionNTPServer, dhcpv6.OptionSNTPServerList, dhcpv6.OptionDomainSearchList, dhcpv6.OptionInformationRefreshTime)
	r := b.say(t, dhcpv6.MessageTypeInformationRequest, all)
	o := r.Options
	got := fmt.Sprint(o.DNS(), o.NTPServers(), o.SNTP(), o.DomainSearchList().Labels, o.InformationRefreshTime(0), o.ClientID())
	if want := "[2001:db8:77::1] [2001:db8:77::1] [2001:db8:77::1] [lan.example] 1h0m0s <nil>"; got != want {
		t.Errorf("asked for everything, got %s", got)
	}
	if o := b.say(t, dhcpv6.MessageTypeInformationRequest, client(1)).Options; len(o.Options) != 2 {
		t.Errorf("asked for nothing, got %v", o)
	}
	pd := &dhcpv6.OptIAPD{IaId: [4]byte{1}}
	ta := &dhcpv6.OptIATA{IaId: [4]byte{2}}
	r = b.say(t, dhcpv6.MessageTypeSolicit, client(1), pd, ta)
	if r.Options.OneIAPD().Options.Status().StatusCode != iana.StatusNoPrefixAvail || r.Options.OneIATA().Options.Status().StatusCode != iana.StatusNoAddrsAvail {
		t.Errorf("a prefix and a temporary address: %v", r)
	}
}

func TestRapidCommit(t *testing.T) {
	b := newBench(t, nil)
	rapid := &dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit}
	if r := b.say(t, dhcpv6.MessageTypeSolicit, client(1), rapid, ia(1)); r.MessageType != dhcpv6.MessageTypeAdvertise {
		t.Errorf("rapid commit that is off gave %v", r.MessageType)
	}
	n := homeNet(Stateful)
	n.RapidCommit, n.Preference = true, 255
	if err := b.Offer(n); err != nil {
		t.Fatal(err)
	}
	if r := b.say(t, dhcpv6.MessageTypeSolicit, client(1), rapid, ia(1)); r.MessageType != dhcpv6.MessageTypeReply || r.GetOneOption(dhcpv6.OptionRapidCommit) == nil || len(b.Leases()) != 1 {
		t.Errorf("rapid commit gave %v", r)
	}
	if r := b.say(t, dhcpv6.MessageTypeSolicit, client(1), ia(1)); r.Options.Preference() != 255 {
		t.Errorf("preference %d", r.Options.Preference())
	}
}

// TestFlood: twenty thousand forged clients leave a client with its address, and a
// new one gets in; what is remembered stays bounded.
func TestFlood(t *testing.T) {
	b := newBench(t, func(c *Config) { c.PerSecond = defaultPerSecond })
	own := addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(1), b.own(), ia(1)))
	for i := range 20000 {
		d := &dhcpv6.DUIDOpaque{Type: 77, Data: []byte{byte(i >> 16), byte(i >> 8), byte(i)}}
		m := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeRequest}
		m.AddOption(dhcpv6.OptClientID(d))
		m.AddOption(b.own())
		m.AddOption(ia(1))
		from := linkLocal.As16()
		from[8], from[9] = byte(i>>8)|1, byte(i)
		b.handle(m.ToBytes(), netip.AddrFrom16(from))
		b.now = b.now.Add(200 * time.Microsecond)
	}
	if got := addressIn(t, b.say(t, dhcpv6.MessageTypeRenew, client(1), b.own(), ia(1, own))); got != own {
		t.Errorf("after the flood the client has %v, not %v", got, own)
	}
	b.now = b.now.Add(time.Second)
	addressIn(t, b.say(t, dhcpv6.MessageTypeRequest, client(2), b.own(), ia(1)))
	if n := len(b.Leases()); n > maxLeases || len(b.table.byAddr) != n || len(b.table.byFrom) > n {
		t.Errorf("%d leases, %d addresses, %d senders are remembered", n, len(b.table.byAddr), len(b.table.byFrom))
	}
}

// TestNeverTwoWithOneAddress: whatever clients do, an address has one owner.
func TestNeverTwoWithOneAddress(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, nil)
		has := map[netip.Addr]string{}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			who := byte(rapid.IntRange(1, 6).Draw(rt, "who"))
			id := byte(rapid.IntRange(1, 2).Draw(rt, "iaid"))
			name := string([]byte{who, id})
			b.now = b.now.Add(time.Second) // within the limit of each client
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				b.takes(t, rt, has, name)
			case 1, 2: // gives up what is its own, and what is not
				kind := rapid.SampledFrom([]dhcpv6.MessageType{dhcpv6.MessageTypeDecline, dhcpv6.MessageTypeRelease}).Draw(rt, "kind")
				for a := range has {
					b.say(t, kind, client(who), b.own(), ia(id, a))
				}
			case 3:
				b.now = b.now.Add(time.Duration(rapid.IntRange(0, 7200).Draw(rt, "pass")) * time.Second)
			}
		}
	})
}

// takes has a client ask for an address, and checks that it was nobody else's ever.
func (b *bench) takes(t *testing.T, rt *rapid.T, has map[netip.Addr]string, name string) {
	r := b.say(t, dhcpv6.MessageTypeRequest, client(name[0]), b.own(), ia(name[1]))
	if r == nil || r.Options.OneIANA().Options.Status() != nil {
		return // asks too often, or has declined all its addresses
	}
	a := addressIn(t, r)
	if owner, taken := has[a]; taken && owner != name {
		rt.Fatalf("%v belongs to %x and %x", a, owner, name)
	}
	has[a] = name
}
