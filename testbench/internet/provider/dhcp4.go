package provider

import (
	"cmp"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// dhcp4 is the DHCPv4 server of the uplink, RFC 2131, without its socket.
type dhcp4 struct {
	link    Uplink
	clients clients
}

// answer returns nil where nothing is to be said.
func (d *dhcp4) answer(q *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error) {
	if q.OpCode != dhcpv4.OpcodeBootRequest || !d.meant(q) {
		return nil, nil
	}
	if q.MessageType() == dhcpv4.MessageTypeInform {
		return d.reply(q, dhcpv4.MessageTypeAck)
	}
	n, ok := d.clients.number(q.ClientHWAddr.String())
	if !ok {
		return nil, nil
	}
	lease := d.lease(n)
	switch q.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return d.grant(q, dhcpv4.MessageTypeOffer, lease)
	case dhcpv4.MessageTypeRequest:
		if wanted := asked(q); wanted != lease {
			return d.reply(q, dhcpv4.MessageTypeNak)
		}
		return d.grant(q, dhcpv4.MessageTypeAck, lease)
	default: // RELEASE and DECLINE: the number stays with the client
		return nil, nil
	}
}

// meant says whether the client speaks to this server or to all.
func (d *dhcp4) meant(q *dhcpv4.DHCPv4) bool {
	id := q.ServerIdentifier()
	return id == nil || id.Equal(d.link.RouterV4.Addr().AsSlice())
}

// lease is the address for a client's number.
func (d *dhcp4) lease(n int) netip.Addr {
	a := d.link.First
	for range n {
		a = a.Next()
	}
	return a
}

// asked is the address a REQUEST is about: RFC 2131, section 4.3.2.
func asked(q *dhcpv4.DHCPv4) netip.Addr {
	ip := q.RequestedIPAddress()
	if ip == nil {
		ip = q.ClientIPAddr
	}
	a, _ := netip.AddrFromSlice(ip.To4()) // the zero value is nobody's lease
	return a
}

func (d *dhcp4) reply(q *dhcpv4.DHCPv4, kind dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	more := []dhcpv4.Modifier{
		dhcpv4.WithMessageType(kind),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(d.link.RouterV4.Addr().AsSlice())),
	}
	if kind != dhcpv4.MessageTypeNak {
		var names []net.IP
		for _, a := range d.link.resolvers(true) {
			names = append(names, a.AsSlice())
		}
		more = append(more,
			dhcpv4.WithNetmask(net.CIDRMask(d.link.RouterV4.Bits(), 32)),
			dhcpv4.WithRouter(d.link.RouterV4.Addr().AsSlice()),
			dhcpv4.WithDNS(names...))
	}
	return dhcpv4.NewReplyFromRequest(q, more...)
}

func (d *dhcp4) grant(q *dhcpv4.DHCPv4, kind dhcpv4.MessageType, lease netip.Addr) (*dhcpv4.DHCPv4, error) {
	m, err := d.reply(q, kind)
	if err != nil {
		return nil, err
	}
	m.YourIPAddr = lease.AsSlice()
	dhcpv4.WithLeaseTime(uint32(cmp.Or(d.link.Lease, leaseTime).Seconds()))(m)
	return m, nil
}
