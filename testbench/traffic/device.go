package traffic

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
)

// Device is a virtual device: a name and a quarter of an hour of its life.
type Device struct {
	Name    string
	station Station
	live    func(*Home) error
}

// Devices are two devices that differ in everything a buyer should ask for.
func Devices() []Device {
	return []Device{
		{Name: "careful-camera", live: (*Home).careful, station: Station{
			MAC: [6]byte{0x02, 0xca, 0xfe, 0, 0, 0x10},
			V4:  netip.MustParseAddr("192.168.77.40"),
			V6:  netip.MustParseAddr("2001:db8:77::5a11:37c4:91e2:7b03"),
			LLA: netip.MustParseAddr("fe80::83f1:6a0c:2e5d:94b7"),
		}},
		{Name: "careless-plug", live: (*Home).careless, station: Station{
			MAC: [6]byte{0x02, 0xba, 0xd0, 0, 0, 0x20},
			V4:  netip.MustParseAddr("192.168.77.41"),
		}},
	}
}

// Write lays the device's life on a cable and writes the capture.
func (d Device) Write(w io.Writer) error {
	log, err := evidence.NewWriter(w, "assay testbench")
	if err != nil {
		return err
	}
	cable, err := NewCable(log, mixStart)
	if err != nil {
		return err
	}
	home := NewHome(cable, d.station, gateway, d.Name, 7)
	if err := d.live(home); err != nil {
		return fmt.Errorf("cannot make the life of %s: %w", d.Name, err)
	}
	return cable.Err()
}

// services are the names that both devices use.
var services = []struct {
	name   string
	v4, v6 netip.Addr
}{
	{"api.vendor.example", netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("2001:db8:c1::10")},
	{"events.vendor.example", netip.MustParseAddr("198.51.100.11"), netip.MustParseAddr("2001:db8:c1::11")},
	{"media.vendor.example", netip.MustParseAddr("198.51.100.12"), netip.MustParseAddr("2001:db8:c1::12")},
	{"firmware.vendor.example", netip.MustParseAddr("198.51.100.13"), netip.MustParseAddr("2001:db8:c1::13")},
	{"time.vendor.example", netip.MustParseAddr("198.51.100.14"), netip.MustParseAddr("2001:db8:c1::14")},
	{"stats.vendor.example", netip.MustParseAddr("198.51.100.15"), netip.MustParseAddr("2001:db8:c1::15")},
}

// careful asks for signatures over random ports, prefers IPv6 and speaks TLS 1.3
// only.
func (h *Home) careful() error {
	if err := h.Join(); err != nil {
		return err
	}
	h.JoinIPv6()
	h.ARP()
	h.Time(h.Gateway.V4)
	for round := range 3 {
		for _, s := range services {
			if err := h.visit(s.name, s.v4, s.v6); err != nil {
				return err
			}
			h.Cable.Wait(50 * time.Second)
		}
		if round == 0 {
			h.Cable.Wait(200 * time.Second)
		}
	}
	return h.Announce("_rtsps._tcp.local", "Camera")
}

func (h *Home) visit(name string, v4, v6 netip.Addr) error {
	if err := h.Ask(Question{Name: name, Type: dns.TypeAAAA, DO: true, Addrs: []netip.Addr{v6}, Via6: true}); err != nil {
		return err
	}
	if err := h.Ask(Question{Name: name, Type: dns.TypeA, DO: true, Addrs: []netip.Addr{v4}, Via6: true}); err != nil {
		return err
	}
	tape, err := Handshake{Name: name, Version: tls.VersionTLS13, Request: make([]byte, 300), Response: make([]byte, 900)}.Record()
	if err != nil {
		return err
	}
	h.Cable.Play(h.dut6(h.port()), h.far(v6, 443), tape)
	return nil
}

// careless counts its DNS questions up from one port, reports over plain HTTP
// with a factory password, and calls an address that nobody told it.
func (h *Home) careless() error {
	if err := h.Join(); err != nil {
		return err
	}
	h.ARP()
	for round := range 3 {
		for i, s := range services {
			q := Question{Name: s.name, Type: dns.TypeA, ID: uint16(2 + round*len(services) + i), Port: 4097, Addrs: []netip.Addr{s.v4}}
			if err := h.Ask(q); err != nil {
				return err
			}
			h.report(s.name, s.v4)
			h.Cable.Wait(50 * time.Second)
		}
	}
	h.report("203.0.113.66", netip.MustParseAddr("203.0.113.66"))
	return h.oldTLS()
}

func (h *Home) report(host string, a netip.Addr) {
	conn := h.Cable.Dial(h.dut(h.port()), h.far(a, 80))
	conn.Client(fmt.Appendf(nil, "POST /report?sn=PLUG-0020 HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n"+
		"Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"power\": 12.25}", host))
	conn.Server([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"))
	conn.Close()
}

func (h *Home) oldTLS() error {
	for _, s := range services[:2] {
		tape, err := Handshake{Name: s.name, Version: tls.VersionTLS10,
			Suites:  []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
			Request: make([]byte, 120), Response: make([]byte, 60)}.Record()
		if err != nil {
			return err
		}
		h.Cable.Play(h.dut(h.port()), h.far(s.v4, 8883), tape)
	}
	return nil
}
