package v6

import (
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/rfc1035label"
)

// tell adds what the client asked to know of the network.
func (s *Server) tell(r *dhcpv6.Message, m message) {
	n := &s.net
	if len(n.DNS) > 0 && m.asks(dhcpv6.OptionDNSRecursiveNameServer) {
		r.AddOption(dhcpv6.OptDNS(ips(n.DNS)...))
	}
	if len(n.Domains) > 0 && m.asks(dhcpv6.OptionDomainSearchList) {
		r.AddOption(dhcpv6.OptDomainSearchList(&rfc1035label.Labels{Labels: n.Domains}))
	}
	if len(n.NTP) > 0 && m.asks(dhcpv6.OptionNTPServer) {
		var servers dhcpv6.Options
		for _, ip := range ips(n.NTP) {
			a := dhcpv6.NTPSuboptionSrvAddr(ip)
			servers.Add(&a)
		}
		r.AddOption(&dhcpv6.OptNTPServer{Suboptions: servers})
	}
	if len(n.NTP) > 0 && m.asks(dhcpv6.OptionSNTPServerList) {
		r.AddOption(dhcpv6.OptSNTP(ips(n.NTP)...))
	}
}

func ips(list []netip.Addr) []net.IP {
	out := make([]net.IP, 0, len(list))
	for _, a := range list {
		out = append(out, a.AsSlice())
	}
	return out
}
