package twins

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"assay/internal/assess/evidence"
	"assay/testbench/traffic"
)

// traits are what is true of a device and of the network it is in. The zero value is
// the right device in a network with both families.
type traits struct {
	// Of the network and of the recording.
	noRouter6   bool // no router advertises IPv6
	noResolver4 bool // DHCPv4 names no resolver
	midway      bool // the log begins after the joining
	brief       bool // the log ends after a minute
	unstated    bool // nobody states that the log holds the first set-up

	// Of the device.
	noTLS      bool // it makes no connection at all
	onceOnly   bool // it starts once
	noDO       bool // it asks without DNSSEC
	counts     bool // transaction IDs count up, from one port
	goesAround bool // two names are asked at 8.8.8.8
	ownOnly    bool // all names are asked at 9.9.9.9
	dot        bool // it keeps a conversation with a resolver of its choice over TLS
	only4      bool // it knows no IPv6
	onlyA      bool // it has IPv6 and asks for IPv4 addresses alone
	hardware   bool // its IPv6 addresses hold its MAC address
	builtIn    bool // it goes to an address that nobody told
	spoofs     bool // it sends from addresses that are not its own
	scans      bool // it tries Telnet at 120 hosts
	suites     []uint16
	version    uint16 // the highest of TLS; 0 for 1.3
	plain      string // the body of what it tells over HTTP; "" for nothing over HTTP
	header     string // and a line of its header
	firmware   bool   // it fetches an image over HTTP
}

// canary is what the operator typed into the device at set-up.
const canary = "Quillfeather-4711"

var (
	router = traffic.Station{
		MAC: [6]byte{0x00, 0x00, 0x5e, 0, 0x53, 0x01},
		V4:  netip.MustParseAddr("192.168.77.1"), V6: netip.MustParseAddr("2001:db8:77::1"), LLA: netip.MustParseAddr("fe80::a5:5a00:1"),
	}
	opaque = traffic.Station{
		MAC: [6]byte{0x00, 0x00, 0x5e, 0, 0x53, 0x40},
		V4:  netip.MustParseAddr("192.168.77.40"), V6: netip.MustParseAddr("2001:db8:77::5a11:37c4:91e2:7b03"), LLA: netip.MustParseAddr("fe80::83f1:6a0c:2e5d:94b7"),
	}
)

// cloud are the names that the device visits; the last two have no IPv6.
var cloud = []struct{ name, v4, v6 string }{
	{"api.vendor.example", "198.51.100.10", "2001:db8:c1::10"},
	{"events.vendor.example", "198.51.100.11", "2001:db8:c1::11"},
	{"media.vendor.example", "198.51.100.12", "2001:db8:c1::12"},
	{"stats.vendor.example", "198.51.100.13", "2001:db8:c1::13"},
	{"relay.vendor.example", "198.51.100.14", ""},
	{"time.vendor.example", "198.51.100.15", ""},
}

// strong are suites that nobody can object to.
var strong = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}

// life is one device on its cable.
type life struct {
	traits
	t    *testing.T
	home *traffic.Home
	rng  *rand.Rand
	asks uint16
}

