package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Control prepares a socket of the server before it is bound, for use in
// net.ListenConfig: UDP sockets may share an address among themselves, an
// address may be bound while the kernel still tests it for duplicates, IPv6
// sockets leave IPv4 alone, and with a device only its packets arrive.
// TCP sockets do not share: a second resolver on the same address is an error.
func Control(device string) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = errors.Join(setOptions(int(fd), network, device), tellDestination(int(fd), network, address))
		})
		return errors.Join(err, failed)
	}
}

// Rebind ties a socket that Control has prepared to the device of that name anew: a
// device that was taken away and came back is another one to the kernel, and sockets
// of the former one hear nothing and give no error. It needs CAP_NET_RAW.
func Rebind(device string, socket syscall.Conn) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot listen on %s again: %w", device, err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), device) })
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("cannot listen on %s again: %w", device, err)
	}
	return nil
}

// receiveBuffer holds some 4,000 questions while all readers are busy.
const receiveBuffer = 4 << 20

func setOptions(fd int, network, device string) error {
	set := func(level, option, value int) error {
		return unix.SetsockoptInt(fd, level, option, value)
	}
	var errs []error
	if strings.HasPrefix(network, "udp") {
		errs = append(errs, set(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		if set(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil { // needs a privilege
			errs = append(errs, set(unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer))
		}
	}
	if strings.HasSuffix(network, "6") {
		errs = append(errs, set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1), set(unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1))
	} else {
		errs = append(errs, set(unix.IPPROTO_IP, unix.IP_FREEBIND, 1))
	}
	if device != "" {
		errs = append(errs, unix.BindToDevice(fd, device))
	}
	return errors.Join(errs...)
}

// tellDestination asks for the destination of each packet where the address
// does not tell it. It must be on before the first packet arrives: the kernel
// notes it down at that moment.
func tellDestination(fd int, network, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsUnspecified() || !strings.HasPrefix(network, "udp") {
		return nil
	}
	if strings.HasSuffix(network, "6") {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}
