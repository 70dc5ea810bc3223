package resolver

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver/upstream"
	"assay/internal/gateway/resolver/validate"
)

// Server is an upstream resolver.
type Server = upstream.Server

// Config is what a Resolver is built from. Addresses and Upstreams are what it
// needs in practice; everything else has a default.
type Config struct {
	// Addresses are where the resolver listens, each over UDP and TCP. An
	// unspecified address (0.0.0.0, ::) is fine: answers leave from the address
	// that was asked. A link-local address needs its zone.
	Addresses []netip.AddrPort
	// Device, when set, binds the sockets of the default openers to that network
	// interface, so that an unspecified address means the LAN alone.
	Device string
	// Upstreams are asked in the order of their measured speed. They may be
	// empty at first and come by SetUpstreams.
	Upstreams []Server

	// Listen and ListenPacket open the server's sockets, in whatever network
	// namespace the LAN lives in. ListenPacket is called Sockets times for one
	// address; Control is the function that lets them share it.
	Listen       func(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error)
	// Dial opens connections to upstreams: networks "udp" and "tcp".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Sockets is how many UDP sockets share one address; the number of CPUs,
	// at most 4, when 0.
	Sockets int

	// Roots verify upstreams over TLS; the system's roots when nil.
	Roots *x509.CertPool
	// Anchors are the DNSSEC trust anchors, DS or DNSKEY; the public root's when
	// empty. NegativeAnchors are names below which nothing is validated (RFC 7646).
	Anchors         []dns.RR
	NegativeAnchors []string
	// Unvalidated lets answers pass when no upstream gives DNSSEC data, without
	// AD and with Health saying so. Otherwise everything is SERVFAIL then.
	Unvalidated bool
	// ServeStale is how long after its end an answer may still be given when the
	// upstreams fail (RFC 8767). 0, the default, never does so.
	ServeStale time.Duration
	// MixCase spells names in random letter case towards upstreams over UDP and
	// demands the same spelling back (draft-vixie-dnsext-dns0x20).
	MixCase bool

	Limits Limits
	Now    func() time.Time    // time.Now when nil; used for TTLs and signatures
	Note   func(evidence.Note) // what the box did; may be nil
}

// Limits bound what clients can make the resolver use. A field that is 0 takes
// its default.
type Limits struct {
	CacheEntries int // answers kept; 20000
	CacheBytes   int // memory for them; 12 MiB
	Pending      int // questions that wait for an upstream, of all clients; 1024
	ClientOpen   int // the same, of one client address; 128
	ClientRate   int // questions per second of one client address, for more than a moment; 1000; negative: no limit
	Connections  int // TCP connections, of all clients; 256
	ClientConns  int // the same, of one client address; 16
	MaxTTL       time.Duration
	MaxNegative  time.Duration
}

// Defaults of Limits.
const (
	defaultEntries     = 20_000
	defaultBytes       = 12 << 20
	defaultPending     = 1024
	defaultClientOpen  = 128
	defaultClientRate  = 1000
	defaultConnections = 256
	defaultClientConns = 16
	defaultMaxTTL      = 7 * 24 * time.Hour // RFC 8767 section 4
	defaultMaxNegative = 3 * time.Hour      // RFC 2308 section 5
	maxSockets         = 4
)

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.CacheEntries, defaultEntries)
	set(&l.CacheBytes, defaultBytes)
	set(&l.Pending, defaultPending)
	set(&l.ClientOpen, defaultClientOpen)
	set(&l.ClientRate, defaultClientRate)
	set(&l.Connections, defaultConnections)
	set(&l.ClientConns, defaultClientConns)
	if l.MaxTTL == 0 {
		l.MaxTTL = defaultMaxTTL
	}
	if l.MaxNegative == 0 {
		l.MaxNegative = defaultMaxNegative
	}
	return l
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.withDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Note == nil {
		c.Note = func(evidence.Note) {}
	}
	if c.Sockets <= 0 {
		c.Sockets = min(maxSockets, runtime.NumCPU())
	}
	opener := net.ListenConfig{Control: Control(c.Device)}
	if c.Listen == nil {
		c.Listen = opener.Listen
	}
	if c.ListenPacket == nil {
		c.ListenPacket = opener.ListenPacket
	}
	return c
}

// validator is what the resolver needs of package validate.
type validator interface {
	Validate(ctx context.Context, q dns.Question, answer *dns.Msg) validate.Verdict
}
