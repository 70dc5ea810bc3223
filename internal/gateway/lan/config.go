package lan

import (
	"fmt"
	"io"
	"net/netip"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
)

// Config says what router is wanted.
type Config struct {
	LAN string // the link the device is plugged into; a bridge will do
	WAN string // the link to the internet

	// Network4 is the network on the LAN with the box's own address in it. Zero:
	// 192.168.77.1/24, or the next one of a short list that nothing here uses.
	Network4 netip.Prefix
	// Delegated is what the uplink delegated for the LAN (RFC 8415 section 6.3).
	// Zero: a ULA of our own (RFC 4193) and NAT66.
	Delegated netip.Prefix

	// StateDir keeps the journal of changes and the ULA over a restart.
	StateDir string

	// Allow are networks the device may reach though the firewall would refuse them.
	Allow []netip.Prefix
	// Refuse are further networks it may not reach. The networks of the box's
	// other links are refused without being named.
	Refuse []netip.Prefix
	// Limits of what devices may send out; zero fields get DefaultLimits.
	Limits Limits

	// Note is told what network is offered. May be nil.
	Note func(evidence.Note)
	// Rand gives the random bits of the ULA; nil for crypto/rand.
	Rand io.Reader
	// Step is handed to the journal (netos.Journal.Step). May be nil.
	Step func(string)
}

// Limits keep a bad device from attacking anybody. They count new connections
// and packets that nobody answers, never the bytes of a conversation.
type Limits struct {
	NewEach netos.Limit // packets without an answer so far, each device
	NewAll  netos.Limit // the same, all devices together
	ICMP    netos.Limit // messages of ICMP and ICMPv6
	Queries netos.Limit // datagrams to DNS, NTP and other services that answer with more than they were asked
	UDP     netos.Limit // all datagrams: more than 1 Gbit/s of full ones
	Mail    netos.Limit // connections to mail servers
}

// DefaultLimits are far above what a device does and far below an attack.
func DefaultLimits() Limits {
	return Limits{
		NewEach: netos.Limit{Rate: 100, Burst: 500},
		NewAll:  netos.Limit{Rate: 400, Burst: 2000},
		ICMP:    netos.Limit{Rate: 50, Burst: 100},
		Queries: netos.Limit{Rate: 500, Burst: 1000},
		UDP:     netos.Limit{Rate: 120_000, Burst: 20_000},
		Mail:    netos.Limit{Rate: 10, PerMinute: true, Burst: 10},
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, p := range []struct{ own, other *netos.Limit }{
		{&l.NewEach, &d.NewEach}, {&l.NewAll, &d.NewAll}, {&l.ICMP, &d.ICMP},
		{&l.Queries, &d.Queries}, {&l.UDP, &d.UDP}, {&l.Mail, &d.Mail},
	} {
		if p.own.Rate == 0 {
			*p.own = *p.other
		}
	}
	return l
}

// Addresses are those of the box on the LAN.
type Addresses struct {
	IPv4      netip.Prefix // the box's address and the network
	IPv6      netip.Prefix // the same; a routed prefix or a ULA, always /64
	LinkLocal netip.Addr   // fe80::..., without zone
	NAT66     bool         // the IPv6 network is translated on its way out

	Far4, Far6 netip.Prefix // single addresses outside of these networks, while Far is on
}

// Redirection sends what devices send to a port elsewhere to a port of the box.
type Redirection struct {
	Protocol netos.L4     // netos.TCP or netos.UDP
	To       netip.Prefix // destinations; zero for every one, IPv4 and IPv6
	Port     uint16       // destination port
	Local    uint16       // port of the box
	Last     uint16       // with Local the range of ports, for many conversations at once; 0 for Local alone
}

// Counts is what the firewall refused since Up, in packets.
type Counts struct {
	Private    uint64 // to networks that are not the public internet
	Input      uint64 // to services the box does not offer
	Spoofed    uint64 // from addresses that do not belong to the LAN
	Inbound    uint64 // new connections from outside to the LAN
	OtherLink  uint64 // out by another link than the WAN
	NotOffered uint64 // of an IP version that is not offered at present
	Invalid    uint64 // of no connection
	New        uint64 // beyond Limits.NewEach or NewAll
	ICMP       uint64 // beyond Limits.ICMP
	UDP        uint64 // beyond Limits.Queries or UDP
	Mail       uint64 // beyond Limits.Mail
}

// String prints "tcp any:443 -> :8443".
func (r Redirection) String() string {
	to := "any"
	if r.To.IsValid() {
		to = r.To.String()
	}
	if r.Last > r.Local {
		return fmt.Sprintf("%s %s:%d -> :%d-%d", r.Protocol, to, r.Port, r.Local, r.Last)
	}
	return fmt.Sprintf("%s %s:%d -> :%d", r.Protocol, to, r.Port, r.Local)
}
