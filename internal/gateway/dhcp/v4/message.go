package v4

import (
	"bytes"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// The options that the library has no name for.
const optMUD = dhcpv4.GenericOptionCode(161) // RFC 8520

// maxText bounds what is kept of a client's own words, in bytes.
const maxText = 255

// message is a client's message that passed the checks of parse.
type message struct {
	*dhcpv4.DHCPv4
	mac       MAC
	client    netip.Addr // ciaddr, the zero Addr when unset
	requested netip.Addr // option 50
	server    netip.Addr // option 54
}

// parse reads a client's message, or says why it is refused. The words are
// constants: they name counters.
func parse(payload []byte) (message, string) {
	// The end option is often forgotten by small clients, and a second one is
	// harmless; a slice of full capacity keeps append off the caller's buffer.
	p, err := dhcpv4.FromBytes(append(payload[:len(payload):len(payload)], dhcpv4.OptionEnd.Code()))
	if err != nil {
		return message{}, "malformed"
	}
	m := message{DHCPv4: p}
	if len(p.ClientHWAddr) != 6 || p.HWType != iana.HWTypeEthernet {
		return m, "hardware address is not Ethernet"
	}
	m.mac = MAC(p.ClientHWAddr)
	m.client = address(p.ClientIPAddr)
	m.requested = address(p.Options.Get(dhcpv4.OptionRequestedIPAddress))
	m.server = address(p.Options.Get(dhcpv4.OptionServerIdentifier))
	switch {
	case p.OpCode != dhcpv4.OpcodeBootRequest:
		return m, "another server's answer"
	case m.mac == MAC{} || m.mac[0]&1 != 0:
		return m, "hardware address is not one device's"
	case address(p.GatewayIPAddr).IsValid():
		return m, "relayed"
	case p.MessageType() == dhcpv4.MessageTypeNone:
		return m, "BOOTP"
	}
	return m, ""
}

// address is the zero Addr for anything that is not one IPv4 address.
func address(b []byte) netip.Addr {
	a, ok := netip.AddrFromSlice(b)
	if !ok || !a.Unmap().Is4() || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a.Unmap()
}

// asks reports whether the client's parameter request list has the option.
//
// A client without such a list asks for nothing beyond the usual.
func (m message) asks(code dhcpv4.OptionCode) bool {
	return bytes.IndexByte(m.Options.Get(dhcpv4.OptionParameterRequestList), code.Code()) >= 0
}

// text is a text of the client, of bounded length.
func (m message) text(code dhcpv4.OptionCode) string {
	b := m.Options.Get(code)
	return string(b[:min(len(b), maxText)])
}

// asked is the parameter request list (option 55) in the client's order.
func (m message) asked() []int {
	list := m.Options.Get(dhcpv4.OptionParameterRequestList)
	out := make([]int, 0, min(len(list), maxText))
	for _, c := range list[:min(len(list), maxText)] {
		out = append(out, int(c))
	}
	return out
}