// record lives a quarter of an hour and gives the log.
func record(t *testing.T, tr traits) []byte {
	t.Helper()
	var buf bytes.Buffer
	log, err := evidence.NewWriter(&buf, "assay testbench")
	if err != nil {
		t.Fatal(err)
	}
	cable, err := traffic.NewCable(log, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	l := &life{traits: tr, t: t, home: traffic.NewHome(cable, station(tr), router, "camera", 7), rng: rand.New(rand.NewPCG(3, 5))}
	l.home.NoResolver = tr.noResolver4
	l.live()
	if err := cable.Err(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func station(tr traits) traffic.Station {
	s := opaque
	if tr.hardware {
		s.V6, s.LLA = netip.MustParseAddr("2001:db8:77::200:5eff:fe00:5340"), netip.MustParseAddr("fe80::200:5eff:fe00:5340")
	}
	return s
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) live() {
	l.start(!l.midway)
	l.round()
	if l.brief {
		return
	}
	l.extras()
	l.home.Cable.Wait(6 * time.Minute)
	if !l.onceOnly && !l.midway {
		l.start(true)
	}
	l.round()
	l.home.Cable.Wait(3 * time.Minute)
	l.round()
}

// has6 says that the device has an IPv6 address.
func (l *life) has6() bool { return !l.noRouter6 && !l.only4 }

func (l *life) start(seen bool) {
	if !seen {
		return
	}
	l.must(l.home.Join())
	switch {
	case l.has6():
		l.home.JoinIPv6()
	case l.only4 && !l.noRouter6:
		l.home.Advertise()
	}
	l.home.ARP()
	l.home.Time(router.V4)
}

// round visits every name once.
func (l *life) round() {
	for i, s := range cloud {
		v4 := netip.MustParseAddr(s.v4)
		v6, _ := netip.ParseAddr(s.v6)
		around := l.ownOnly || l.goesAround && i < 2
		if !l.onlyA && !l.only4 {
			l.ask(s.name, dns.TypeAAAA, v6, around)
		}
		l.ask(s.name, dns.TypeA, v4, around)
		l.visit(s.name, l.preferred(v4, v6), 443)
		l.home.Cable.Wait(7 * time.Second)
	}
	if l.plain != "" || l.header != "" {
		l.tell()
	}
}

// preferred is the address that the device goes to.
func (l *life) preferred(v4, v6 netip.Addr) netip.Addr {
	if v6.IsValid() && l.has6() && !l.onlyA {
		return v6
	}
	return v4
}

// from is the device's end towards an address.
func (l *life) from(to netip.Addr, port uint16) traffic.End {
	if to.Is6() {
		return traffic.End{MAC: l.home.Device.MAC, Addr: l.home.Device.V6, Port: port}
	}
	return traffic.End{MAC: l.home.Device.MAC, Addr: l.home.Device.V4, Port: port}
}

func (l *life) port() uint16 { return uint16(32768 + l.rng.IntN(28000)) }

// ask asks for a name and is answered; around the offered resolver if so told.
func (l *life) ask(name string, kind uint16, answer netip.Addr, around bool) {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), kind)
	m.Id = uint16(l.rng.Uint32())
	port := l.port()
	if l.counts {
		l.asks++
		m.Id, port = 100+l.asks, 4097
	}
	if !l.noDO {
		m.SetEdns0(1232, true)
	}
	l.exchange(m, answer, port, l.resolver(around))
}

// resolver is whom the device asks.
func (l *life) resolver(around bool) traffic.End {
	to := traffic.End{MAC: router.MAC, Addr: router.V4, Port: 53}
	switch {
	case around && l.ownOnly:
		to.Addr = netip.MustParseAddr("9.9.9.9")
	case around:
		to.Addr = netip.MustParseAddr("8.8.8.8")
	case l.has6():
		to.Addr = router.V6
	}
	return to
}

func (l *life) exchange(m *dns.Msg, answer netip.Addr, port uint16, to traffic.End) {
	reply := new(dns.Msg)
	reply.SetReply(m)
	reply.RecursionAvailable = true
	if !l.noDO {
		reply.SetEdns0(1232, true)
	}
	head := dns.RR_Header{Name: m.Question[0].Name, Rrtype: m.Question[0].Qtype, Class: dns.ClassINET, Ttl: 600}
	switch {
	case !answer.IsValid():
	case answer.Is4():
		reply.Answer = []dns.RR{&dns.A{Hdr: head, A: answer.AsSlice()}}
	default:
		reply.Answer = []dns.RR{&dns.AAAA{Hdr: head, AAAA: answer.AsSlice()}}
	}
	question, err := m.Pack()
	l.must(err)
	told, err := reply.Pack()
	l.must(err)
	from := l.from(to.Addr, port)
	l.home.Cable.UDP(from, to, question)
	l.home.Cable.Wait(8 * time.Millisecond)
	l.home.Cable.UDP(to, from, told)
}

// visit has a conversation over TLS.
func (l *life) visit(name string, at netip.Addr, port uint16) {
	if l.noTLS {
		return
	}
	h := traffic.Handshake{Name: name, Version: tls.VersionTLS13, Suites: strong, Request: make([]byte, 300), Response: make([]byte, 900)}
	if l.suites != nil {
		h.Suites = l.suites
	}
	if l.version != 0 {
		h.Version = l.version
	}
	tape, err := h.Record()
	l.must(err)
	l.home.Cable.Play(l.from(at, l.port()), traffic.End{MAC: router.MAC, Addr: at, Port: port}, tape)
}

// dial opens a conversation with an IPv4 address.
func (l *life) dial(to string, port uint16) *traffic.Conn {
	at := netip.MustParseAddr(to)
	return l.home.Cable.Dial(l.from(at, l.port()), traffic.End{MAC: router.MAC, Addr: at, Port: port})
}

// tell reports over HTTP.
func (l *life) tell() {
	c := l.dial(cloud[5].v4, 80)
	c.Client(fmt.Appendf(nil, "POST /state HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", cloud[5].name, l.header, len(l.plain), l.plain))
	c.Server([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"))
	c.Close()
}

// extras are what is done once.
func (l *life) extras() {
	if l.dot {
		l.visit("dns.google", netip.MustParseAddr("8.8.8.8"), 853)
	}
	if l.builtIn {
		l.visit(cloud[4].name, netip.MustParseAddr("203.0.113.66"), 443)
	}
	if l.spoofs {
		for i := range 5 {
			from := traffic.End{MAC: l.home.Device.MAC, Addr: netip.AddrFrom4([4]byte{203, 0, 113, byte(100 + i)}), Port: 5000}
			l.home.Cable.UDP(from, traffic.End{MAC: router.MAC, Addr: netip.MustParseAddr(cloud[4].v4), Port: 9999}, make([]byte, 64))
		}
	}
	if l.scans {
		for i := range 120 {
			l.dial(fmt.Sprintf("203.0.113.%d", i+1), 23).Close()
		}
	}
	if l.firmware {
		l.fetch()
	}
}

// fetch gets an image of squashfs without a signature over HTTP.
func (l *life) fetch() {
	image := make([]byte, 400<<10)
	for i := range image {
		image[i] = byte(l.rng.Uint32())
	}
	copy(image, "hsqs")
	c := l.dial(cloud[5].v4, 80)
	c.Client([]byte("GET /firmware/v2.1.bin HTTP/1.1\r\nHost: " + cloud[5].name + "\r\n\r\n"))
	c.Server(append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", len(image)), image...))
	c.Close()
}
