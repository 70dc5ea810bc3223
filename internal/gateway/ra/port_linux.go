//go:build linux

package ra

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// Duplicate address detection takes a second or two after a port came up; until
// then nothing can be sent from its link-local address.
const (
	addressWait = 4 * time.Second
	addressStep = 50 * time.Millisecond
)

// OpenPort opens the named interface for advertising, in the network namespace of
// the calling thread. It waits up to four seconds for the port's link-local
// address to be usable.
func OpenPort(name string) (Conn, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find port %s: %w", name, err)
	}
	if ifi.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("cannot advertise a router on %s: bring it up", name)
	}
	for deadline := time.Now().Add(addressWait); ; time.Sleep(addressStep) {
		c, own, err := ndp.Listen(ifi, ndp.LinkLocal)
		if err == nil {
			return prepare(c, own)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("cannot advertise a router on %s (it needs a link-local IPv6 address): %w", name, err)
		}
	}
}

func prepare(c *ndp.Conn, own netip.Addr) (Conn, error) {
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeRouterSolicitation)
	filter.Accept(ipv6.ICMPTypeRouterAdvertisement)
	err := errors.Join(c.SetICMPFilter(&filter), c.SetControlMessage(ipv6.FlagHopLimit, true),
		c.JoinGroup(netip.IPv6LinkLocalAllRouters()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot hear solicitations: %w", err), c.Close())
	}
	return &port{c, own}, nil
}

// port leaves out what the box itself said: multicast comes back to its sender.
type port struct {
	*ndp.Conn
	own netip.Addr
}

func (p *port) ReadRaw(b []byte) (int, *ipv6.ControlMessage, netip.Addr, error) {
	for {
		n, cm, from, err := p.Conn.ReadRaw(b)
		if err != nil || from.WithZone("") != p.own.WithZone("") {
			return n, cm, from, err
		}
	}
}
