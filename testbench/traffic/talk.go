package traffic

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/miekg/dns"
)

var (
	broadcastMAC  = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	broadcastAddr = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	allNodes      = netip.MustParseAddr("ff02::1")
	allRouters    = netip.MustParseAddr("ff02::2")
	mdnsGroup     = netip.MustParseAddr("224.0.0.251")
)

// groupMAC is the Ethernet address of an IP multicast group (RFC 1112 section
// 6.4, RFC 2464 section 7).
func groupMAC(a netip.Addr) [6]byte {
	b := a.AsSlice()
	if a.Is4() {
		return [6]byte{1, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	return [6]byte{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// Home is one device and the network it is plugged into.
type Home struct {
	Cable    *Cable
	Device   Station
	Gateway  Station
	HostName string
	// NoResolver says that DHCPv4 names no resolver here.
	NoResolver bool
	rng        *rand.Rand
}

// NewHome plugs a device into a network of its own; seed makes its random
// numbers.
func NewHome(c *Cable, device, gateway Station, hostName string, seed uint64) *Home {
	return &Home{Cable: c, Device: device, Gateway: gateway, HostName: hostName, rng: rand.New(rand.NewPCG(seed, 1))}
}

// port is a random ephemeral port.
func (h *Home) port() uint16 { return uint16(32768 + h.rng.IntN(28000)) }

func (h *Home) dut(port uint16) End     { return End{h.Device.MAC, h.Device.V4, port} }
func (h *Home) router(port uint16) End  { return End{h.Gateway.MAC, h.Gateway.V4, port} }
func (h *Home) dut6(port uint16) End    { return End{h.Device.MAC, h.Device.V6, port} }
func (h *Home) router6(port uint16) End { return End{h.Gateway.MAC, h.Gateway.V6, port} }

// far is an internet address behind the gateway.
func (h *Home) far(a netip.Addr, port uint16) End { return End{h.Gateway.MAC, a, port} }

// Join gets a lease by DHCPv4, with the gateway as router, resolver and time server.
func (h *Home) Join() error {
	mac := net.HardwareAddr(h.Device.MAC[:])
	xid := dhcpv4.TransactionID{byte(h.rng.Uint32()), byte(h.rng.Uint32()), 1, 2}
	name := dhcpv4.WithOption(dhcpv4.OptHostName(h.HostName))
	discover, err := dhcpv4.NewDiscovery(mac, dhcpv4.WithTransactionID(xid), name)
	if err != nil {
		return fmt.Errorf("cannot make a DHCP DISCOVER: %w", err)
	}
	offer, err := h.reply(discover, dhcpv4.MessageTypeOffer)
	if err != nil {
		return err
	}
	request, err := dhcpv4.NewRequestFromOffer(offer, name)
	if err != nil {
		return fmt.Errorf("cannot make a DHCP REQUEST: %w", err)
	}
	ack, err := h.reply(request, dhcpv4.MessageTypeAck)
	if err != nil {
		return err
	}
	client := End{h.Device.MAC, netip.IPv4Unspecified(), 68}
	all := End{broadcastMAC, broadcastAddr, 67}
	for _, m := range []struct {
		from, to End
		msg      *dhcpv4.DHCPv4
	}{
		{client, all, discover}, {h.router(67), h.dut(68), offer},
		{client, all, request}, {h.router(67), h.dut(68), ack},
	} {
		h.Cable.UDP(m.from, m.to, m.msg.ToBytes())
	}
	return nil
}

func (h *Home) reply(to *dhcpv4.DHCPv4, kind dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	gw := net.IP(h.Gateway.V4.AsSlice())
	m, err := dhcpv4.NewReplyFromRequest(to,
		dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(h.Device.V4.AsSlice()), dhcpv4.WithServerIP(gw),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(gw)), dhcpv4.WithRouter(gw),
		dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithLeaseTime(3600),
		dhcpv4.WithOption(dhcpv4.OptNTPServers(gw)))
	if err != nil {
		return nil, fmt.Errorf("cannot make a DHCP %s: %w", kind, err)
	}
	if !h.NoResolver {
		m.UpdateOption(dhcpv4.OptDNS(gw))
	}
	return m, nil
}

// ARP asks for the gateway and is answered.
func (h *Home) ARP() {
	ask := arp(1, h.Device, Station{V4: h.Gateway.V4})
	h.Cable.Ethernet(h.Device.MAC, broadcastMAC, 0x0806, ask)
	h.Cable.Ethernet(h.Gateway.MAC, h.Device.MAC, 0x0806, arp(2, h.Gateway, h.Device))
}

func arp(op byte, from, to Station) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, op}
	b = append(b, from.MAC[:]...)
	b = append(b, from.V4.AsSlice()...)
	b = append(b, to.MAC[:]...)
	return append(b, to.V4.AsSlice()...)
}

// JoinIPv6 solicits a router, is advertised a prefix and a resolver, and checks
// its new addresses for duplicates.
func (h *Home) JoinIPv6() {
	h.detect(h.Device.LLA)
	h.Cable.ICMPv6(End{h.Device.MAC, h.Device.LLA, 0}, End{groupMAC(allRouters), allRouters, 0}, 133, 0, make([]byte, 4))
	h.Advertise()
	h.detect(h.Device.V6)
}

// Advertise lets the router advertise a prefix and a resolver to all.
func (h *Home) Advertise() {
	h.Cable.ICMPv6(End{h.Gateway.MAC, h.Gateway.LLA, 0}, End{groupMAC(allNodes), allNodes, 0}, 134, 0, h.advertisement())
}

func (h *Home) detect(a netip.Addr) {
	b := a.As16()
	group := netip.AddrFrom16([16]byte{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15]})
	h.Cable.ICMPv6(End{h.Device.MAC, netip.IPv6Unspecified(), 0}, End{groupMAC(group), group, 0}, 135, 0,
		append(make([]byte, 4), b[:]...))
}

