package uplink

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/server6"
	"github.com/mdlayher/ndp"

	"assay/internal/gateway/netos"
	"assay/testbench/lab"
)

const noResolver4 = "--dhcp-option=option:dns-server" // dnsmasq names itself otherwise

// TestResolversOfAdvertisements: where DHCP names no resolver, those of the router's
// advertisements are used, until they are taken back or the cable is out.
func TestResolversOfAdvertisements(t *testing.T) {
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		b.dnsmasq("--enable-ra", "--dhcp-range=198.51.100.2,198.51.100.2,255.255.255.0,2m", "--dhcp-range=2001:db8:100::,ra-only,64,2m",
			"--dhcp-option=option:router,198.51.100.1", noResolver4, "--dhcp-option=option6:dns-server,[2001:db8:100::53],[fe80::53]")
	})
	s := b.wait("told of resolvers", func(s State) bool { return s.Up && len(s.Resolvers) == 2 })
	if got := sprint(s.Resolvers); got != "[2001:db8:100::53 fe80::53%13]" {
		t.Errorf("resolvers %s", got)
	}
	must(t, b.kernel.Do(func() error { // the zone is understood in the link's own namespace
		c, err := net.Dial("udp6", netip.AddrPortFrom(s.Resolvers[1], 53).String())
		if err != nil {
			return err
		}
		return c.Close()
	}))
	b.pulled = true
	must(t, b.lab.Uplink(false))
	b.wait("without resolvers", func(s State) bool { return !s.Carrier && len(s.Resolvers) == 0 })
}

// TestResolversOfDHCPComeFirst.
func TestResolversOfDHCPComeFirst(t *testing.T) {
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		b.dnsmasq("--enable-ra", "--dhcp-range=198.51.100.2,198.51.100.2,255.255.255.0,2m", "--dhcp-range=2001:db8:100::,ra-only,64,2m",
			"--dhcp-option=option:dns-server,192.0.2.53", "--dhcp-option=option6:dns-server,[2001:db8:100::53]")
	})
	s := b.wait("up with both versions", func(s State) bool {
		return s.Up && len(s.Addresses) == 2 && slices.Contains(s.Resolvers, netip.MustParseAddr("192.0.2.53"))
	})
	if got := sprint(s.Resolvers); got != "[192.0.2.53]" {
		t.Errorf("resolvers %s", got)
	}
}

// TestResolversOfStatelessDHCP: a server without prefixes is asked for settings alone
// (RFC 8415 section 18.2.6).
func TestResolversOfStatelessDHCP(t *testing.T) {
	asked := make(chan *dhcpv6.Message, 100)
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		b.dhcp6(func(m *dhcpv6.Message) *dhcpv6.Message {
			if m.MessageType != dhcpv6.MessageTypeInformationRequest {
				return nil
			}
			asked <- m
			return reply6(m, dhcpv6.OptDNS(net.ParseIP("2001:db8::53")))
		})
	})
	b.wait("told of a resolver", func(s State) bool { return sprint(s.Resolvers) == "[2001:db8::53]" })
	if m := <-asked; len(m.Options.IAPD()) > 0 || m.Options.ServerID() != nil {
		t.Errorf("asked with %s", m.Summary())
	}
}

// dhcp6 answers DHCPv6 messages at the provider's end; nil is no answer.
func (b *bench) dhcp6(answer func(*dhcpv6.Message) *dhcpv6.Message) {
	b.Helper()
	handle := func(conn net.PacketConn, peer net.Addr, m dhcpv6.DHCPv6) {
		if in, ok := m.(*dhcpv6.Message); ok {
			if out := answer(in); out != nil {
				_, _ = conn.WriteTo(out.ToBytes(), peer)
			}
		}
	}
	var server *server6.Server
	must(b.T, b.lab.Internet.Do(func() (err error) {
		server, err = server6.NewServer(lab.InternetLink, nil, handle)
		return err
	}))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve() }()
	b.Cleanup(func() { _ = server.Close(); <-done })
}

func reply6(in *dhcpv6.Message, options ...dhcpv6.Option) *dhcpv6.Message {
	out := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: in.TransactionID}
	if in.MessageType == dhcpv6.MessageTypeSolicit {
		out.MessageType = dhcpv6.MessageTypeAdvertise
	}
	out.AddOption(dhcpv6.OptClientID(in.Options.ClientID()))
	out.AddOption(dhcpv6.OptServerID(&dhcpv6.DUIDLL{LinkLayerAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}))
	for _, o := range options {
		out.AddOption(o)
	}
	return out
}

func prefix6(in *dhcpv6.Message, prefix string, t1, t2, valid time.Duration) dhcpv6.Option {
	pd := &dhcpv6.OptIAPD{IaId: in.Options.OneIAPD().IaId, T1: t1, T2: t2}
	if _, network, err := net.ParseCIDR(prefix); err == nil {
		pd.Options.Add(&dhcpv6.OptIAPrefix{PreferredLifetime: valid, ValidLifetime: valid, Prefix: network})
	} else {
		pd.Options.Add(&dhcpv6.OptStatusCode{StatusCode: 3}) // NoBinding
	}
	return pd
}

