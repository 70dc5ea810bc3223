//go:build linux

package lab

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCableCarriesWhatACableWould: a long transfer crosses in frames that fit, with
// the checksums of the sender.
func TestCableCarriesWhatACableWould(t *testing.T) {
	ctx, l := start(t, Options{})
	must(t, l.Device(0).Assign(DeviceLink, netip.MustParsePrefix("192.0.2.2/24")), l.Gateway.Assign(LANLink, netip.MustParsePrefix("192.0.2.1/24")))
	var tap int
	must(t, l.Gateway.Do(func() (err error) {
		tap, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(binary.NativeEndian.Uint16([]byte{8, 0})))
		return err
	}))
	defer unix.Close(tap)
	transfer(ctx, t, l, 64<<10) // the socket's buffer holds it
	frame := make([]byte, 1<<17)
	seen := 0
	for {
		n, _, err := unix.Recvfrom(tap, frame, 0)
		if err != nil {
			break // all was read
		}
		if frame[23] != unix.IPPROTO_TCP || frame[12] != 8 || frame[13] != 0 {
			continue
		}
		seen++
		if n > 1514 {
			t.Fatalf("a frame has %d octets", n)
		}
		if sum := tcpSum(frame[14:n]); sum != 0xffff {
			t.Fatalf("a segment's sum is %#x", sum)
		}
	}
	if seen < 45 {
		t.Errorf("saw only %d segments", seen)
	}
}

// transfer sends size octets from the device to the gateway and waits for all.
func transfer(ctx context.Context, t *testing.T, l *Lab, size int) {
	t.Helper()
	server, err := l.Gateway.Listen(ctx, "tcp", "192.0.2.1:9")
	must(t, err)
	defer server.Close()
	done := make(chan int64, 1)
	go func() {
		c, err := server.Accept()
		if err != nil {
			done <- 0
			return
		}
		n, _ := io.Copy(io.Discard, c)
		c.Close()
		done <- n
	}()
	c, err := l.Device(0).Dial(ctx, "tcp", "192.0.2.1:9")
	must(t, err)
	_, err = c.Write(make([]byte, size))
	must(t, err, c.(*net.TCPConn).CloseWrite())
	if n := <-done; n != int64(size) {
		t.Fatalf("%d of %d octets arrived", n, size)
	}
	c.Close()
}

// tcpSum is the Internet checksum (RFC 1071) over an IPv4 packet's TCP segment and
// its pseudo header: 0xffff when it is right.
func tcpSum(ip []byte) uint32 {
	header, total := int(ip[0]&0xf)*4, int(binary.BigEndian.Uint16(ip[2:]))
	segment := ip[header:total]
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(segment))
	for _, part := range [][]byte{ip[12:20], segment} {
		for i := 0; i < len(part); i += 2 {
			word := uint32(part[i]) << 8
			if i+1 < len(part) {
				word |= uint32(part[i+1])
			}
			sum += word
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}
