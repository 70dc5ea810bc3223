package uplink

import (
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/netos"
)

// Mode says where the uplink's addresses come from.
type Mode string

// The modes.
const (
	Existing Mode = "existing" // the host configures the link; only look
	DHCP     Mode = "dhcp"     // DHCPv4, router advertisements and DHCPv6 prefix delegation
	Static   Mode = "static"   // the addresses of Config
)

// Config says which link is the uplink and how it gets its addresses.
type Config struct {
	Kernel netos.Kernel
	Link   string
	Mode   Mode

	// Addresses, Gateways and Resolvers are used by mode Static; Resolvers, when
	// given, takes the place of what any other mode finds.
	Addresses []netip.Prefix
	Gateways  []netip.Addr
	Resolvers []netip.Addr

	// StateDir keeps the journal of changes and the identity of the DHCP client.
	StateDir string
	// ResolvConf is read, never written, by mode Existing; "" for /etc/resolv.conf.
	ResolvConf string

	// Changed is called with the state at every change, from one goroutine. May be nil.
	Changed func(State)
	// Note is told the same for the evidence. May be nil.
	Note func(evidence.Note)
	// Step is handed to the journal (netos.Journal.Step). May be nil.
	Step func(string)
}

// State is what is known of the uplink.
type State struct {
	Link      string         `json:"link"`
	Carrier   bool           `json:"carrier"`             // the cable is in
	Up        bool           `json:"up"`                  // there is an address and a default route
	Addresses []netip.Prefix `json:"addresses,omitempty"` // of global scope, with their networks
	Gateways  []netip.Addr   `json:"gateways,omitempty"`
	Resolvers []netip.Addr   `json:"resolvers,omitempty"`
	// Delegated is the prefix for the LAN, not valid when there is none.
	Delegated netip.Prefix `json:"delegated,omitzero"`
	// DelegatedUntil is when it ends unless it is renewed.
	DelegatedUntil time.Time `json:"delegated_until,omitzero"`
}
