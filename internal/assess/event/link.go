package event

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ARPSeen is one ARP packet for IPv4 over Ethernet (RFC 826).
type ARPSeen struct {
	Reply     bool
	SenderMAC [6]byte
	Sender    netip.Addr // 0.0.0.0 in a probe (RFC 5227)
	TargetMAC [6]byte
	Target    netip.Addr
}

// IsProbe reports an address-conflict probe (RFC 5227 section 2.1.1).
func (b ARPSeen) IsProbe() bool { return !b.Reply && b.Sender.IsUnspecified() }

// IsAnnouncement reports a gratuitous ARP.
func (b ARPSeen) IsAnnouncement() bool { return b.Sender == b.Target }

// RouterSolicited is an ICMPv6 Router Solicitation (RFC 4861 section 4.1).
type RouterSolicited struct{ From netip.Addr }

// RouterAdvertised is an ICMPv6 Router Advertisement (RFC 4861 section 4.2).
type RouterAdvertised struct {
	From      netip.Addr
	HopLimit  uint8 // of the IPv6 packet; must be 255 to be believed
	Managed   bool  // M
	Other     bool  // O
	Lifetime  time.Duration
	MTU       uint32 // 0 when absent
	Prefixes  []AdvertisedPrefix
	RDNSS     []netip.Addr   // RFC 8106
	PREF64    []netip.Prefix // RFC 8781
	DNSSearch []string       // RFC 8106
	DNR       []string       // authentication domain names, RFC 9463
}

// AdvertisedPrefix is a Prefix Information Option (RFC 4861 section 4.6.2).
type AdvertisedPrefix struct {
	Prefix     netip.Prefix
	OnLink     bool
	Autonomous bool
	Valid      time.Duration
	Preferred  time.Duration
}

// NeighbourSolicited is an ICMPv6 Neighbour Solicitation. From is :: when it is
// duplicate address detection (RFC 4862 section 5.4).
type NeighbourSolicited struct {
	From, Target netip.Addr
}

// IsDAD reports duplicate address detection.
func (b NeighbourSolicited) IsDAD() bool { return b.From.IsUnspecified() }

// NeighbourAdvertised is an ICMPv6 Neighbour Advertisement.
type NeighbourAdvertised struct {
	From, Target                netip.Addr
	Router, Solicited, Override bool
}

// GroupsReported is an IGMP or MLD membership report.
type GroupsReported struct {
	V6      bool
	Version int // IGMP 1 to 3, MLD 1 or 2 (RFC 3810)
	Groups  []netip.Addr
}

// LLDPSeen is an LLDP frame (IEEE 802.1AB).
type LLDPSeen struct {
	SystemName  string
	Description string
	MUDURL      string // RFC 8520 section 12
}

func (ARPSeen) body()             {}
func (RouterSolicited) body()     {}
func (RouterAdvertised) body()    {}
func (NeighbourSolicited) body()  {}
func (NeighbourAdvertised) body() {}
func (GroupsReported) body()      {}
func (LLDPSeen) body()            {}

// Describe is one line for a report.
func (b ARPSeen) Describe() string {
	if b.Reply {
		return fmt.Sprintf("ARP: %s is at %s", b.Sender, FormatMAC(b.SenderMAC))
	}
	return fmt.Sprintf("ARP: who has %s, asks %s", b.Target, b.Sender)
}

// Describe is one line for a report.
func (b RouterSolicited) Describe() string { return "IPv6 router solicitation from " + b.From.String() }

// Describe is one line for a report.
func (b RouterAdvertised) Describe() string {
	var parts []string
	for _, p := range b.Prefixes {
		parts = append(parts, "prefix "+p.Prefix.String())
	}
	for _, a := range b.RDNSS {
		parts = append(parts, "DNS server "+a.String())
	}
	for _, p := range b.PREF64 {
		parts = append(parts, "NAT64 prefix "+p.String())
	}
	return "IPv6 router advertisement from " + b.From.String() + ": " + strings.Join(parts, ", ")
}

// Describe is one line for a report.
func (b NeighbourSolicited) Describe() string {
	if b.IsDAD() {
		return "IPv6 duplicate address detection for " + b.Target.String()
	}
	return fmt.Sprintf("IPv6 neighbour solicitation for %s from %s", b.Target, b.From)
}

// Describe is one line for a report.
func (b NeighbourAdvertised) Describe() string {
	return "IPv6 neighbour advertisement of " + b.Target.String()
}

// Describe is one line for a report.
func (b GroupsReported) Describe() string {
	name := "IGMP"
	if b.V6 {
		name = "MLD"
	}
	return fmt.Sprintf("%sv%d report of %d groups", name, b.Version, len(b.Groups))
}

// Describe is one line for a report.
func (b LLDPSeen) Describe() string {
	return fmt.Sprintf("LLDP: system %q, MUD URL %q", Clean(b.SystemName), Clean(b.MUDURL))
}
