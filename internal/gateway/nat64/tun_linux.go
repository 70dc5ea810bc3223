package nat64

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const tunNode = "/dev/net/tun"

// openTUN makes a TUN device in the network namespace of this thread. It lives as
// long as the file.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open(tunNode, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w (%s: %w): load the module tun, or let this program open the file; IPv4 cannot be reached from IPv6 without it", ErrUnavailable, tunNode, err)
	}
	if err := attach(fd, name); err != nil {
		_ = unix.Close(fd) // it was never used
		return nil, err
	}
	return os.NewFile(uintptr(fd), tunNode), nil
}

func attach(fd int, name string) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("cannot name a TUN device %q: %w", name, err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return fmt.Errorf("%w named %s (%w): another one may have the name, or CAP_NET_ADMIN is missing", ErrUnavailable, name, err)
	}
	return nil
}
