//go:build linux

package v4

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// port is a Link of Linux: the kernel's own UDP receives, so that hostile IP
// headers meet the kernel's parser, and a packet socket sends, because a client
// without an address cannot be reached through the kernel's neighbour table.
type port struct {
	udp net.PacketConn
	raw *os.File
	mac MAC
}

// OpenLink opens the named interface, which must be up, in the network namespace
// of the calling thread.
func OpenLink(name string) (Link, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find port %s: %w", name, err)
	}
	if ifi.Flags&net.FlagUp == 0 || len(ifi.HardwareAddr) != 6 {
		return nil, fmt.Errorf("cannot serve DHCP on %s: it must be an Ethernet port that is up", name)
	}
	udp, err := listenUDP(name)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for DHCP on %s (is another DHCP server running?): %w", name, err)
	}
	raw, err := openRaw(ifi.Index)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open a packet socket on %s: %w", name, err), udp.Close())
	}
	return &port{udp: udp, raw: raw, mac: MAC(ifi.HardwareAddr)}, nil
}

func listenUDP(name string) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = errors.Join(
				unix.BindToDevice(int(fd), name),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1))
		})
		return errors.Join(err, failed)
	}}
	return lc.ListenPacket(context.Background(), "udp4", "0.0.0.0:67")
}

// openRaw gives a packet socket that hears ARP and sends any frame.
func openRaw(index int) (*os.File, error) {
	proto := uint16(etherARP>>8 | etherARP&0xff<<8) // network byte order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: index}); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "packet socket"), nil
}

func (p *port) Receive(buf []byte) (int, error) {
	n, _, err := p.udp.ReadFrom(buf)
	return n, err
}

func (p *port) Hear(buf []byte) (int, error) { return p.raw.Read(buf) }

func (p *port) Send(frame []byte) error {
	_, err := p.raw.Write(frame)
	return err
}

func (p *port) Address() MAC { return p.mac }

func (p *port) Close() error { return errors.Join(p.udp.Close(), p.raw.Close()) }
