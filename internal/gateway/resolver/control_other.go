//go:build !linux

package resolver

import (
	"errors"
	"syscall"
)

// Control prepares a socket of the server. On this system sockets cannot share
// an address or be bound to a device: set Config.Sockets to 1.
func Control(device string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, _ syscall.RawConn) error {
		if device != "" {
			return errors.New("cannot bind to a network interface on this system: listen on its addresses instead")
		}
		return nil
	}
}
