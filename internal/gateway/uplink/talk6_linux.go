package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/insomniacslk/dhcp/iana"

	"assay/internal/gateway/netos"
)

// way6 is how DHCPv6 servers are asked (RFC 8415 section 18.2).
type way6 int

const (
	soliciting way6 = iota // everybody, for a prefix; the first that is advertised is taken
	renewing6              // the server, for more time
	rebinding6             // everybody, for more time
	releasing6             // the server is told
	informing              // everybody, for settings alone
)

// ask6 does one conversation. A prefix that is refused is errRefused.
func (u *Uplink) ask6(ctx context.Context, way way6, d delegation) (delegation, error) {
	at := time.Now()
	next, err := u.converse6(ctx, way, d)
	next.at = at
	return next, err
}

func (u *Uplink) converse6(ctx context.Context, way way6, d delegation) (delegation, error) {
	switch way {
	case soliciting:
		return u.solicit(ctx)
	case informing:
		reply, err := u.exchange6(ctx, dhcpv6.MessageTypeInformationRequest, dhcpv6.MessageTypeReply, netip.Prefix{}, nil)
		if err != nil {
			return delegation{}, err
		}
		return delegation{resolvers: addrs(reply.Options.DNS())}, nil
	case releasing6:
		_, err := u.exchange6(ctx, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeReply, d.prefix, d.server)
		return delegation{}, err
	case rebinding6:
		return u.extend(ctx, d, dhcpv6.MessageTypeRebind, nil)
	default:
		return u.extend(ctx, d, dhcpv6.MessageTypeRenew, d.server)
	}
}

func (u *Uplink) solicit(ctx context.Context) (delegation, error) {
	hint := netip.PrefixFrom(netip.IPv6Unspecified(), wantedBits)
	advertised, err := u.exchange6(ctx, dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeAdvertise, hint, nil)
	if err != nil {
		return delegation{}, err
	}
	offer, err := parseDelegation(advertised)
	if err != nil {
		return delegation{}, err
	}
	return u.extend(ctx, offer, dhcpv6.MessageTypeRequest, offer.server)
}

// extend asks for a prefix we know: REQUEST, RENEW or REBIND. A server that answers for
// it and gives none refuses it; one that leaves it out has not answered.
func (u *Uplink) extend(ctx context.Context, d delegation, kind dhcpv6.MessageType, server dhcpv6.DUID) (delegation, error) {
	reply, err := u.exchange6(ctx, kind, dhcpv6.MessageTypeReply, d.prefix, server)
	if err != nil {
		return delegation{}, err
	}
	next, err := parseDelegation(reply)
	if err != nil && len(reply.Options.IAPD()) > 0 {
		return delegation{}, errRefused
	}
	return next, err
}

// exchange6 sends one message and waits for the answer, on a socket of its own.
func (u *Uplink) exchange6(ctx context.Context, kind, answer dhcpv6.MessageType, p netip.Prefix, server dhcpv6.DUID) (*dhcpv6.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	conn, zone, err := u.listen6()
	if err != nil {
		return nil, err
	}
	client, err := nclient6.NewWithConn(conn, u.link.MAC[:])
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var reply *dhcpv6.Message
	m, err := u.message6(kind, p, server)
	if err == nil {
		to := &net.UDPAddr{IP: dhcpv6.AllDHCPRelayAgentsAndServers, Port: dhcpv6.DefaultServerPort, Zone: zone}
		reply, err = client.SendAndRead(ctx, to, m, nclient6.IsMessageType(answer))
	}
	return reply, errors.Join(err, client.Close())
}

// listen6 opens the client's port on the link's own link-local address. The zone
// is the link's number: its name would be looked up outside the namespace.
func (u *Uplink) listen6() (conn net.PacketConn, zone string, err error) {
	link, err := netos.LinkByName(u.cfg.Kernel, u.cfg.Link)
	if err != nil {
		return nil, "", err
	}
	own, err := u.cfg.Kernel.Addresses(u.cfg.Link)
	if err != nil {
		return nil, "", err
	}
	zone = strconv.Itoa(link.Index)
	for _, a := range own {
		if ip := a.Prefix.Addr(); ip.Is6() && ip.IsLinkLocalUnicast() && !a.Tentative {
			err = u.cfg.Kernel.Do(func() (err error) {
				conn, err = net.ListenUDP("udp6", &net.UDPAddr{IP: ip.AsSlice(), Port: dhcpv6.DefaultClientPort, Zone: zone})
				return err
			})
			return conn, zone, err
		}
	}
	return nil, "", fmt.Errorf("cannot ask for a prefix: link %s has no link-local address yet", u.cfg.Link)
}

// message6 is a message of the client; its identity is the link's MAC, the same
// at every start (DUID-LL, RFC 8415 section 11.4).
func (u *Uplink) message6(kind dhcpv6.MessageType, p netip.Prefix, server dhcpv6.DUID) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage()
	if err != nil {
		return nil, err
	}
	m.MessageType = kind
	m.AddOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: u.link.MAC[:]}))
	if server != nil {
		m.AddOption(dhcpv6.OptServerID(server))
	}
	m.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionDNSRecursiveNameServer))
	m.AddOption(dhcpv6.OptElapsedTime(0))
	if kind == dhcpv6.MessageTypeInformationRequest {
		return m, nil
	}
	pd := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}})
	m.AddOption(pd)
	return m, nil
}
