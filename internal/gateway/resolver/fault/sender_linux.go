package fault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sender sends UDP packets from addresses and ports that need not be the box's.
type Sender struct{ four, six int }

// OpenSender opens the sockets, in the network namespace of the calling thread. With
// a device they send there alone. It needs CAP_NET_RAW.
func OpenSender(device string) (*Sender, error) {
	four, err := rawSocket(unix.AF_INET, device)
	if err != nil {
		return nil, err
	}
	six, err := rawSocket(unix.AF_INET6, device)
	if err != nil {
		return nil, errors.Join(err, unix.Close(four))
	}
	return &Sender{four: four, six: six}, nil
}

// rawSocket opens a socket that takes packets with their IP header.
func rawSocket(family int, device string) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return 0, fmt.Errorf("cannot open a raw socket (run as root or with CAP_NET_RAW): %w", err)
	}
	if device == "" {
		return fd, nil
	}
	if err := unix.BindToDevice(fd, device); err != nil {
		return 0, errors.Join(fmt.Errorf("cannot send on %s: %w", device, err), unix.Close(fd))
	}
	return fd, nil
}

// Close closes the sockets.
func (s *Sender) Close() error { return errors.Join(unix.Close(s.four), unix.Close(s.six)) }

const (
	headerV4  = 20
	headerV6  = 40
	headerUDP = 8
	protoUDP  = 17
	hopLimit  = 64
	maxPacket = 1232 // of the payload: it must go in one piece everywhere
)

// Send sends one packet. It does not wait.
func (s *Sender) Send(_ context.Context, p Packet) error {
	from, to := p.From.Addr().Unmap(), p.To.Addr().Unmap()
	if !from.IsValid() || from.Is4() != to.Is4() || len(p.Payload) > maxPacket {
		return fmt.Errorf("cannot send from %s to %s: give two addresses of one family and at most %d bytes", p.From, p.To, maxPacket)
	}
	var err error
	if from.Is4() {
		err = unix.Sendto(s.four, packetV4(from, to, p), 0, &unix.SockaddrInet4{Addr: to.As4()})
	} else {
		err = unix.Sendto(s.six, packetV6(from, to, p), 0, &unix.SockaddrInet6{Addr: to.As16()})
	}
	if err != nil {
		return fmt.Errorf("cannot send from %s to %s: %w", p.From, p.To, err)
	}
	return nil
}

// packetV4 is the packet as RFC 791 has it. The kernel fills in the checksum of the
// header and the identification.
func packetV4(from, to netip.Addr, p Packet) []byte {
	b := make([]byte, headerV4, headerV4+headerUDP+len(p.Payload))
	b[0] = 4<<4 | headerV4/4
	binary.BigEndian.PutUint16(b[2:], uint16(cap(b)))
	b[8], b[9] = hopLimit, protoUDP
	copy(b[12:], from.AsSlice())
	copy(b[16:], to.AsSlice())
	return append(b, datagram(from, to, p)...)
}

// packetV6 is the packet as RFC 8200 has it.
func packetV6(from, to netip.Addr, p Packet) []byte {
	b := make([]byte, headerV6, headerV6+headerUDP+len(p.Payload))
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(headerUDP+len(p.Payload)))
	b[6], b[7] = protoUDP, hopLimit
	copy(b[8:], from.AsSlice())
	copy(b[24:], to.AsSlice())
	return append(b, datagram(from, to, p)...)
}

// datagram is the UDP part with its checksum (RFC 768, RFC 8200 section 8.1).
func datagram(from, to netip.Addr, p Packet) []byte {
	b := make([]byte, headerUDP, headerUDP+len(p.Payload))
	binary.BigEndian.PutUint16(b, p.From.Port())
	binary.BigEndian.PutUint16(b[2:], p.To.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(cap(b)))
	b = append(b, p.Payload...)
	pseudo := append(from.AsSlice(), to.AsSlice()...)
	pseudo = append(pseudo, 0, protoUDP, b[4], b[5])
	sum := ^fold(add(add(0, pseudo), b))
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
	return b
}

// add sums 16-bit words (RFC 1071).
func add(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}
