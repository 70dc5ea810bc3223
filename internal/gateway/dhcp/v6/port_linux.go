//go:build linux

package v6

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// OpenPort opens UDP port 547 on the named interface, which must be up, in the
// network namespace of the calling thread, and joins the group of all DHCP servers
// and relays.
func OpenPort(name string) (net.PacketConn, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find port %s: %w", name, err)
	}
	if ifi.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("cannot serve DHCPv6 on %s: bring it up", name)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), name) })
		return errors.Join(err, failed)
	}}
	conn, err := lc.ListenPacket(context.Background(), "udp6", "[::]:547")
	if err != nil {
		return nil, fmt.Errorf("cannot listen for DHCPv6 on %s (is another DHCP server running?): %w", name, err)
	}
	group := &net.UDPAddr{IP: net.ParseIP("ff02::1:2")}
	if err := ipv6.NewPacketConn(conn).JoinGroup(ifi, group); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot join %v on %s: %w", group.IP, name, err), conn.Close())
	}
	return conn, nil
}