// advertisement is the body of a Router Advertisement with a prefix and RDNSS.
func (h *Home) advertisement() []byte {
	b := []byte{64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}
	b = append(b, 3, 4, 64, 0xc0)
	b = binary.BigEndian.AppendUint32(b, 7200)
	b = binary.BigEndian.AppendUint32(b, 3600)
	b = append(b, 0, 0, 0, 0)
	prefix := netip.PrefixFrom(h.Gateway.V6, 64).Masked().Addr().As16()
	b = append(b, prefix[:]...)
	b = append(b, 25, 3, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 7200)
	rdnss := h.Gateway.V6.As16()
	return append(b, rdnss[:]...)
}

// Question is how a device asks for a name.
type Question struct {
	Name  string
	Type  uint16
	DO    bool
	ID    uint16 // 0 for a random one
	Port  uint16 // 0 for a random one
	Addrs []netip.Addr
	Via6  bool // ask over IPv6
}

// Ask asks the gateway's resolver and is answered with q.Addrs.
func (h *Home) Ask(q Question) error {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(q.Name), q.Type)
	m.Id = q.ID
	if q.ID == 0 {
		m.Id = uint16(h.rng.Uint32())
	}
	if q.DO {
		m.SetEdns0(1232, true)
	}
	if q.Port == 0 {
		q.Port = h.port()
	}
	answer := new(dns.Msg)
	answer.SetReply(m)
	answer.RecursionAvailable = true
	if q.DO {
		answer.SetEdns0(1232, true)
	}
	for _, a := range q.Addrs {
		answer.Answer = append(answer.Answer, address(m.Question[0].Name, a))
	}
	from, to := h.dut(q.Port), h.router(53)
	if q.Via6 {
		from, to = h.dut6(q.Port), h.router6(53)
	}
	return h.exchange(from, to, m, answer)
}

func (h *Home) exchange(from, to End, ask, answer *dns.Msg) error {
	question, err := ask.Pack()
	if err != nil {
		return fmt.Errorf("cannot pack a DNS question: %w", err)
	}
	reply, err := answer.Pack()
	if err != nil {
		return fmt.Errorf("cannot pack a DNS answer: %w", err)
	}
	h.Cable.UDP(from, to, question)
	h.Cable.Wait(8 * time.Millisecond)
	h.Cable.UDP(to, from, reply)
	return nil
}

func address(name string, a netip.Addr) dns.RR {
	if a.Is4() {
		return &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: a.AsSlice()}
	}
	return &dns.AAAA{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: 300}, AAAA: a.AsSlice()}
}

// Time asks a server for the time (RFC 5905) and is answered.
func (h *Home) Time(server netip.Addr) {
	ask := make([]byte, 48)
	ask[0], ask[2] = 0x23, 6
	answer := make([]byte, 48)
	answer[0], answer[1], answer[2] = 0x24, 2, 6
	seconds := uint32(h.Cable.now.Unix() + 2208988800)
	for _, at := range []int{16, 24, 32, 40} {
		binary.BigEndian.PutUint32(answer[at:], seconds)
	}
	from, to := h.dut(h.port()), h.far(server, 123)
	h.Cable.UDP(from, to, ask)
	h.Cable.Wait(12 * time.Millisecond)
	h.Cable.UDP(to, from, answer)
}

// Announce says a service name to the local network by mDNS.
func (h *Home) Announce(service, instance string) error {
	m := new(dns.Msg)
	m.Response, m.Authoritative = true, true
	m.Answer = []dns.RR{&dns.PTR{
		Hdr: dns.RR_Header{Name: dns.Fqdn(service), Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 120},
		Ptr: dns.Fqdn(instance + "." + service),
	}}
	b, err := m.Pack()
	if err != nil {
		return fmt.Errorf("cannot pack an mDNS announcement: %w", err)
	}
	h.Cable.UDP(h.dut(5353), End{groupMAC(mdnsGroup), mdnsGroup, 5353}, b)
	return nil
}
