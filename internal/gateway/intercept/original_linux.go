package intercept

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// soOriginalDst is SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST of linux/netfilter.h.
const soOriginalDst = 80

// OriginalDestination tells where a connection was going before the packet filter
// redirected it to this host.
func OriginalDestination(c net.Conn) (netip.AddrPort, error) {
	own, ok := c.LocalAddr().(*net.TCPAddr)
	sys, raw := c.(syscall.Conn)
	if !ok || !raw {
		return netip.AddrPort{}, errors.New("cannot tell where a connection was going: it is no TCP connection")
	}
	control, err := sys.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var to netip.AddrPort
	failed := control.Control(func(fd uintptr) {
		if own.AddrPort().Addr().Unmap().Is4() {
			to, err = original4(int(fd))
		} else {
			to, err = original6(int(fd))
		}
	})
	if err := errors.Join(failed, err); err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot tell where a connection was going: %w", err)
	}
	return to, nil
}

func original4(fd int) (netip.AddrPort, error) {
	// An IPv6Mreq is large enough for a sockaddr_in and is what the kernel fills in.
	m, err := unix.GetsockoptIPv6Mreq(fd, unix.IPPROTO_IP, soOriginalDst)
	if err != nil {
		return netip.AddrPort{}, err
	}
	b := m.Multiaddr // sin_family, sin_port, sin_addr
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), uint16(b[2])<<8|uint16(b[3])), nil
}

func original6(fd int) (netip.AddrPort, error) {
	var sa unix.RawSockaddrInet6
	size := uint32(unsafe.Sizeof(sa))
	//nolint:gosec // the kernel writes at most size bytes of sa
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IPV6, soOriginalDst,
		uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return netip.AddrPort{}, errno
	}
	port := (*[2]byte)(unsafe.Pointer(&sa.Port)) //nolint:gosec // it is in network byte order
	return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(port[0])<<8|uint16(port[1])), nil
}
