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

// wantedBits is the size of prefix that is asked for; what is given is taken.
const wantedBits = 56

// delegation is a prefix that is ours for a time (RFC 8415 section 6.3).
type delegation struct {
	prefix             netip.Prefix
	server             dhcpv6.DUID
	resolvers          []netip.Addr
	renew, rebind, end time.Duration
}

// runDelegation keeps a prefix as long as there is a cable.
func (u *Uplink) runDelegation(ctx context.Context) {
	pause := firstPause
	for u.until(ctx, func(s State) bool { return s.Carrier }) {
		d, err := u.solicit(ctx)
		if err != nil {
			u.forgetDelegation(time.Now())
			if !wait(ctx, pause) {
				return
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = firstPause
		u.holdDelegation(ctx, d)
	}
}

// holdDelegation renews a prefix until it ends or the cable was out.
func (u *Uplink) holdDelegation(ctx context.Context, d delegation) {
	for {
		until := time.Now().Add(d.end)
		u.learn(func(f *found) { f.delegated, f.until, f.resolvers6 = d.prefix, until, d.resolvers })
		if !u.waitPlugged(ctx, d.renew) {
			return
		}
		next, err := u.extend(ctx, d, dhcpv6.MessageTypeRenew)
		if err != nil {
			if !u.waitPlugged(ctx, d.rebind-d.renew) {
				return
			}
			next, err = u.extend(ctx, d, dhcpv6.MessageTypeRebind)
		}
		if err != nil {
			if u.waitPlugged(ctx, d.end-d.rebind) {
				u.forgetDelegation(until)
			}
			return
		}
		d = next
	}
}

// forgetDelegation drops a prefix whose time is over.
func (u *Uplink) forgetDelegation(now time.Time) {
	u.learn(func(f *found) {
		if f.delegated.IsValid() && !now.Before(f.until) {
			*f = found{resolvers4: f.resolvers4}
		}
	})
}

// solicit asks every server and takes the first prefix that is advertised.
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
	return u.extend(ctx, offer, dhcpv6.MessageTypeRequest)
}

// extend asks for a prefix we know: REQUEST, RENEW or REBIND.
func (u *Uplink) extend(ctx context.Context, d delegation, kind dhcpv6.MessageType) (delegation, error) {
	server := d.server
	if kind == dhcpv6.MessageTypeRebind {
		server = nil
	}
	reply, err := u.exchange6(ctx, kind, dhcpv6.MessageTypeReply, d.prefix, server)
	if err != nil {
		return delegation{}, err
	}
	return parseDelegation(reply)
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
	pd := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}})
	m.AddOption(pd)
	return m, nil
}

// parseDelegation finds the first prefix that is of use: at least a /64, global
// or unique local, valid for a time.
func parseDelegation(m *dhcpv6.Message) (delegation, error) {
	for _, pd := range m.Options.IAPD() {
		for _, o := range pd.Options.Prefixes() {
			if d, ok := delegated(pd, o); ok {
				d.server, d.resolvers = m.Options.ServerID(), addrs(m.Options.DNS())
				return d, nil
			}
		}
	}
	return delegation{}, errors.New("cannot get a prefix: the server offers none of use")
}

func delegated(pd *dhcpv6.OptIAPD, o *dhcpv6.OptIAPrefix) (delegation, bool) {
	p, ok := usable(o.Prefix)
	if !ok || o.ValidLifetime <= 0 {
		return delegation{}, false
	}
	d := delegation{prefix: p, end: max(o.ValidLifetime, shortestLease), renew: pd.T1, rebind: pd.T2}
	if d.renew <= 0 || d.renew > d.rebind || d.rebind > d.end {
		d.renew, d.rebind = d.end/2, d.end*4/5
	}
	return d, true
}

// usable says whether devices can live in a prefix: RFC 4291 section 2.5.4 wants a /64.
func usable(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	if !ok || !ip.Is6() || ip.Is4In6() || !ip.IsGlobalUnicast() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip, bits).Masked(), bits > 0 && bits <= 64
}
