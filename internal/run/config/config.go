package config

import (
	"net/netip"
	"time"
)

// Config is everything that can be set.
type Config struct {
	Ports   Ports
	Uplink  Uplink
	LAN     LAN
	DNS     DNS
	Lookups Lookups
	Run     Run
	Page    Page
	Board   Board
	Store   Store
}

// Board is the lamps, the button and the relay of the box.
type Board struct {
	// Kind is "auto" (lamps where this computer is one with known wiring), "none", or a
	// board by its name: rpi3, rpi4, rpi5, zero2w.
	Kind string
	// Relay says that the device's power goes over the relay.
	Relay bool
}

// From where the page can be reached.
const (
	PageNetwork = "network" // over the WAN port, and from this machine
	PageLocal   = "local"   // from this machine alone
	PageOff     = "off"
)

// Page says where the box shows its page.
type Page struct {
	Reach string
	Port  int
}

// Ports are the names of the two links; "" lets the box find them.
type Ports struct{ LAN, WAN string }

// Uplink says how the WAN port gets its addresses.
type Uplink struct {
	// Mode is "auto" (existing where the host has a default route over the WAN
	// port, else dhcp), "existing", "dhcp" or "static".
	Mode      string
	Addresses []netip.Prefix // static
	Gateways  []netip.Addr   // static
}

// LAN says which network the device is given.
type LAN struct {
	// IPv4 is the box's address with the network's length; not valid lets the box
	// choose one that the uplink does not use.
	IPv4 netip.Prefix
	// IPv6 is "auto" (the prefix that the uplink delegates, else NAT66) or "off".
	IPv6 string
	// DHCPv6 is "stateless", "stateful" or "off".
	DHCPv6 string
	// Lease is how long an address is lent.
	Lease time.Duration
}

// DNS says whom the box's resolver asks.
type DNS struct {
	// Upstreams are asked over UDP and TCP, or over TLS where they have a name;
	// none lets the box ask those of the uplink.
	Upstreams []Upstream
	// Anchors is a file of trust anchors; "" means those of the public root.
	Anchors string
}

// Upstream is one resolver, written "192.0.2.53", "[2001:db8::53]:53" or, for DNS
// over TLS (RFC 7858), "192.0.2.53#dns.example".
type Upstream struct {
	Addr netip.AddrPort
	Name string // of its certificate; "" for plain DNS
}

// Lookups are what the questions about the vendor's names and routes need.
type Lookups struct {
	// Servers says that the servers the device uses may be asked for their TLS: they
	// belong to others, so the operator has to say so.
	Servers bool
	// VRPs is a file of validated ROA payloads: the JSON or CSV output of rpki-client
	// or Routinator. RTR is the "host:port" of a validator's cache (RFC 8210). At most
	// one of them is set.
	VRPs string
	RTR  string
	// Routes are prefix-to-AS files, riswhoisdump of the RIPE NCC or pfx2as of CAIDA,
	// for example one for each address family. None are shipped.
	Routes []string
}

// Run is what a run begins with.
type Run struct {
	Operator, Label, Firmware, Serial string
	Profile                           string
	// Plan is what is done with a device: "observe", the id of a plan of rules/plans, or
	// a file of steps, FILE.yaml.
	Plan string
	// Tester and Owner agreed to factory passwords being tried; both or neither. Reset
	// says how the device is put back to its factory state: without it nobody tries
	// wrong passwords in a row.
	Tester, Owner, Model, Reset string
	// Certificate and Key are files of a publicly trusted certificate of the operator's,
	// PEM with its chain, which the experiments of TC-03 and TC-04 need; both or
	// neither.
	Certificate, Key string
	// Observe is how long a device is watched once it is at work; 0 means until
	// somebody ends the run.
	Observe time.Duration
	// Gone is how long a device may be silent before it counts as gone; 0 means
	// that silence never does.
	Gone time.Duration
	// Fresh is how a plan makes a device start afresh where the board has no relay:
	// "link" takes the LAN port down and up, "operator" asks somebody to unplug it, for
	// a device that hangs behind a switch.
	Fresh string
	// Devices is how many are watched at once.
	Devices int
}

// What Run.Fresh may be.
const (
	FreshLink     = "link"
	FreshOperator = "operator"
)

// Store says where runs are kept and for how long.
type Store struct {
	Folder string
	// State is the folder of what must survive a restart: leases, the journal of
	// changes to the host, the box's identity.
	State string
	// Runs and Bytes are the most that is kept; the oldest ended runs go first.
	Runs  int
	Bytes int64
}

// Default is what a two-port box works with.
func Default() Config {
	return Config{
		Uplink: Uplink{Mode: "auto"},
		LAN:    LAN{IPv6: "auto", DHCPv6: "stateless", Lease: time.Hour},
		Run:    Run{Profile: "internet-standards", Plan: "observe", Observe: 15 * time.Minute, Gone: 10 * time.Minute, Fresh: FreshLink, Devices: 4},
		Page:   Page{Reach: PageNetwork, Port: 8643},
		Board:  Board{Kind: "auto"},
		Store:  Store{Folder: "/var/lib/assay/runs", State: "/var/lib/assay/state", Runs: 200, Bytes: 20 << 30},
	}
}
