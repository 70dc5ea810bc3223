package v4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// MAC is an Ethernet address.
type MAC = [6]byte

// maxPool bounds the table: a LAN with more addresses is served from its first
// ones. One slot takes about 100 bytes.
const maxPool = 1 << 18

// The times a Network has when it does not say them.
const (
	defaultLease = time.Hour
	defaultProbe = 250 * time.Millisecond
)

// Network is what clients are offered. The zero Network is silence: every
// message is counted and none is answered.
type Network struct {
	Prefix      netip.Prefix // the LAN, for example 192.168.77.0/24
	Server      netip.Addr   // the box's own address in it, the server identifier
	First, Last netip.Addr   // the pool, both included; Server is left out of it
	Router      netip.Addr   // option 3; the zero Addr offers no way out
	DNS         []netip.Addr // option 6
	NTP         []netip.Addr // option 42, told to clients that ask
	Domain      string       // option 15, "" for none
	MTU         uint16       // option 26, 0 for none
	// Lease is the lease time, an hour when zero. T1 and T2 are 1/2 and 7/8 of it
	// (RFC 2131 section 4.4.5).
	Lease time.Duration
	// V6OnlyWait is option 108 (RFC 8925), told to clients that ask; 0 leaves it
	// out, as is right where IPv4 is meant to be used.
	V6OnlyWait time.Duration
	// CaptivePortal is option 114 (RFC 8910), told to clients that ask;
	// "urn:ietf:params:capport:unrestricted" says that there is none.
	CaptivePortal string
	RapidCommit   bool // RFC 4039: ACK at once to a client that asks for it
}

// Silent reports whether nothing is offered.
func (n Network) Silent() bool { return !n.Prefix.IsValid() }

// Config is what a Server needs.
type Config struct {
	Network Network
	// Open opens the LAN port; it is called again when the link was lost. See
	// OpenLink.
	Open func() (Link, error)
	// Folder keeps the leases over a restart; "" keeps them in memory alone.
	Folder string
	// Probe is how long an address is asked for by ARP before it is offered, a
	// quarter of a second when zero; negative asks nobody.
	Probe time.Duration
	// NewPerSecond is how many messages of clients without a lease are handled
	// each second, in bursts of as many; 2000 when zero. Clients with a lease are
	// limited each by itself.
	NewPerSecond int
	Now          func() time.Time    // time.Now when nil; used with its monotonic reading
	Note         func(evidence.Note) // may be nil
}

// defaultNew is Config.NewPerSecond when it is zero: far above any LAN's own
// clients coming back after a power cut, far below one processor.
const defaultNew = 2000

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Probe == 0 {
		c.Probe = defaultProbe
	}
	if c.NewPerSecond == 0 {
		c.NewPerSecond = defaultNew
	}
	return c
}

func (n Network) withDefaults() Network {
	if n.Lease == 0 {
		n.Lease = defaultLease
	}
	n.Prefix = n.Prefix.Masked()
	return n
}

// sameAddresses reports whether the leases of one network are good in the other.
func (n Network) sameAddresses(o Network) bool {
	return n.Prefix == o.Prefix && n.First == o.First && n.Last == o.Last &&
		n.Server == o.Server && n.Router == o.Router && n.Lease == o.Lease
}

// check says what is wrong with a network that is not silent.
func (n Network) check() error {
	switch {
	case !n.Prefix.Addr().Is4() || n.Prefix.Bits() > 30:
		return fmt.Errorf("cannot serve %v: give an IPv4 prefix of at most 30 bits", n.Prefix)
	case !n.Prefix.Contains(n.Server):
		return fmt.Errorf("cannot serve %v as %v: the server's address must be inside", n.Prefix, n.Server)
	case n.Router.IsValid() && !n.Prefix.Contains(n.Router):
		return fmt.Errorf("cannot offer router %v: it must be inside %v", n.Router, n.Prefix)
	case n.Lease < time.Minute:
		return fmt.Errorf("cannot lease for %v: give at least a minute", n.Lease)
	}
	return errors.Join(n.checkPool(), n.checkWords())
}

func (n Network) checkPool() error {
	switch {
	case !n.Prefix.Contains(n.First) || !n.Prefix.Contains(n.Last) || n.Last.Less(n.First):
		return fmt.Errorf("cannot offer %v to %v: the pool must be a range inside %v", n.First, n.Last, n.Prefix)
	case n.First == n.Prefix.Addr() || n.Last == broadcastOf(n.Prefix):
		return fmt.Errorf("cannot offer %v to %v: the first and last address of %v are not for hosts", n.First, n.Last, n.Prefix)
	}
	return nil
}

func (n Network) checkWords() error {
	if len(n.Domain) > 253 || len(n.CaptivePortal) > 255 {
		return errors.New("cannot offer a domain or portal longer than an option: shorten it")
	}
	for _, a := range append(append([]netip.Addr(nil), n.DNS...), n.NTP...) {
		if !a.Is4() {
			return fmt.Errorf("cannot offer server %v by DHCPv4: give IPv4 addresses", a)
		}
	}
	if len(n.DNS) > maxServers || len(n.NTP) > maxServers {
		return fmt.Errorf("cannot offer more than %d servers of a kind: shorten the list", maxServers)
	}
	return nil
}

// maxServers keeps every answer below the 576 bytes that a client must accept
// (RFC 2131 section 2).
const maxServers = 4

func broadcastOf(p netip.Prefix) netip.Addr {
	return addrOf(number(p.Masked().Addr()) | (1<<(32-p.Bits()) - 1))
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func addrOf(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
