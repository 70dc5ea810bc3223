package uplink

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// lease4With are options of dnsmasq for one lease with these timers; T1 has at least 3 s.
func lease4With(address, t1, t2 string) []string {
	return []string{
		"--dhcp-range=" + address + "," + address + ",255.255.255.0,2m", "--dhcp-option=option:router,198.51.100.1",
		"--dhcp-option=option:dns-server,192.0.2.53", "--dhcp-option-force=option:T1," + t1, "--dhcp-option-force=option:T2," + t2,
	}
}

// holds says that the uplink is up by this IPv4 address alone.
func holds(address string) func(State) bool {
	return func(s State) bool {
		return s.Up && slices.Equal(s.Addresses, []netip.Prefix{netip.MustParsePrefix(address)}) &&
			slices.Equal(s.Gateways, []netip.Addr{netip.MustParseAddr("198.51.100.1")})
	}
}

// TestLeaseIsRenewedAtT1 with dnsmasq: the lessor alone is asked (RFC 2131 section
// 4.4.5 and table 5), and the uplink does not notice.
func TestLeaseIsRenewedAtT1(t *testing.T) {
	var wire <-chan heard
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		wire = b.hear()
		b.dnsmasq(lease4With("198.51.100.2", "3s", "100s")...)
	})
	b.wait("up", holds("198.51.100.2/24"))
	granted := b.message(wire, dhcpv4.MessageTypeAck)
	for range 2 {
		asked := b.message(wire, dhcpv4.MessageTypeRequest)
		if got := asked.String(); got != "REQUEST 198.51.100.2>198.51.100.1 ciaddr" {
			t.Errorf("asked with %s", got)
		}
		if after := asked.at.Sub(granted.at); after < time.Second || after > 10*time.Second {
			t.Errorf("asked after %s, T1 is 3 s", after)
		}
		if asked.TransactionID == granted.TransactionID {
			t.Error("two questions have the same number")
		}
		granted = b.message(wire, dhcpv4.MessageTypeAck)
	}
	if s := b.uplink.State(); !s.Up {
		t.Errorf("state %+v", s)
	}
}

// TestLeaseIsReboundAtT2: when the lessor is silent everybody is asked, still with
// the address in use.
func TestLeaseIsReboundAtT2(t *testing.T) {
	var wire <-chan heard
	var stop func()
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		wire = b.hear()
		stop = b.dnsmasq(lease4With("198.51.100.2", "3s", "5s")...)
	})
	b.wait("up", holds("198.51.100.2/24"))
	granted := b.message(wire, dhcpv4.MessageTypeAck)
	stop()
	for {
		asked := b.message(wire, dhcpv4.MessageTypeRequest)
		if got := asked.String(); got == "REQUEST 198.51.100.2>255.255.255.255 ciaddr" {
			if after := asked.at.Sub(granted.at); after < 3*time.Second {
				t.Errorf("everybody was asked after %s, T2 is 5 s", after)
			}
			break
		} else if got != "REQUEST 198.51.100.2>198.51.100.1 ciaddr" {
			t.Fatalf("asked with %s", got)
		}
	}
	b.dnsmasq(lease4With("198.51.100.2", "100s", "101s")...)
	b.message(wire, dhcpv4.MessageTypeAck)
	if s := b.uplink.State(); !s.Up {
		t.Errorf("state %+v", s)
	}
}

// TestRefusedLeaseIsGivenUp: after a NAK the address is no longer used and everything
// begins anew (RFC 2131 section 3.1, 4).
func TestRefusedLeaseIsGivenUp(t *testing.T) {
	var wire <-chan heard
	var stop func()
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		wire = b.hear()
		stop = b.dnsmasq(lease4With("198.51.100.2", "3s", "100s")...)
	})
	b.wait("up", holds("198.51.100.2/24"))
	b.message(wire, dhcpv4.MessageTypeAck)
	stop()
	b.dnsmasq(lease4With("198.51.100.40", "100s", "101s")...)
	b.message(wire, dhcpv4.MessageTypeNak)
	if got := b.message(wire, dhcpv4.MessageTypeDiscover).String(); got != "DISCOVER 0.0.0.0>255.255.255.255" {
		t.Errorf("asked anew with %s", got)
	}
	b.wait("up by the new address", holds("198.51.100.40/24"))
}

// TestLeaseIsReleasedAtTheEnd (RFC 2131 section 4.4.6).
func TestLeaseIsReleasedAtTheEnd(t *testing.T) {
	var wire <-chan heard
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) {
		wire = b.hear()
		b.dnsmasq(lease4With("198.51.100.2", "100s", "101s")...)
	})
	b.wait("up", holds("198.51.100.2/24"))
	must(t, b.uplink.Stop(context.Background()))
	released := b.message(wire, dhcpv4.MessageTypeRelease)
	if got := released.String(); got != "RELEASE 198.51.100.2>198.51.100.1 ciaddr server" {
		t.Errorf("released with %s", got)
	}
}

// TestNothingIsReleasedWithoutACable: nobody would hear it, and Stop does not wait.
func TestNothingIsReleasedWithoutACable(t *testing.T) {
	b := startBeside(t, true, Config{Mode: DHCP}, func(b *bench) { b.dnsmasq(lease4With("198.51.100.2", "100s", "101s")...) })
	b.wait("up", holds("198.51.100.2/24"))
	b.pulled = true
	must(t, b.lab.Uplink(false))
	b.wait("down", func(s State) bool { return !s.Carrier })
	begun := time.Now()
	must(t, b.uplink.Stop(context.Background()))
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
