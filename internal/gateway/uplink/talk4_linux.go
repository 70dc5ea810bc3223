package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// way4 is how a DHCPv4 server is asked (RFC 2131 table 4).
type way4 int

const (
	discovering way4 = iota // everybody, for any address; the former one is wished for
	renewing                // the lessor, for more time
	rebinding               // everybody, for more time
	releasing               // nobody: the lessor is told
)

// ask4 gets a lease, or more time for one. The socket lives for one exchange: the
// library's reader ends for good when the link goes down. A lease that is refused is
// errRefused.
func (u *Uplink) ask4(ctx context.Context, way way4, former *lease4) (lease4, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	if way == releasing {
		return lease4{}, u.release4(ctx, former)
	}
	at := time.Now()
	client, err := u.client4(way, former)
	if err != nil {
		return lease4{}, err
	}
	raw, err := exchange4(ctx, client, way, former)
	if err := errors.Join(err, client.Close()); err != nil {
		return lease4{}, err
	}
	l, err := parse4(raw)
	l.at = at
	return l, err
}

// client4 has a raw socket while there is no address, and an ordinary one later: the
// server answers to the address, and the kernel knows the way to it.
func (u *Uplink) client4(way way4, former *lease4) (client *nclient4.Client, err error) {
	err = u.cfg.Kernel.Do(func() (err error) {
		if way == discovering {
			client, err = nclient4.New(u.cfg.Link, nclient4.WithTimeout(firstAnswer))
			return err
		}
		conn, err := u.socket4(former.address.Addr())
		if err == nil {
			client, err = nclient4.NewWithConn(conn, u.link.MAC[:], nclient4.WithTimeout(firstAnswer))
		}
		return err
	})
	return client, err
}

// conn4 sends from one address and hears what comes for any, since a refusal is
// broadcast (RFC 2131 section 4.3.2).
type conn4 struct {
	*net.UDPConn
	from net.IP
}

func (c conn4) WriteTo(b []byte, to net.Addr) (int, error) {
	return ipv4.NewPacketConn(c.UDPConn).WriteTo(b, &ipv4.ControlMessage{Src: c.from}, to)
}

// socket4 opens the client's port on the link, beside what else may have it. The caller
// is in the kernel's namespace.
func (u *Uplink) socket4(from netip.Addr) (conn4, error) {
	l := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		err2 := c.Control(func(fd uintptr) {
			err = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
				unix.BindToDevice(int(fd), u.cfg.Link))
		})
		return errors.Join(err, err2)
	}}
	conn, err := l.ListenPacket(context.Background(), "udp4", fmt.Sprintf(":%d", dhcpv4.ClientPort))
	if err != nil {
		return conn4{}, fmt.Errorf("cannot open the port of DHCP clients: %w", err)
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return conn4{}, errors.Join(errors.New("cannot open the port of DHCP clients: it is no UDP port"), conn.Close())
	}
	return conn4{udp, from.AsSlice()}, nil
}

func exchange4(ctx context.Context, client *nclient4.Client, way way4, former *lease4) (raw *nclient4.Lease, err error) {
	switch way {
	case renewing, rebinding:
		raw, err = extend4(ctx, client, way, former)
	default:
		ask := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionSubnetMask)}
		if former != nil {
			ask = append(ask, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(former.address.Addr().AsSlice())))
		}
		raw, err = client.Request(ctx, ask...)
	}
	if nak := new(nclient4.ErrNak); errors.As(err, &nak) {
		return nil, errRefused
	}
	return raw, err
}

// extend4 asks for more time: the address stands in ciaddr, and neither a server nor an
// address is named in options (RFC 2131 table 5).
func extend4(ctx context.Context, client *nclient4.Client, way way4, former *lease4) (*nclient4.Lease, error) {
	to, match := nclient4.DefaultServers, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak)
	if way == renewing {
		server := former.server()
		if server == nil {
			return nil, errors.New("cannot renew the lease: the server did not name itself")
		}
		to = server
		match = nclient4.IsAll(match, nclient4.IsCorrectServer(server.IP))
	}
	id, err := dhcpv4.GenerateTransactionID() // an answer to an earlier question is none to this one
	if err != nil {
		return nil, err
	}
	m, err := dhcpv4.NewRenewFromAck(former.raw.ACK, dhcpv4.WithTransactionID(id),
		dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
	if err != nil {
		return nil, err
	}
	answer, err := client.SendAndRead(ctx, to, m, match)
	if err != nil {
		return nil, err
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return nil, errRefused
	}
	return &nclient4.Lease{Offer: former.raw.Offer, ACK: answer, CreationTime: time.Now()}, nil
}

// server is who gave the lease; nil when it did not say, or nonsense.
func (l lease4) server() *net.UDPAddr {
	ip := l.raw.ACK.ServerIdentifier()
	if a, ok := netip.AddrFromSlice(ip.To4()); !ok || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a == broadcast4 {
		return nil
	}
	return &net.UDPAddr{IP: ip, Port: dhcpv4.ServerPort}
}

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})
