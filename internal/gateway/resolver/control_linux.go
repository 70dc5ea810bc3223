package resolver

import (
	"errors"
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
	return func(network, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = setOptions(int(fd), network, device) })
		return errors.Join(err, failed)
	}
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
