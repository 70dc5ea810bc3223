package lan

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"assay/internal/gateway/netos"
)

// Network is one of the networks that are offered to the device.
type Network uint8

// The networks of the experiments. What devices are told of them is the business of
// the services; here they differ in addresses and rules.
const (
	N1 Network = 1 // IPv4 only
	N2 Network = 2 // dual stack
	N3 Network = 3 // IPv6 only, with NAT64
	N4 Network = 4 // as N3, with stateless DHCPv6
	N5 Network = 5 // as N3, with stateful DHCPv6
	N6 Network = 6 // dual stack, with NAT64 and the wish to do without IPv4
	N7 Network = 7 // dual stack, but IPv6 packets to outside are lost without a word
	N8 Network = 8 // IPv6 only, without NAT64
)

// String prints "N1".
func (n Network) String() string { return fmt.Sprintf("N%d", uint8(n)) }

// ParseNetwork reads "N1" to "N8".
func ParseNetwork(text string) (Network, error) {
	for n := N1; n <= N8; n++ {
		if n.String() == text {
			return n, nil
		}
	}
	return 0, fmt.Errorf("cannot offer network %q: the networks are N1 to N8", text)
}

// IPv4 says whether the network has IPv4, and IPv6 the same of IPv6.
func (n Network) IPv4() bool { return n == N1 || n == N2 || n == N6 || n == N7 }

// IPv6 says whether the network has IPv6.
func (n Network) IPv6() bool { return n != N1 }

// NAT64 says whether IPv4 servers are reached by way of IPv6.
func (n Network) NAT64() bool { return n >= N3 && n <= N6 }

// Translation is a link behind which a NAT64 is.
type Translation struct {
	Link   string
	Prefix netip.Prefix // what leads to IPv4
	Pool   netip.Prefix // the box's own address on the link, and the network of the NAT64's
}

// Offer changes which network is offered, without a NAT64. The address of a version
// that is not offered leaves the port, and its packets are refused.
func (l *LAN) Offer(ctx context.Context, n Network) error {
	if n < N1 || n > N8 {
		return fmt.Errorf("cannot offer %s: the networks are N1 to N8", n)
	}
	return l.change(ctx, func(w *wanted) { w.network, w.translation = n, Translation{} })
}

// OfferThrough changes which network is offered, with a NAT64. Its link is given what
// it needs; nothing of that has to be put back, because it goes with the link.
func (l *LAN) OfferThrough(ctx context.Context, n Network, t Translation) error {
	if !n.NAT64() {
		return fmt.Errorf("cannot offer %s through a NAT64: it has none", n)
	}
	if t.Link == "" || !t.Prefix.IsValid() || !t.Pool.IsValid() {
		return errors.New("cannot offer a NAT64 without its link, prefix and pool")
	}
	if err := l.setTranslation(t); err != nil {
		return fmt.Errorf("cannot set up the link %s of the NAT64: %w", t.Link, err)
	}
	return l.change(ctx, func(w *wanted) { w.network, w.translation = n, t })
}

// noLinkLocal is the mode in which the kernel makes no address of its own
// (ip-sysctl.rst, addr_gen_mode): nobody would hear it.
const noLinkLocal = "1"

// setTranslation sets the link of a NAT64 up. The journal has no part in it.
func (l *LAN) setTranslation(t Translation) error {
	v4, v6 := "net/ipv4/conf/"+t.Link+"/", "net/ipv6/conf/"+t.Link+"/"
	for _, s := range []struct{ key, value string }{
		{v6 + "disable_ipv6", "0"}, {v6 + "addr_gen_mode", noLinkLocal}, {v6 + "accept_ra", "0"}, {v6 + "accept_redirects", "0"},
		{v6 + "forwarding", "1"}, {v4 + "forwarding", "1"}, {v4 + "rp_filter", "1"}, {v4 + "send_redirects", "0"},
		{v4 + "accept_redirects", "0"}, {v4 + "accept_source_route", "0"},
	} {
		if err := l.kernel.SetSysctl(s.key, s.value); err != nil {
			return err
		}
	}
	if err := l.kernel.SetLinkUp(t.Link, true); err != nil {
		return err
	}
	return errors.Join(
		l.kernel.AddAddress(netos.Address{Link: t.Link, Prefix: t.Pool, NoDAD: true}),
		l.kernel.AddRoute(netos.Route{To: t.Prefix, Link: t.Link, Protocol: protocolStatic}),
	)
}

// protocolStatic marks the route as made by a program (rtnetlink(7)).
const protocolStatic = 4

// toNAT64 lets devices reach the NAT64, with the same limits as the internet: behind
// it nobody can tell them apart.
func (w wanted) toNAT64() []netos.Rule {
	t := w.translation
	if t.Link == "" {
		return nil
	}
	return []netos.Rule{
		{netos.Protocol{L4: netos.TCP}, netos.Tracked{States: netos.StateEstablished}, netos.Out{Link: t.Link}, netos.To{Prefix: t.Prefix}, netos.Accept{}},
		{netos.Out{Link: t.Link}, netos.Tracked{States: netos.StateInvalid}, netos.Counted{Counter: cInvalid}, netos.Drop{}},
		{netos.Out{Link: t.Link}, netos.To{Prefix: t.Prefix}, netos.Jump{Chain: "limits"}},
	}
}

// fromNAT64 holds what comes out of the NAT64 to what holds for devices.
func (w wanted) fromNAT64() []netos.Rule {
	const v4 = netos.FamilyIPv4
	public := netos.Rule{netos.From{Prefix: w.translation.Pool.Masked()}, netos.Out{Link: w.wan}, netos.Accept{}}
	return []netos.Rule{
		append(netos.Rule{netos.ToSet{Family: v4, Set: "allow4"}}, public...),
		{netos.ToSet{Family: v4, Set: "private4"}, netos.Remember{Family: v4, Set: "tried4"}},
		{netos.ToSet{Family: v4, Set: "private4"}, netos.Counted{Counter: cPrivate}, netos.Reject{}},
		public,
		{netos.Counted{Counter: cOtherLink}, netos.Reject{}},
	}
}

// broken loses IPv6 on its way out and back.
func (w wanted) broken() []netos.Rule {
	if w.network != N7 {
		return nil
	}
	return []netos.Rule{{netos.IPVersion{Family: netos.FamilyIPv6}, netos.Counted{Counter: cNotOffered}, netos.Drop{}}}
}

// wellKnown64 is the prefix by which a provider's NAT64 is reached (RFC 6052 section
// 2.1). A network without NAT64 must not have one by that way.
var wellKnown64 = netip.MustParsePrefix("64:ff9b::/96")

func (w wanted) strict() []netos.Rule {
	if w.network != N8 {
		return nil
	}
	return []netos.Rule{{netos.To{Prefix: wellKnown64}, netos.Counted{Counter: cNotOffered}, netos.Reject{}}}
}
