package uplink

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"

	"assay/testbench/lab"
)

// heard is one DHCPv4 message on the cable.
type heard struct {
	*dhcpv4.DHCPv4
	at       time.Time
	src, dst netip.Addr
}

// String is what RFC 2131 tables 4 and 5 tell the messages apart by.
func (h heard) String() string {
	out := fmt.Sprintf("%s %s>%s", h.MessageType(), h.src, h.dst)
	if !h.ClientIPAddr.IsUnspecified() {
		out += " ciaddr"
	}
	for _, o := range []struct {
		code dhcpv4.OptionCode
		word string
	}{{dhcpv4.OptionRequestedIPAddress, "requested"}, {dhcpv4.OptionServerIdentifier, "server"}} {
		if h.Options.Has(o.code) {
			out += " " + o.word
		}
	}
	return out
}

// hear tells of every DHCPv4 message at the provider's end of the cable.
func (b *bench) hear() <-chan heard {
	b.Helper()
	var tap *os.File
	must(b.T, b.lab.Internet.Do(func() error {
		proto := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}) // with what is sent
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(proto))
		if err == nil {
			tap = os.NewFile(uintptr(fd), lab.InternetLink)
		}
		return err
	}))
	out, done := make(chan heard, 1000), make(chan struct{})
	go func() {
		defer close(done)
		frame := make([]byte, 2048)
		for {
			n, err := tap.Read(frame)
			if err != nil {
				return
			}
			if h, ok := parseFrame(frame[:n]); ok {
				out <- h
			}
		}
	}()
	b.Cleanup(func() { _ = tap.Close(); <-done })
	return out
}

// parseFrame reads Ethernet, IPv4, UDP and DHCP.
func parseFrame(f []byte) (heard, bool) {
	const ethernet, udp = 14, 8
	if len(f) < ethernet+20 || binary.BigEndian.Uint16(f[12:]) != unix.ETH_P_IP || f[ethernet+9] != unix.IPPROTO_UDP {
		return heard{}, false
	}
	ip := f[ethernet:]
	head := int(ip[0]&0xf) * 4
	if len(ip) < head+udp {
		return heard{}, false
	}
	if to := binary.BigEndian.Uint16(ip[head+2:]); to != 67 && to != 68 {
		return heard{}, false
	}
	m, err := dhcpv4.FromBytes(ip[head+udp:])
	return heard{m, time.Now(), netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))}, err == nil
}

// message gives the next message of the client, or of the server, of one kind.
func (b *bench) message(wire <-chan heard, kind dhcpv4.MessageType) heard {
	b.Helper()
	var before []string
	deadline := time.After(30 * time.Second)
	for {
		select {
		case h := <-wire:
			if h.MessageType() == kind {
				return h
			}
			before = append(before, h.String())
		case <-deadline:
			b.Fatalf("no %s on the cable after %s; now %+v", kind, strings.Join(before, ", "), b.uplink.State())
		}
	}
}
