package v6

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// MAC is an Ethernet address.
type MAC = [6]byte

// Mode says which questions are answered. The flags M and O of the router
// advertisement must say the same.
type Mode uint8

// The modes. Off is silence: messages are counted and none is answered.
const (
	Off       Mode = iota
	Stateless      // INFORMATION-REQUEST alone
	Stateful       // addresses (IA_NA) too
)

// The times a Network has when it does not say them.
const (
	defaultValid   = 2 * time.Hour
	defaultRefresh = time.Hour
)

// Network is what clients are offered.
type Network struct {
	Mode   Mode
	Prefix netip.Prefix // the LAN's /64, needed when Mode is Stateful
	// Valid and Preferred are the lifetimes of an address; two hours and half of
	// Valid when zero. T1 and T2 are 1/2 and 4/5 of Preferred (RFC 8415 section
	// 21.4).
	Valid, Preferred time.Duration
	DNS              []netip.Addr // option 23
	NTP              []netip.Addr // options 56 (RFC 5908) and 31
	Domains          []string     // option 24
	Refresh          time.Duration
	RapidCommit      bool // answer a SOLICIT that allows it with a REPLY at once
	// Preference is option 7; 255 spares clients the second in which they wait for
	// other servers.
	Preference uint8
}

// Config is what a Server needs.
type Config struct {
	Network Network
	// Open opens UDP port 547 on the LAN port, joined to ff02::1:2; it is called
	// again when the link was lost. See OpenPort.
	Open func() (net.PacketConn, error)
	// Folder keeps the server's DUID, its address key and the leases over a
	// restart; "" keeps them in memory alone.
	Folder string
	// PerSecond is how many messages of all clients are handled each second, in
	// bursts of as many; 2000 when zero.
	PerSecond int
	Now       func() time.Time    // time.Now when nil; used with its monotonic reading
	Note      func(evidence.Note) // may be nil
}

const defaultPerSecond = 2000

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PerSecond == 0 {
		c.PerSecond = defaultPerSecond
	}
	return c
}

func (n Network) withDefaults() Network {
	if n.Valid == 0 {
		n.Valid = defaultValid
	}
	if n.Preferred == 0 {
		n.Preferred = n.Valid / 2
	}
	if n.Refresh == 0 {
		n.Refresh = defaultRefresh
	}
	n.Prefix = n.Prefix.Masked()
	return n
}

// maxServers keeps an answer well below the smallest IPv6 MTU.
const maxServers = 4

func (n Network) check() error {
	if n.Mode == Off {
		return nil
	}
	if p := n.Prefix; n.Mode == Stateful && (p.Bits() != 64 || p.Addr().Is4In6()) {
		return fmt.Errorf("cannot give addresses of %v: give an IPv6 prefix of 64 bits", n.Prefix)
	}
	if n.Preferred > n.Valid || n.Preferred < time.Minute {
		return fmt.Errorf("cannot prefer an address for %v of %v: give at least a minute and at most the valid lifetime", n.Preferred, n.Valid)
	}
	if n.Refresh < 10*time.Minute {
		return fmt.Errorf("cannot have clients refresh every %v: RFC 8415 section 21.23 allows ten minutes or more", n.Refresh)
	}
	return errors.Join(checkServers(n.DNS), checkServers(n.NTP))
}

func checkServers(list []netip.Addr) error {
	if len(list) > maxServers {
		return fmt.Errorf("cannot offer more than %d servers of a kind: shorten the list", maxServers)
	}
	for _, a := range list {
		if !a.Is6() || a.Is4In6() {
			return fmt.Errorf("cannot offer server %v by DHCPv6: give IPv6 addresses", a)
		}
	}
	return nil
}
