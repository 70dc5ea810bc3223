package ra

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"

	"assay/internal/assess/evidence"
)

// Conn is a socket for neighbour discovery on the LAN port; *ndp.Conn is one.
type Conn interface {
	ReadRaw(b []byte) (int, *ipv6.ControlMessage, netip.Addr, error)
	WriteTo(m ndp.Message, cm *ipv6.ControlMessage, dst netip.Addr) error
	Close() error
}

// Prefix is one Prefix Information option (RFC 4861 section 4.6.2).
type Prefix struct {
	Prefix     netip.Prefix
	OnLink     bool // flag L
	Autonomous bool // flag A: devices form addresses of their own (SLAAC)
	// Valid and Preferred are the lifetimes; when zero 90 and 45 minutes, the
	// times RFC 9096 section 3.4 bounds a customer edge router to.
	Valid, Preferred time.Duration
}

// Network is what is advertised. The zero Network is silence.
type Network struct {
	Prefixes []Prefix
	RDNSS    []netip.Addr // resolvers; may be link-local
	DNSSL    []string     // search list
	PREF64   netip.Prefix // NAT64 prefix of 96, 64, 56, 48, 40 or 32 bits; zero for none
	MTU      uint32       // 0 for none
	Managed  bool         // flag M: addresses by DHCPv6
	Other    bool         // flag O: other configuration by DHCPv6
	// Router is the router lifetime, 30 minutes when zero; negative says that the
	// box is no default router.
	Router   time.Duration
	HopLimit uint8 // 64 when zero
}

// Config is what a Server needs.
type Config struct {
	Network Network
	// Open opens the socket; it is called again when the link was lost. See
	// OpenPort.
	Open func() (Conn, error)
	// MAC is told as the source link-layer address when it is not zero.
	MAC [6]byte
	// MinInterval and MaxInterval bound the time between unsolicited
	// advertisements: 200 and 600 seconds when zero (RFC 4861 section 6.2.1).
	MinInterval, MaxInterval time.Duration
	// Random gives a number in [0,1); math/rand when nil.
	Random func() float64
	Now    func() time.Time    // time.Now when nil; used with its monotonic reading
	Note   func(evidence.Note) // may be nil
}

// The times and the hop limit that are used when nothing else is said.
const (
	defaultValid     = 90 * time.Minute
	defaultPreferred = 45 * time.Minute
	defaultRouter    = 30 * time.Minute
	defaultHopLimit  = 64
	defaultMax       = 600 * time.Second
)

// Bounds of RFC 4861 section 6.2.1 and of a packet: the largest advertisement
// fits the smallest IPv6 MTU.
const (
	leastMax    = 4 * time.Second
	mostMax     = 1800 * time.Second
	leastMin    = 3 * time.Second
	mostRouter  = 9000 * time.Second
	maxPrefixes = 4
	maxRDNSS    = 8
	maxDNSSL    = 120 // bytes of all search domains together
	leastMTU    = 1280
)

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.MaxInterval == 0 {
		c.MaxInterval = defaultMax
	}
	if c.MinInterval == 0 {
		c.MinInterval = max(leastMin, c.MaxInterval/3)
	}
	return c
}

func (c Config) check() error {
	if c.Open == nil {
		return errors.New("cannot advertise a router without a port: set Config.Open")
	}
	if c.MaxInterval < leastMax || c.MaxInterval > mostMax || c.MinInterval < leastMin || c.MinInterval > c.MaxInterval*3/4 {
		return fmt.Errorf("cannot advertise every %v to %v: RFC 4861 section 6.2.1 allows %v to 3/4 of the longest, and a longest of %v to %v",
			c.MinInterval, c.MaxInterval, leastMin, leastMax, mostMax)
	}
	return nil
}

func (n Network) silent() bool {
	return len(n.Prefixes) == 0 && len(n.RDNSS) == 0 && !n.PREF64.IsValid() && n.Router == 0 && !n.Managed && !n.Other
}

func (n Network) withDefaults() Network {
	if n.silent() {
		return Network{}
	}
	n.Prefixes = append([]Prefix(nil), n.Prefixes...)
	for i := range n.Prefixes {
		p := &n.Prefixes[i]
		p.Prefix = p.Prefix.Masked()
		if p.Valid == 0 {
			p.Valid = defaultValid
		}
		if p.Preferred == 0 {
			p.Preferred = min(defaultPreferred, p.Valid)
		}
	}
	if n.Router == 0 {
		n.Router = defaultRouter
	}
	if n.HopLimit == 0 {
		n.HopLimit = defaultHopLimit
	}
	return n
}

func (n Network) check() error {
	if len(n.Prefixes) > maxPrefixes || len(n.RDNSS) > maxRDNSS || len(strings.Join(n.DNSSL, "..")) > maxDNSSL {
		return fmt.Errorf("cannot advertise more than %d prefixes, %d resolvers and %d bytes of search domains: shorten the lists", maxPrefixes, maxRDNSS, maxDNSSL)
	}
	if err := n.checkAddresses(); err != nil {
		return err
	}
	if _, err := ndp.MarshalMessage(n.message([6]byte{}, time.Hour)); err != nil {
		return fmt.Errorf("cannot advertise this network: %w", err)
	}
	switch {
	case n.Router > mostRouter:
		return fmt.Errorf("cannot be a router for %v: RFC 4861 allows at most %v", n.Router, mostRouter)
	case n.MTU != 0 && n.MTU < leastMTU:
		return fmt.Errorf("cannot advertise an MTU of %d: IPv6 needs %d", n.MTU, leastMTU)
	case !pref64Fits(n.PREF64):
		return fmt.Errorf("cannot advertise NAT64 prefix %v: RFC 8781 knows 96, 64, 56, 48, 40 and 32 bits", n.PREF64)
	}
	return nil
}

func (n Network) checkAddresses() error {
	for _, p := range n.Prefixes {
		if err := p.check(); err != nil {
			return err
		}
	}
	for _, a := range n.RDNSS {
		if !a.Is6() || a.Is4In6() {
			return fmt.Errorf("cannot advertise resolver %v: give IPv6 addresses", a)
		}
	}
	return nil
}

func (p Prefix) check() error {
	a := p.Prefix.Addr()
	if !a.Is6() || a.Is4In6() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return fmt.Errorf("cannot advertise prefix %v: give a global or unique local IPv6 prefix", p.Prefix)
	}
	if p.Autonomous && p.Prefix.Bits() != 64 {
		return fmt.Errorf("cannot have devices form addresses in %v: SLAAC needs 64 bits", p.Prefix)
	}
	if p.Preferred > p.Valid {
		return fmt.Errorf("cannot prefer %v for %v, longer than it is valid (%v)", p.Prefix, p.Preferred, p.Valid)
	}
	return nil
}

// pref64Fits reports whether a NAT64 prefix can be told; none can.
func pref64Fits(p netip.Prefix) bool {
	switch p.Bits() {
	case 96, 64, 56, 48, 40, 32:
		return p.Addr().Is6() && !p.Addr().Is4In6()
	}
	return !p.IsValid()
}
