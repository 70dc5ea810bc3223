//go:build linux

package ntp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenPort opens UDP port 123 for IPv4 and IPv6 on the named interface, in the
// network namespace of the calling thread. Answers leave from the address that
// was asked.
func OpenPort(name string) (Conn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = errors.Join(
				unix.BindToDevice(int(fd), name),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1))
		})
		return errors.Join(err, failed)
	}}
	c, err := lc.ListenPacket(context.Background(), "udp", "[::]:123")
	if err != nil {
		return nil, fmt.Errorf("cannot listen for NTP on %s (is another time server running?): %w", name, err)
	}
	return c.(*net.UDPConn), nil
}
