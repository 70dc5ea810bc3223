package lookup

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/resolver"
)

// Answer is what the box's resolver knows of a name and type.
type Answer struct {
	// State is secure, insecure, bogus, indeterminate or failed.
	State string
	Why   string // of a state that is neither secure nor insecure
	RCode int    // dns.RcodeSuccess, dns.RcodeNameError, ...
	// Answer and Authority are the sections as the upstream gave them, with RRSIGs.
	Answer, Authority []dns.RR
}

// Ask asks the box's own validating resolver, whatever fault is set for the device.
type Ask func(ctx context.Context, name string, qtype uint16) Answer

// Resolve makes an Ask of a resolver's Lookup.
func Resolve(lookup func(ctx context.Context, name string, qtype uint16) resolver.Answer) Ask {
	return func(ctx context.Context, name string, qtype uint16) Answer {
		a := lookup(ctx, name, qtype)
		if a.Msg == nil {
			return Answer{State: StateFailed, Why: a.Why}
		}
		out := Answer{State: StateIndeterminate, Why: a.Why}
		switch a.Status {
		case resolver.Secure:
			out.State = StateSecure
		case resolver.Insecure:
			out.State = StateInsecure
		case resolver.Bogus:
			out.State = StateBogus
		case resolver.Failed:
			out.State = StateFailed
		case resolver.Unchecked, resolver.Unvalidated:
			out.Why = "the answer was not validated"
		case resolver.Indeterminate:
		}
		out.RCode, out.Answer, out.Authority = a.Msg.Rcode, a.Msg.Answer, a.Msg.Ns
		return out
	}
}

// Config is what a Looker is made of.
type Config struct {
	Ask Ask
	// Dial opens TCP connections over the uplink: network "tcp", address and port
	// in digits.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Forbidden are networks that are never connected to: the LAN of the device,
	// whatever its prefixes. Addresses that are not of the internet are refused
	// without being named here.
	Forbidden []netip.Prefix
	// Roots are the public authorities; the system's when nil.
	Roots *x509.CertPool
	// Servers allows handshakes with the servers: they belong to others, so the
	// operator has to say so. Without it nothing is asked of kind "tls".
	Servers bool
	// HasIPv6 says whether the uplink has IPv6 now; nil means no.
	HasIPv6 func() bool

	// VRPs is a file of validated ROA payloads, RTR the "host:port" of a validator's
	// cache; one of them, or neither. Routes are prefix-to-AS files. Formats: package
	// rpki.
	VRPs   string
	RTR    string
	Routes []string

	// Pause is the least time between two connections; a second when 0.
	Pause time.Duration
	Now   func() time.Time    // time.Now when nil
	Note  func(evidence.Note) // may be nil
}

// Subjects are what the device used.
type Subjects struct {
	Names []Name
}

// Name is one name with the ends that the device reached under it; "" for ends that
// it reached without one.
type Name struct {
	Name string // with or without the final dot, in any letter case
	Ends []End
}

// End is an address and port that the device used.
type End struct {
	Addr netip.AddrPort
	UDP  bool
	// TLS says that the device spoke TLS there; only such ends are asked for their
	// TLS, and only over TCP.
	TLS bool
}

// Limits of one Run. What is beyond them is left out, and a rule sees that it was.
const (
	nameLimit   = 64
	addrLimit   = 256
	serverLimit = 32
	chainLimit  = 16 // names in a chain of aliases
	zoneLimit   = 64 // zones whose keys are read
	climbLimit  = 32 // labels of a name that CAA and NS are looked for at
	nsLimit     = 4  // name servers of a zone whose addresses are asked for

	askTime     = 20 * time.Second // one question, the resolver's own retries included
	connectTime = 8 * time.Second  // TCP connect
	shakeTime   = 12 * time.Second // one TLS handshake with its connect
	pauseTime   = time.Second
)

func (c Config) check() error {
	switch {
	case c.Ask == nil:
		return errors.New("cannot look names up without a resolver")
	case c.Dial == nil:
		return errors.New("cannot look servers up without a way to reach them")
	case c.VRPs != "" && c.RTR != "":
		return errors.New("cannot take VRPs from a file and from RTR: set one of them")
	}
	return nil
}
