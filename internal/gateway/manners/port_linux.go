package manners

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// port is a raw socket on one link. The kernel fills in the checksum (RFC 3542 section
// 3.1).
type port struct {
	*net.IPConn
	link *net.Interface
}

// OpenPort opens the named link, in the network namespace of the calling thread. It
// needs CAP_NET_RAW.
func OpenPort(name string) (Port, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find port %s: %w", name, err)
	}
	c, err := net.ListenIP("ip6:ipv6-icmp", &net.IPAddr{IP: net.IPv6unspecified})
	if err != nil {
		return nil, fmt.Errorf("cannot open a raw socket (run as root or with CAP_NET_RAW): %w", err)
	}
	p := &port{c, link}
	if err := p.fence(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot keep to port %s: %w", name, err), c.Close())
	}
	return p, nil
}

// fence keeps what is sent on the cable, lets only echo replies in, and has the kernel
// tell whether one came in fragments.
func (p *port) fence() error {
	raw, err := p.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		s := int(fd) //nolint:gosec // a descriptor
		failed = errors.Join(
			unix.BindToDevice(s, p.link.Name),
			unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_DONTROUTE, 1),
			unix.SetsockoptInt(s, unix.IPPROTO_IPV6, unix.IPV6_RECVFRAGSIZE, 1),
		)
	})
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeEchoReply)
	return errors.Join(err, failed, ipv6.NewPacketConn(p).SetICMPFilter(&filter))
}

// Send is that of Port.
func (p *port) Send(from, to netip.Addr, hops int, message []byte) error {
	how := ipv6.ControlMessage{HopLimit: hops, Src: from.AsSlice(), IfIndex: p.link.Index}
	_, _, err := p.WriteMsgIP(message, how.Marshal(), &net.IPAddr{IP: to.AsSlice(), Zone: p.link.Name})
	return err
}

// Receive is that of Port.
func (p *port) Receive(b []byte, deadline time.Time) (r Reply, err error) {
	if err := p.SetReadDeadline(deadline); err != nil {
		return r, err
	}
	told := make([]byte, unix.CmsgSpace(4))
	n, m, _, who, err := p.ReadMsgIP(b, told)
	if err != nil {
		return r, err
	}
	r.From, _ = netip.AddrFromSlice(who.IP)
	r.Message = b[:n]
	list, err := unix.ParseSocketControlMessage(told[:m])
	for _, c := range list {
		r.Pieces = r.Pieces || c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_RECVFRAGSIZE
	}
	return r, err
}
