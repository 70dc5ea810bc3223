//go:build !linux

package intercept

import (
	"errors"
	"net"
	"net/netip"
)

// OriginalDestination is to be had on Linux alone.
func OriginalDestination(net.Conn) (netip.AddrPort, error) {
	return netip.AddrPort{}, errors.New("cannot tell where a redirected connection was going: this needs Linux")
}
