package traffic

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
)

// mixStart is when a mix begins.
var mixStart = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// gateway is the network's router in all made captures.
var gateway = Station{
	MAC: [6]byte{0x02, 0xa5, 0x5a, 0, 0, 1},
	V4:  netip.MustParseAddr("192.168.77.1"),
	V6:  netip.MustParseAddr("2001:db8:77::1"),
	LLA: netip.MustParseAddr("fe80::a5:5a00:1"),
}

// Mix writes a capture of at least the given number of frames with what IoT
// devices do: joining, names, time, TLS hellos, small TCP and UDP, IPv4 and
// IPv6, announcements. The same seed gives the same mix of conversations.
func Mix(w io.Writer, frames int, seed uint64) (int, error) {
	log, err := evidence.NewWriter(w, "assay testbench")
	if err != nil {
		return 0, err
	}
	cable, err := NewCable(log, mixStart)
	if err != nil {
		return 0, err
	}
	tapes, err := recordTapes()
	if err != nil {
		return 0, err
	}
	const devices = 40
	var homes []*Home
	for i := range devices {
		homes = append(homes, NewHome(cable, mixStation(i), gateway, fmt.Sprintf("device-%d", i), seed+uint64(i)))
	}
	for round := 0; cable.Frames < frames && cable.Err() == nil; round++ {
		if err := homes[round%devices].live(round, tapes); err != nil {
			return cable.Frames, err
		}
	}
	return cable.Frames, cable.Err()
}

// mixStation numbers the devices of a mix.
func mixStation(i int) Station {
	return Station{
		MAC: [6]byte{0x02, 0xd0, 0, 0, 0, byte(i)},
		V4:  netip.AddrFrom4([4]byte{192, 168, 77, byte(10 + i)}),
		V6:  netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x77, 0, 0, 0x5a, 0x11, 0x37, 0xc4, 0x91, 0, 0, byte(10 + i)}),
		LLA: netip.AddrFrom16([16]byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x5a, 0x11, 0x37, 0xc4, 0x91, 0, 0, byte(10 + i)}),
	}
}

// tapes are the TLS conversations that a mix plays again and again.
type tapes struct{ modern, older []Piece }

// recordTapes records conversations in which a device keeps its connection and
// reports over it, as most do.
func recordTapes() (tapes, error) {
	const reports = 12
	request := []byte("POST /v1/telemetry HTTP/1.1\r\nHost: cloud.example\r\nContent-Length: 20\r\n\r\n{\"temperature\":21.5}")
	answer := make([]byte, 300)
	modern, err := Handshake{Name: "cloud.example", Version: tls.VersionTLS13, Request: request, Response: answer, Rounds: reports}.Record()
	if err != nil {
		return tapes{}, err
	}
	older, err := Handshake{Name: "events.example", Version: tls.VersionTLS12, Request: request, Response: answer, Rounds: reports}.Record()
	return tapes{modern, older}, err
}

// live is one round of a device's life, about 180 frames: some 4 in 100 are DNS
// questions and 1 a ClientHello, as in captures of consumer devices.
func (h *Home) live(round int, t tapes) error {
	if round < 40 {
		if err := h.Join(); err != nil {
			return err
		}
		h.JoinIPv6()
	}
	h.ARP()
	var cloud, cloud6 netip.Addr
	for range 3 {
		cloud, cloud6 = serverOf(h.rng.IntN(64))
		name := fmt.Sprintf("node-%d.cloud.example", cloud.As4()[3])
		if err := h.Ask(Question{Name: name, Type: dns.TypeA, Addrs: []netip.Addr{cloud}}); err != nil {
			return err
		}
		if err := h.Ask(Question{Name: name, Type: dns.TypeAAAA, Addrs: []netip.Addr{cloud6}, Via6: true}); err != nil {
			return err
		}
	}
	h.Cable.Play(h.dut(h.port()), h.far(cloud, 443), t.modern)
	h.Cable.Play(h.dut6(h.port()), h.far(cloud6, 8883), t.older)
	h.Time(netip.AddrFrom4([4]byte{203, 0, 113, 123}))
	h.telemetry(h.far(cloud, 20000))
	h.Cable.Wait(2 * time.Second)
	return h.Announce("_hap._tcp.local", h.HostName)
}

func serverOf(i int) (v4, v6 netip.Addr) {
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + i)}),
		netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(1 + i)})
}

// telemetry is a small binary protocol over TCP and UDP that nobody knows.
func (h *Home) telemetry(server End) {
	conn := h.Cable.Dial(h.dut(h.port()), server)
	for range 4 {
		conn.Client(h.noise(48))
		conn.Server(h.noise(16))
	}
	conn.Close()
	from := h.dut(h.port())
	for range 4 {
		h.Cable.UDP(from, server, h.noise(80))
		h.Cable.UDP(server, from, h.noise(24))
	}
}

func (h *Home) noise(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, h.rng.Uint64())
	}
	return b[:n]
}
