package event

import (
	"fmt"
	"net/netip"
	"time"
)

// DHCP4 is one DHCPv4 or BOOTP message (RFC 2131). Device is always the client's
// host, also for a server's message, and FromServer tells who spoke.
type DHCP4 struct {
	FromServer bool
	// Type is option 53 (1 DISCOVER, 2 OFFER, 3 REQUEST, 4 DECLINE, 5 ACK, 6 NAK,
	// 7 RELEASE, 8 INFORM); 0 for BOOTP.
	Type      uint8
	XID       uint32
	ClientMAC [6]byte
	ServerID  netip.Addr
	YourAddr  netip.Addr
	Requested netip.Addr    // option 50
	ClientAt  netip.Addr    // ciaddr
	Lease     time.Duration // option 51
	// Parameters is option 55, what the client asked for, in its order.
	Parameters  []uint8
	HostName    string // option 12
	VendorClass string // option 60
	ClientID    []byte // option 61
	FQDN        string // option 81
	MUDURL      string // option 161, RFC 8520
	Netmask     int    // prefix length of option 1, 0 when absent
	Routers     []netip.Addr
	DNS         []netip.Addr // option 6
	NTP         []netip.Addr // option 42
	Domain      string       // option 15
	// V6OnlyWait is option 108 in a server's message (RFC 8925).
	V6OnlyWait time.Duration
	HasV6Only  bool
	DNR        []string // option 162, authentication domain names, RFC 9463
}

// DHCP6 is one DHCPv6 message (RFC 8415). Device is always the client's host.
type DHCP6 struct {
	FromServer bool
	// Type is the message type: 1 SOLICIT, 2 ADVERTISE, 3 REQUEST, 5 RENEW,
	// 7 REPLY, 11 INFORMATION-REQUEST, ...
	Type uint8
	XID  uint32
	// DUIDType is 1 (LLT), 2 (EN), 3 (LL), 4 (UUID), or 0 when absent.
	DUIDType    uint16
	DUID        []byte
	Addresses   []netip.Addr // of IA_NA and IA_TA
	AsksAddress bool         // carries an IA_NA or IA_TA
	AsksPrefix  bool         // carries an IA_PD
	Requested   []uint16     // option 6, the option request
	DNS         []netip.Addr // option 23
	NTP         []string     // options 31 and 56
	FQDN        string       // option 39
	VendorClass string       // option 16
	MUDURL      string       // option 112
	DNR         []string     // option 144
}

func (DHCP4) body() {}
func (DHCP6) body() {}

// Describe is one line for a report.
func (b DHCP4) Describe() string {
	names := [...]string{"BOOTP", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"}
	name := fmt.Sprintf("type %d", b.Type)
	if int(b.Type) < len(names) {
		name = names[b.Type]
	}
	line := "DHCPv4 " + name
	if b.FromServer {
		return fmt.Sprintf("%s: address %s, DNS servers %v, time servers %v", line, b.YourAddr, b.DNS, b.NTP)
	}
	return fmt.Sprintf("%s: host name %q, vendor class %q, asks options %v",
		line, Clean(b.HostName), Clean(b.VendorClass), b.Parameters)
}

// Describe is one line for a report.
func (b DHCP6) Describe() string {
	if b.FromServer {
		return fmt.Sprintf("DHCPv6 message type %d from the server: addresses %v, DNS servers %v", b.Type, b.Addresses, b.DNS)
	}
	return fmt.Sprintf("DHCPv6 message type %d: DUID type %d, asks options %v", b.Type, b.DUIDType, b.Requested)
}
