package v6

import (
	"encoding/hex"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

const (
	maxDUID = 130 // bytes (RFC 8415 section 11.1)
	maxIAs  = 4   // identity associations that are answered in one message
	maxText = 255 // bytes kept of a client's own words
)

// message is a client's message that passed the checks of parse.
type message struct {
	*dhcpv6.Message
	from netip.Addr  // the client's link-local address
	duid dhcpv6.DUID // nil in an anonymous INFORMATION-REQUEST
	id   string      // its bytes
}

// serverID says what RFC 8415 section 16 demands of the server identifier.
type serverID uint8

const (
	mustNotName serverID = iota
	mustName
	mayName
)

// rules are the messages that a server takes from clients (RFC 8415 section 16).
var rules = map[dhcpv6.MessageType]serverID{
	dhcpv6.MessageTypeSolicit: mustNotName, dhcpv6.MessageTypeConfirm: mustNotName, dhcpv6.MessageTypeRebind: mustNotName,
	dhcpv6.MessageTypeRequest: mustName, dhcpv6.MessageTypeRenew: mustName, dhcpv6.MessageTypeRelease: mustName,
	dhcpv6.MessageTypeDecline: mustName, dhcpv6.MessageTypeInformationRequest: mayName,
}

// parse reads a client's message, or says why it is refused. The words are
// constants: they name counters.
func parse(payload []byte, from netip.Addr, own dhcpv6.DUID) (message, string) {
	m := message{from: from}
	if !from.Is6() || !from.IsLinkLocalUnicast() {
		return m, "not from a link-local address"
	}
	if len(payload) > 0 && (payload[0] == byte(dhcpv6.MessageTypeRelayForward) || payload[0] == byte(dhcpv6.MessageTypeRelayReply)) {
		return m, "relayed"
	}
	var err error
	if m.Message, err = dhcpv6.MessageFromBytes(payload); err != nil {
		return m, "malformed"
	}
	rule, known := rules[m.MessageType]
	if !known {
		return m, "a message that clients do not send"
	}
	if reason := m.identify(); reason != "" {
		return m, reason
	}
	return m, checkServer(rule, m.Options.ServerID(), own)
}

// identify takes the client's DUID out of the message.
func (m *message) identify() string {
	m.duid = m.Options.ClientID()
	if m.duid == nil {
		if m.MessageType == dhcpv6.MessageTypeInformationRequest {
			return ""
		}
		return "no client identifier"
	}
	m.id = string(m.duid.ToBytes())
	if len(m.id) > maxDUID || len(m.id) < 3 || len(m.Options.Get(dhcpv6.OptionClientID)) > 1 {
		return "a client identifier of wrong length"
	}
	return ""
}

func checkServer(rule serverID, named, own dhcpv6.DUID) string {
	switch {
	case named == nil && rule == mustName:
		return "no server identifier"
	case named != nil && rule == mustNotName:
		return "a server identifier where none belongs"
	case named != nil && !own.Equal(named):
		return "meant for another server"
	}
	return ""
}

func (m message) key(iaid [4]byte) key { return key{m.id, iaid} }

// associations are the IA_NA options, at most maxIAs of them.
func (m message) associations() []*dhcpv6.OptIANA {
	all := m.Options.IANA()
	return all[:min(len(all), maxIAs)]
}

// asks reports whether the option request option has the code.
func (m message) asks(code dhcpv6.OptionCode) bool { return m.IsOptionRequested(code) }

// ipOf is the zero Addr for anything that is not an IPv6 address.
func ipOf(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip)
	if !ok || !a.Is6() || a.Is4In6() {
		return netip.Addr{}
	}
	return a
}

// leaseNote is the body of a note of kind "lease". Host, VendorClass and MUD are
// the client's own words.
type leaseNote struct {
	Service     string `json:"service"` // "dhcp6"
	Event       string `json:"event"`   // leased, informed, released, declined, refused
	MAC         string `json:"mac,omitempty"`
	LinkLocal   string `json:"link_local,omitempty"`
	DUID        string `json:"duid,omitempty"` // hexadecimal
	IAID        string `json:"iaid,omitempty"` // hexadecimal
	Address     string `json:"address,omitempty"`
	Host        string `json:"host,omitempty"` // option 39
	VendorClass string `json:"vendor_class,omitempty"`
	MUD         string `json:"mud,omitempty"`   // option 112
	Asked       []int  `json:"asked,omitempty"` // option 6
	Seconds     int    `json:"seconds,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// describe is what a note says of the client.
func (m message) describe(event string) leaseNote {
	n := leaseNote{Service: "dhcp6", Event: event, LinkLocal: m.from.WithZone("").String(), DUID: hex.EncodeToString([]byte(m.id))}
	n.MAC, n.Host, n.MUD = m.mac(), m.host(), m.url()
	for _, c := range m.Options.RequestedOptions() {
		if len(n.Asked) < maxText {
			n.Asked = append(n.Asked, int(c))
		}
	}
	for _, c := range m.Options.VendorClasses() {
		for _, d := range c.Data {
			n.VendorClass = string(d[:min(len(d), maxText)])
		}
	}
	return n
}

// mac is the address that the client's link-local address or DUID was made of, if
// any; a hint, since a client may write into either what it likes.
func (m message) mac() string {
	if b := m.from.As16(); b[11] == 0xff && b[12] == 0xfe {
		return net.HardwareAddr{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]}.String()
	}
	switch d := m.duid.(type) {
	case *dhcpv6.DUIDLL:
		return ethernet(d.HWType, d.LinkLayerAddr)
	case *dhcpv6.DUIDLLT:
		return ethernet(d.HWType, d.LinkLayerAddr)
	}
	return ""
}

func ethernet(kind iana.HWType, addr net.HardwareAddr) string {
	if kind != iana.HWTypeEthernet || len(addr) != 6 {
		return ""
	}
	return addr.String()
}

func (m message) host() string {
	o, ok := m.GetOneOption(dhcpv6.OptionFQDN).(*dhcpv6.OptFQDN)
	if !ok || o.DomainName == nil || len(o.DomainName.Labels) == 0 {
		return ""
	}
	name := o.DomainName.Labels[0]
	return name[:min(len(name), maxText)]
}

func (m message) url() string {
	o := m.GetOneOption(dhcpv6.OptionMUDUrlV6)
	if o == nil {
		return ""
	}
	b := o.ToBytes()
	return string(b[:min(len(b), maxText)])
}
