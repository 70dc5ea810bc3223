package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/assess/event"
)

// patience is how long one conversation may take altogether.
const (
	patience     = 20 * time.Second
	dialPatience = 3 * time.Second
)

// fenced sets what keeps a socket on the cable: bound to the port, no route, and a time
// to live that no router passes on.
func (p *Prober) fenced(network, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		s := int(fd) //nolint:gosec // a descriptor
		failed = errors.Join(
			unix.BindToDevice(s, p.cfg.Interface),
			unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_DONTROUTE, 1),
			unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		)
		if network == "tcp4" || network == "udp4" {
			failed = errors.Join(failed, unix.SetsockoptInt(s, unix.IPPROTO_IP, unix.IP_TTL, 1))
		} else {
			failed = errors.Join(failed, unix.SetsockoptInt(s, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1))
		}
	})
	return errors.Join(err, failed)
}

// reserve finds a port of the box that nobody uses.
func (p *Prober) reserve(from netip.Addr, udp bool) (end netip.AddrPort, err error) {
	err = p.cfg.Do(func() error {
		if udp {
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
			if err == nil {
				end = c.LocalAddr().(*net.UDPAddr).AddrPort()
				err = c.Close()
			}
			return err
		}
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
		if err == nil {
			end = l.Addr().(*net.TCPAddr).AddrPort()
			err = l.Close()
		}
		return err
	})
	if err != nil {
		return end, fmt.Errorf("cannot find a port to ask from %s: %w", from, err)
	}
	return netip.AddrPortFrom(from, end.Port()), nil
}

// announce reserves an end of the box and tells that what comes from it is its doing.
func (p *Prober) announce(ctx context.Context, far netip.Addr, to netip.AddrPort, udp bool) (end netip.AddrPort, err error) {
	from, err := p.allowed(ctx, to.Addr())
	if err != nil {
		return end, err
	}
	if far.IsValid() && udp {
		from = far
	}
	if end, err = p.reserve(from, udp); err == nil {
		p.note(event.ProbeNote{Kind: event.ProbeOpen, Server: to, Client: end, UDP: udp})
	}
	return end, err
}

// connect opens a connection, or a UDP socket, from an announced end.
func (p *Prober) connect(ctx context.Context, network string, from, to netip.AddrPort) (c net.Conn, err error) {
	d := net.Dialer{Control: p.fenced, Timeout: dialPatience, LocalAddr: net.TCPAddrFromAddrPort(from)}
	if network == "udp" {
		d.LocalAddr = net.UDPAddrFromAddrPort(from)
	}
	err = p.cfg.Do(func() (err error) {
		c, err = d.DialContext(ctx, network, to.String())
		return err
	})
	return c, err
}

// dial is how every conversation with the device begins, whoever wants it.
func (p *Prober) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.dialFrom(ctx, netip.Addr{}, network, address)
}

// dialFrom is dial, over UDP from an address of the box outside of the device's network
// where that is valid. Whom it leads to is the same.
func (p *Prober) dialFrom(ctx context.Context, far netip.Addr, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("cannot ask %s: %w: only addresses are asked, never names", address, ErrForbidden)
	}
	if network != "udp" {
		network = "tcp"
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	from, err := p.announce(ctx, far, to, network == "udp")
	if err != nil {
		return nil, err
	}
	c, err := p.connect(ctx, network, from, to)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &watchedConn{Conn: c, p: p}, nil
}

// watchedConn notices that the device resets a conversation.
type watchedConn struct {
	net.Conn
	p *Prober
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, syscall.ECONNRESET) {
		c.p.resets++
	}
	return n, err
}

// wait keeps the conversations apart.
func (p *Prober) wait(ctx context.Context) error {
	defer func() { p.last = time.Now() }()
	return pause(ctx, time.Until(p.last.Add(p.cfg.Pace.Between)))
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
