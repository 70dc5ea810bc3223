//go:build linux

package box

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"assay/testbench/lab"
)

// rawSocket puts whole frames on a device's cable.
func rawSocket(t *testing.T, s *lab.Site) (send func([]byte) error) {
	t.Helper()
	must(t, s.Up(lab.DeviceLink))
	var fd, index int
	must(t, s.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		ifr, err := unix.NewIfreq(lab.DeviceLink)
		if err != nil {
			return err
		}
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
		index = int(ifr.Uint32())
		return err
	}))
	t.Cleanup(func() { must(t, unix.Close(fd)) })
	return func(frame []byte) error { return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: index}) }
}

var (
	lanMAC    = []byte{0, 0, 0x5e, 0, 0x53, 0xf0} // the box's port in the lab
	broadcast = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	deviceMAC = []byte{0, 0, 0x5e, 0, 0x53, 1}
)

// bigFrame is one that the box ignores and records: an EtherType for local
// experiments (IEEE 802).
func bigFrame() []byte {
	f := append(append([]byte{}, lanMAC...), deviceMAC...)
	return append(append(f, 0x88, 0xb5), make([]byte, 1400)...)
}

// udp is a datagram in a frame.
func udp(to, from []byte, src, dst netip.AddrPort, payload []byte) []byte {
	u := binary.BigEndian.AppendUint16(nil, src.Port())
	u = binary.BigEndian.AppendUint16(u, dst.Port())
	u = binary.BigEndian.AppendUint16(u, uint16(8+len(payload)))
	return ip(to, from, src.Addr(), dst.Addr(), 17, append(append(u, 0, 0), payload...), 6)
}

// ip is a packet in a frame. The checksum of what is above IP is put where it
// belongs.
func ip(to, from []byte, src, dst netip.Addr, protocol byte, body []byte, checksumAt int) []byte {
	pseudo := append(src.AsSlice(), dst.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(body)))
	pseudo = append(append(pseudo, 0, 0, 0, protocol), body...)
	binary.BigEndian.PutUint16(body[checksumAt:], max(1, checksum(pseudo)))
	f := append(append([]byte{}, to...), from...)
	if src.Is6() {
		f = append(f, 0x86, 0xdd, 0x60, 0, 0, 0)
		f = binary.BigEndian.AppendUint16(f, uint16(len(body)))
		f = append(append(append(f, protocol, 255), src.AsSlice()...), dst.AsSlice()...)
		return append(f, body...)
	}
	h := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0}, append(src.AsSlice(), dst.AsSlice()...)...)
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(body)))
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	return append(append(append(f, 8, 0), h...), body...)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i, x := range b {
		sum += uint32(x) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

var (
	unspecified = netip.MustParseAddr("0.0.0.0")
	everybody   = netip.MustParseAddr("255.255.255.255")
)

// dhcp is a message of a DHCPv4 client (RFC 2131 section 2) with options.
func dhcp(client []byte, id uint32, options ...byte) []byte {
	m := make([]byte, 240)
	m[0], m[1], m[2] = 1, 1, 6
	binary.BigEndian.PutUint32(m[4:], id)
	m[10] = 0x80 // answer by broadcast
	copy(m[28:], client)
	copy(m[236:], []byte{99, 130, 83, 99})
	return append(append(m, options...), 255)
}

// discover is a DHCPDISCOVER in a frame.
func discover(client []byte, id uint32) []byte {
	return udp(broadcast, client, netip.AddrPortFrom(unspecified, 68), netip.AddrPortFrom(everybody, 67), dhcp(client, id, 53, 1, 1))
}
