package v4

import (
	"encoding/hex"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// leaseNote is the body of a note of kind "lease". Host, VendorClass and MUD are
// the client's own words.
type leaseNote struct {
	Service     string `json:"service"`       // "dhcp4"
	Event       string `json:"event"`         // leased, refused, released, declined, informed, expired, in use, leases lost
	MAC         string `json:"mac,omitempty"` // of the client, or of who uses the address
	Address     string `json:"address,omitempty"`
	Marked      bool   `json:"marked,omitempty"` // a device under test
	Host        string `json:"host,omitempty"`
	VendorClass string `json:"vendor_class,omitempty"`
	ClientID    string `json:"client_id,omitempty"` // hexadecimal
	MUD         string `json:"mud,omitempty"`       // option 161
	Asked       []int  `json:"asked,omitempty"`     // option 55
	Seconds     int    `json:"seconds,omitempty"`   // lease time
	Reason      string `json:"reason,omitempty"`
}

func (s *Server) noteLease(event string, addr netip.Addr, m message, reason string) {
	n := leaseNote{
		Service: "dhcp4", Event: event, MAC: macText(m.mac), Marked: s.table.marked[m.mac],
		Host: m.text(dhcpv4.OptionHostName), VendorClass: m.text(dhcpv4.OptionClassIdentifier),
		ClientID: hex.EncodeToString([]byte(m.text(dhcpv4.OptionClientIdentifier))),
		MUD:      m.text(optMUD), Asked: m.asked(), Reason: reason,
	}
	if addr.IsValid() {
		n.Address = addr.String()
	}
	if event == "leased" {
		n.Seconds = int(s.net.Lease / time.Second)
	}
	if n.Marked {
		s.ledger.NoteAlways("lease", n)
		return
	}
	s.ledger.Note("lease", n)
}

func macText(m MAC) string { return net.HardwareAddr(m[:]).String() }
