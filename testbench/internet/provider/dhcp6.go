package provider

import (
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// dhcp6 is the DHCPv6 server of the uplink, RFC 9915, without its socket:
// resolvers for everybody, no addresses, prefixes where there is a pool.
type dhcp6 struct {
	link    Uplink
	id      dhcpv6.DUID
	clients clients
	// route sends a delegated prefix to the client.
	route func(netip.Prefix) error
}

// answer returns nil where nothing is to be said.
func (d *dhcp6) answer(q *dhcpv6.Message) (*dhcpv6.Message, error) {
	if id := q.Options.ServerID(); id != nil && !id.Equal(d.id) {
		return nil, nil
	}
	m, err := d.begin(q)
	if m == nil || err != nil {
		return nil, err
	}
	for _, ia := range q.Options.IANA() {
		none := &dhcpv6.OptIANA{IaId: ia.IaId}
		none.Options.Add(status(iana.StatusNoAddrsAvail, "addresses are formed from advertisements"))
		m.AddOption(none)
	}
	for _, ia := range q.Options.IAPD() {
		granted, err := d.delegate(q, ia)
		if err != nil {
			return nil, err
		}
		m.AddOption(granted)
	}
	return m, nil
}

// begin makes the reply without leases.
func (d *dhcp6) begin(q *dhcpv6.Message) (*dhcpv6.Message, error) {
	var dns []net.IP
	for _, a := range d.link.resolvers(false) {
		dns = append(dns, a.AsSlice())
	}
	more := []dhcpv6.Modifier{dhcpv6.WithServerID(d.id), dhcpv6.WithDNS(dns...)}
	switch q.MessageType {
	case dhcpv6.MessageTypeSolicit:
		if q.GetOneOption(dhcpv6.OptionRapidCommit) != nil {
			return dhcpv6.NewReplyFromMessage(q, append(more, dhcpv6.WithRapidCommit)...)
		}
		return dhcpv6.NewAdvertiseFromSolicit(q, more...)
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind,
		dhcpv6.MessageTypeInformationRequest, dhcpv6.MessageTypeRelease:
		return dhcpv6.NewReplyFromMessage(q, more...)
	default:
		return nil, nil
	}
}

// delegate answers one IA_PD: RFC 9915, section 18.3.
func (d *dhcp6) delegate(q *dhcpv6.Message, ia *dhcpv6.OptIAPD) (*dhcpv6.OptIAPD, error) {
	out := &dhcpv6.OptIAPD{IaId: ia.IaId}
	client := q.Options.ClientID()
	if !d.link.Pool.IsValid() || client == nil {
		out.Options.Add(status(iana.StatusNoPrefixAvail, "no prefixes are delegated here"))
		return out, nil
	}
	if q.MessageType == dhcpv6.MessageTypeRelease {
		out.Options.Add(status(iana.StatusSuccess, ""))
		return out, nil
	}
	n, ok := d.clients.number(string(client.ToBytes()) + string(ia.IaId[:]))
	if !ok {
		out.Options.Add(status(iana.StatusNoPrefixAvail, "all prefixes are given away"))
		return out, nil
	}
	prefix := cut(d.link.Pool, n)
	if err := d.route(prefix); err != nil {
		return nil, err
	}
	out.T1, out.T2 = renewTime, rebindTime
	out.Options.Add(&dhcpv6.OptIAPrefix{PreferredLifetime: leaseTime, ValidLifetime: leaseTime,
		Prefix: &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(delegatedBits, 128)}})
	return out, nil
}

// cut is the n-th /60 of a pool, counted from 1 so that it can be told from the
// pool at a glance. The pool has at most 56 bits.
func cut(pool netip.Prefix, n int) netip.Prefix {
	raw := pool.Addr().As16()
	number := uint16(n+1) << (64 - delegatedBits)
	raw[6] |= byte(number >> 8)
	raw[7] |= byte(number)
	return netip.PrefixFrom(netip.AddrFrom16(raw), delegatedBits)
}

func status(code iana.StatusCode, text string) *dhcpv6.OptStatusCode {
	return &dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: text}
}
