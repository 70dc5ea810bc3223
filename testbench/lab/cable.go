//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Names and numbers of links. A name has the same number in every namespace,
// because the net package remembers the number of a zone ("fe80::1%eth0") for the
// whole process.
const (
	deviceIndex   = 11
	lanIndex      = 12
	wanIndex      = 13
	internetIndex = 14

	lanBridge = "lan" // in the switch
	wanBridge = "wan"
	lanPort   = "lan-gateway"
	wanPort   = "wan-gateway"
	netPort   = "wan-internet"
)

// forwardAll makes a bridge pass reserved multicast (LLDP, EAPOL), except the
// three groups that the kernel always keeps.
const forwardAll uint16 = 0xfff8

// The default addresses (RFC 9542 section 2.1.2) of the ends that are no device.
func lanMAC() net.HardwareAddr      { return docMAC(0xf0) }
func wanMAC() net.HardwareAddr      { return docMAC(0xf1) }
func internetMAC() net.HardwareAddr { return docMAC(0xf2) }

func docMAC(last byte) net.HardwareAddr { return net.HardwareAddr{0, 0, 0x5e, 0, 0x53, last} }

func devicePort(i int) string { return fmt.Sprintf("lan-%d", i) }

// connect makes the switch and plugs every site into it.
func (l *Lab) connect() error {
	err := errors.Join(
		l.wires.sysctls("net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1"),
		l.wires.bridge(lanBridge), l.wires.bridge(wanBridge),
		// Bridged frames are no business of packet filters; a kernel without them
		// has no such setting.
		l.wires.maybeSysctls("net/bridge/bridge-nf-call-iptables=0", "net/bridge/bridge-nf-call-ip6tables=0", "net/bridge/bridge-nf-call-arptables=0"),
	)
	if err != nil {
		return err
	}
	cables := []cable{
		{l.Internet, InternetLink, internetIndex, internetMAC(), netPort, wanBridge},
		{l.Gateway, WANLink, wanIndex, wanMAC(), wanPort, wanBridge},
		l.lanCable(),
	}
	for i, d := range l.Devices {
		mac := docMAC(byte(i + 1))
		if i < len(l.options.MACs) {
			mac = l.options.MACs[i]
		}
		cables = append(cables, cable{d, DeviceLink, deviceIndex, mac, devicePort(i), lanBridge})
	}
	for _, c := range cables {
		if err := l.lay(c); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) lanCable() cable {
	return cable{l.Gateway, LANLink, lanIndex, lanMAC(), lanPort, lanBridge}
}

// PullOut takes the gateway's LAN link away altogether, as a USB adapter that is
// pulled out: its addresses, settings and sockets go with it.
func (l *Lab) PullOut() error {
	link, err := l.Gateway.link(LANLink)
	if err != nil {
		return err
	}
	return l.Gateway.routes.LinkDel(link)
}

// PutBack makes the gateway's LAN link again after PullOut: down and bare, with the
// same name and, when mac is nil, the same MAC address.
func (l *Lab) PutBack(mac net.HardwareAddr) error {
	c := l.lanCable()
	if mac != nil {
		c.mac = mac
	}
	return l.lay(c)
}

// cable leads from a site's link to a port of the switch.
type cable struct {
	site   *Site
	link   string
	index  int
	mac    net.HardwareAddr
	port   string
	bridge string
}

func (l *Lab) lay(c cable) error {
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: c.link, Index: c.index, HardwareAddr: c.mac, MTU: 1500},
		PeerName:  c.port, PeerMTU: 1500, PeerNamespace: netlink.NsFd(l.wires.net.Fd()),
	}
	if err := c.site.routes.LinkAdd(veth); err != nil {
		return fmt.Errorf("cannot make the link %s of %s: %w", c.link, c.site.Name, err)
	}
	port, err := l.wires.link(c.port)
	if err != nil {
		return err
	}
	bridge, err := l.wires.link(c.bridge)
	if err != nil {
		return err
	}
	if err := errors.Join(l.wires.routes.LinkSetMaster(port, bridge), l.wires.routes.LinkSetUp(port)); err != nil {
		return fmt.Errorf("cannot plug %s of %s into the switch: %w", c.link, c.site.Name, err)
	}
	if l.options.Offload {
		return nil
	}
	return errors.Join(c.site.Do(func() error { return noOffload(c.link) }), l.wires.Do(func() error { return noOffload(c.port) }))
}

// bridge makes one silent bridge.
func (s *Site) bridge(name string) error {
	off, all := false, forwardAll
	b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: &off, GroupFwdMask: &all}
	if err := s.routes.LinkAdd(b); err != nil {
		return fmt.Errorf("cannot make the switch: %w", err)
	}
	return s.Up(name)
}

// Plug puts device i's cable in, as it is after New.
func (l *Lab) Plug(i int) error { return l.lan(i, true) }

// Unplug pulls device i's cable: the device loses its carrier, and on a direct cable
// the gateway too. Nobody's settings change.
func (l *Lab) Unplug(i int) error { return l.lan(i, false) }

func (l *Lab) lan(i int, up bool) error {
	err := l.wires.set(devicePort(i), up)
	if len(l.Devices) == 1 && !l.options.Switch {
		err = errors.Join(err, l.wires.set(lanPort, up))
	}
	return err
}

// Uplink puts the WAN cable in or pulls it: both ends lose their carrier.
func (l *Lab) Uplink(up bool) error {
	return errors.Join(l.wires.set(wanPort, up), l.wires.set(netPort, up))
}

// SetMAC gives device i another MAC address, as a device does that randomises it:
// the link goes down, changes and comes up again if it was up.
func (l *Lab) SetMAC(i int, mac net.HardwareAddr) error {
	d := l.Device(i)
	link, err := d.link(DeviceLink)
	if err != nil {
		return err
	}
	wasUp := link.Attrs().Flags&net.FlagUp != 0
	if err := errors.Join(d.Down(DeviceLink), d.routes.LinkSetHardwareAddr(link, mac)); err != nil {
		return fmt.Errorf("cannot give %s the address %s: %w", d.Name, mac, err)
	}
	if wasUp {
		return d.Up(DeviceLink)
	}
	return nil
}

// noOffload makes the sender of this link do segmentation and checksums itself
// (ethtool -K tx off tso off), because a real cable carries no 64 KiB frames. It
// runs inside the link's namespace.
func noOffload(link string) error {
	const setTxChecksum, setTSO, setGRO = 0x17, 0x1f, 0x2c // linux/ethtool.h
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot set up the link %s: %w", link, err)
	}
	defer func() { _ = unix.Close(fd) }() // it carried no data
	for _, command := range []uint32{setTSO, setTxChecksum, setGRO} {
		value := struct{ command, data uint32 }{command, 0}
		request := struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}{data: unsafe.Pointer(&value)}
		copy(request.name[:unix.IFNAMSIZ-1], link)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
			return fmt.Errorf("cannot set up the link %s (ethtool %#x): %w", link, command, errno)
		}
	}
	return nil
}