// TestPrefixRunsItsCourse: renewed by its server, rebound by anybody, given up when it
// is refused, asked for anew, released at the end (RFC 8415 sections 18.2.4 to 18.2.7).
func TestPrefixRunsItsCourse(t *testing.T) {
	asked := make(chan *dhcpv6.Message, 100)
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		prefix := "2001:db8:77::/56"
		b.dhcp6(func(m *dhcpv6.Message) *dhcpv6.Message {
			asked <- m
			if m.MessageType == dhcpv6.MessageTypeRenew || m.MessageType == dhcpv6.MessageTypeInformationRequest {
				return nil
			}
			if m.MessageType == dhcpv6.MessageTypeRebind {
				prefix = "2001:db8:88::/56"
				return reply6(m, prefix6(m, "none", 0, 0, 0))
			}
			return reply6(m, prefix6(m, prefix, time.Second, 2*time.Second, time.Hour))
		})
	})
	b.wait("given a prefix", func(s State) bool { return s.Delegated == netip.MustParsePrefix("2001:db8:77::/56") })
	b.wait("refused", func(s State) bool { return !s.Delegated.IsValid() })
	b.wait("given another", func(s State) bool { return s.Delegated == netip.MustParsePrefix("2001:db8:88::/56") })
	must(t, b.uplink.Stop(context.Background()))
	want := []string{"SOLICIT", "REQUEST server", "RENEW server", "REBIND", "SOLICIT", "REQUEST server", "RELEASE server"}
	got := told6(asked)
	if n := len(want) - 1; len(got) > len(want) && got[n] == "RENEW server" {
		got = slices.Delete(got, n, n+1) // the second prefix may be due as well
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// told6 is what a server was asked about prefixes, repetitions left out, and whether it
// was named.
func told6(asked <-chan *dhcpv6.Message) []string {
	var out []string
	for len(asked) > 0 {
		m := <-asked
		what := m.MessageType.String()
		if m.Options.ServerID() != nil {
			what += " server"
		}
		if m.MessageType != dhcpv6.MessageTypeInformationRequest && (len(out) == 0 || out[len(out)-1] != what) {
			out = append(out, what)
		}
	}
	return out
}

// TestWhatWasLearnedGoesAfterACrash: addresses and routes of advertisements too.
func TestWhatWasLearnedGoesAfterACrash(t *testing.T) {
	lab.Need(t)
	l, err := lab.New(t.Context(), lab.Options{BareUplink: true})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	k, err := netos.New(netos.Options{Do: l.Gateway.Do})
	must(t, err)
	t.Cleanup(k.Close)
	must(t, k.SetSysctl("net/ipv6/conf/"+lab.WANLink+"/accept_ra", "0"))
	b := &bench{T: t, lab: l, kernel: k, states: make(chan State, 100)}
	b.serve()
	before, dir := lab.Snapshot(l.Gateway), t.TempDir()
	ctx, crash := context.WithCancel(t.Context())
	b.uplink, err = Start(ctx, Config{Kernel: k, Link: lab.WANLink, Mode: DHCP, StateDir: dir, Changed: func(s State) { b.states <- s }})
	must(t, err)
	b.wait("up with both versions", func(s State) bool { return len(s.Addresses) == 2 && len(s.Gateways) == 2 })
	crash()
	b.uplink.done.Wait()
	must(t, netos.Restore(t.Context(), k, dir))
	if diff := cmp.Diff(before, lab.Snapshot(l.Gateway)); diff != "" {
		t.Errorf("the host is not as it was:\n%s", diff)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestBookOfResolvers(t *testing.T) {
	now := time.Unix(1e9, 0)
	router, other := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	one, two := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	tell := func(life time.Duration, servers ...netip.Addr) *ndp.RouterAdvertisement {
		return &ndp.RouterAdvertisement{Options: []ndp.Option{&ndp.RecursiveDNSServer{Lifetime: life, Servers: servers}}}
	}
	b := book{zone: "7"}
	expect := func(what, want string) {
		t.Helper()
		if got := sprint(b.list(now)); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	if d := b.look(now, true); d != solicitEvery {
		t.Errorf("looks again after %s", d)
	}
	b.take(now, router, tell(time.Minute, one, two, netip.MustParseAddr("fe80::53"), netip.IPv6Unspecified(), netip.MustParseAddr("ff02::1")))
	b.take(now, other, tell(2*time.Minute, two))
	expect("two routers", "[2001:db8::1 2001:db8::2 fe80::53%7]")
	if d := b.look(now, false); d != time.Minute {
		t.Errorf("looks again after %s", d)
	}
	b.take(now, router, tell(0, one, two))
	expect("one took its own back", "[fe80::53%7 2001:db8::2]")
	now = now.Add(time.Minute)
	expect("a minute later", "[2001:db8::2]")
	now = now.Add(time.Minute)
	expect("two minutes later", "[]")
	for i := range 100 {
		b.take(now, router, tell(time.Hour, netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i + 1)})))
	}
	if n := len(b.list(now)); n != advertisedLimit {
		t.Errorf("%d are remembered", n)
	}
}
