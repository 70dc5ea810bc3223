package v4

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

const flagBroadcast = 0x8000

// outcome is a reply and where it goes.
type outcome struct {
	*dhcpv4.DHCPv4
	to destination
}

// frameOf starts a reply as RFC 2131 table 3 has it.
func (s *Server) frameOf(m message, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	p := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: iana.HWTypeEthernet, ClientHWAddr: m.ClientHWAddr,
		TransactionID: m.TransactionID, Flags: m.Flags & flagBroadcast,
		Options: make(dhcpv4.Options, 16),
	}
	p.UpdateOption(dhcpv4.OptMessageType(kind))
	p.UpdateOption(dhcpv4.OptServerIdentifier(s.net.Server.AsSlice()))
	if id := m.Options.Get(dhcpv4.OptionClientIdentifier); len(id) > 0 && len(id) <= maxText {
		p.UpdateOption(dhcpv4.OptClientIdentifier(id)) // RFC 6842
	}
	return p
}

// answer is an OFFER or ACK of an address; the zero Addr answers an INFORM.
func (s *Server) answer(m message, kind dhcpv4.MessageType, addr netip.Addr) outcome {
	p := s.frameOf(m, kind)
	s.tell(p, m)
	if !addr.IsValid() {
		p.ClientIPAddr = m.client.AsSlice()
		return outcome{p, destination{m.mac, m.client}}
	}
	p.YourIPAddr = addr.AsSlice()
	p.UpdateOption(dhcpv4.OptIPAddressLeaseTime(s.net.Lease))
	p.UpdateOption(dhcpv4.OptRenewTimeValue(s.net.Lease / 2))
	p.UpdateOption(dhcpv4.OptRebindingTimeValue((s.net.Lease * 7 / 8).Truncate(time.Second)))
	if kind == dhcpv4.MessageTypeAck && m.MessageType() == dhcpv4.MessageTypeDiscover {
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionRapidCommit, nil))
	}
	if kind == dhcpv4.MessageTypeAck {
		p.ClientIPAddr = m.ClientIPAddr
	}
	return outcome{p, s.whereTo(m, addr)}
}

// whereTo follows RFC 2131 section 4.1. The client's MAC address stands for what
// ARP would say, so that no answer can be turned at somebody else.
func (s *Server) whereTo(m message, yours netip.Addr) destination {
	switch {
	case m.client.IsValid() && s.net.Prefix.Contains(m.client):
		return destination{m.mac, m.client}
	case m.IsBroadcast():
		return destination{broadcastMAC, broadcastIP}
	}
	return destination{m.mac, yours}
}

// nak says no. It is broadcast, because the client may have a wrong address (RFC
// 2131 section 4.3.2).
func (s *Server) nak(m message, why string) outcome {
	p := s.frameOf(m, dhcpv4.MessageTypeNak)
	p.UpdateOption(dhcpv4.OptMessage(why))
	return outcome{p, destination{broadcastMAC, broadcastIP}}
}

// tell adds what the network is. Some options only answer a question: those of
// which an RFC demands it (8925 section 3.3 of option 108), and those that few
// clients know.
func (s *Server) tell(p *dhcpv4.DHCPv4, m message) {
	n := &s.net
	p.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(n.Prefix.Bits(), 32)))
	if n.Router.IsValid() {
		p.UpdateOption(dhcpv4.OptRouter(n.Router.AsSlice()))
	}
	if len(n.DNS) > 0 {
		p.UpdateOption(dhcpv4.OptDNS(ips(n.DNS)...))
	}
	if n.Domain != "" {
		p.UpdateOption(dhcpv4.OptDomainName(n.Domain))
	}
	s.tellAsked(p, m)
}

// tellAsked adds what only answers a question.
func (s *Server) tellAsked(p *dhcpv4.DHCPv4, m message) {
	n := &s.net
	if m.asks(dhcpv4.OptionBroadcastAddress) {
		p.UpdateOption(dhcpv4.OptBroadcastAddress(broadcastOf(n.Prefix).AsSlice()))
	}
	if n.MTU > 0 && m.asks(dhcpv4.OptionInterfaceMTU) {
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, []byte{byte(n.MTU >> 8), byte(n.MTU)}))
	}
	if len(n.NTP) > 0 && m.asks(dhcpv4.OptionNTPServers) {
		p.UpdateOption(dhcpv4.OptNTPServers(ips(n.NTP)...))
	}
	if n.V6OnlyWait > 0 && m.asks(dhcpv4.OptionIPv6OnlyPreferred) {
		p.UpdateOption(dhcpv4.OptIPv6OnlyPreferred(n.V6OnlyWait))
	}
	if n.CaptivePortal != "" && m.asks(dhcpv4.OptionURL) {
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionURL, []byte(n.CaptivePortal)))
	}
}

func ips(list []netip.Addr) []net.IP {
	out := make([]net.IP, 0, len(list))
	for _, a := range list {
		out = append(out, a.AsSlice())
	}
	return out
}

func (s *Server) reply(m message, r outcome) {
	if s.link == nil {
		return
	}
	s.frame = datagram(s.frame[:0], s.link.Address(), s.net.Server, r.to, r.ToBytes())
	if err := s.link.Send(s.frame); err != nil {
		s.ledger.Refuse("the answer could not be sent", sender(m))
	}
}
