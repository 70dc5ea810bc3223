package name

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	m.Compress = true
	out, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func record1(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// mdnsAnswer announces a service the way RFC 6763 section 13.2 shows it.
func mdnsAnswer(t testing.TB) []byte {
	m := new(dns.Msg)
	m.Response, m.Authoritative = true, true
	m.Answer = []dns.RR{record1(t, `_ipp._tcp.local. 120 PTR Ground\032Floor\.\195\169._ipp._tcp.local.`)}
	m.Extra = []dns.RR{
		record1(t, `Ground\032Floor\.\195\169._ipp._tcp.local. 120 SRV 0 0 631 Printer-9F.local.`),
		record1(t, `Ground\032Floor\.\195\169._ipp._tcp.local. 120 TXT "txtvers=1" "note=Room 4"`),
		record1(t, `Printer-9F.local. 120 A 192.0.2.9`),
	}
	return packed(t, m)
}

func TestMulticastAnswer(t *testing.T) {
	c := udp(portMDNS, portMDNS)
	if !newMDNS().Packet(c, event.FromClient, mdnsAnswer(t)) {
		t.Fatal("was not taken for mDNS")
	}
	want := []event.Body{event.Announced{
		Protocol: "mdns",
		Names:    []string{"_ipp._tcp.local", "Ground Floor.é._ipp._tcp.local", "Printer-9F.local"},
		Texts:    []string{"txtvers=1", "note=Room 4"},
	}}
	if diff := cmp.Diff(want, c.bodies); diff != "" {
		t.Error(diff)
	}
	if c.name != "mdns" {
		t.Errorf("is called %q", c.name)
	}
}

func TestMulticastQuestion(t *testing.T) {
	m := new(dns.Msg)
	m.Question = []dns.Question{
		{Name: "_Googlecast._tcp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET | 1<<15},
		{Name: "host.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET},
	}
	c := udp(portMDNS, portMDNS)
	newMDNS().Packet(c, event.FromClient, packed(t, m))
	want := []event.Body{
		event.DNSAsked{Kind: event.MDNS, Transport: event.UDP, Name: "_googlecast._tcp.local.", Type: dns.TypePTR, Class: 1},
		event.DNSAsked{Kind: event.MDNS, Transport: event.UDP, Name: "host.local.", Type: dns.TypeANY, Class: 1},
		event.Announced{Protocol: "mdns", Query: true, Names: []string{"_googlecast._tcp.local", "host.local"}},
	}
	if diff := cmp.Diff(want, c.bodies); diff != "" {
		t.Error(diff)
	}
}

// LLMNR answers go to the asker alone: they are about who asked (RFC 4795).
func TestLLMNR(t *testing.T) {
	c, r := udp(50000, portLLMNR), newLLMNR()
	m := new(dns.Msg)
	m.SetQuestion("wpad.", dns.TypeA)
	m.RecursionDesired = false
	r.Packet(c, event.FromClient, packed(t, m))
	c.at(2, 3)
	a := new(dns.Msg)
	a.SetReply(m)
	a.Answer = []dns.RR{record1(t, "wpad. 30 A 192.0.2.66")}
	r.Packet(c, event.FromServer, packed(t, a))
	if len(c.bodies) != 3 || c.name != "llmnr" {
		t.Fatalf("%q reported %v", c.name, c.bodies)
	}
	got := c.bodies[2].(event.DNSAnswered)
	if got.Kind != event.LLMNR || got.Question != 1 || got.Records[0].Addr.String() != "192.0.2.66" {
		t.Errorf("got %+v", got)
	}
}

func TestAnnouncementIsBounded(t *testing.T) {
	m := new(dns.Msg)
	m.Response = true
	for i := range 600 {
		m.Answer = append(m.Answer, record1(t, "h"+string(rune('a'+i%26))+string(rune('a'+i/26))+".local. 9 TXT x"))
	}
	c := udp(portMDNS, portMDNS)
	newMDNS().Packet(c, event.FromClient, packed(t, m))
	got := c.bodies[0].(event.Announced)
	if len(got.Names) != announcedLimit || len(got.Texts) != announcedLimit {
		t.Errorf("%d names and %d texts", len(got.Names), len(got.Texts))
	}
}

func TestRecognition(t *testing.T) {
	query, answer := bytesOf(t, queryA), bytesOf(t, answerA)
	garbage := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	nbns := bytesOf(t, "1234 0110 0001 0000 0000 0000 20 434b4141414141414141414141414141414141414141414141414141414141414141 00 0021 0001")
	cases := []struct {
		name           string
		client, server uint16
		from           event.Side
		data           []byte
		want           string
	}{
		{"question", 40000, 53, event.FromClient, query, "dns"},
		{"answer seen first", 40000, 53, event.FromServer, answer, "dns"},
		{"question on another port", 40000, 5300, event.FromClient, query, "dns"},
		{"answer on another port", 40000, 5300, event.FromServer, answer, ""},
		{"question with a tail on another port", 40000, 5300, event.FromClient, append(query[:len(query):len(query)], 0), ""},
		{"text on port 53", 40000, 53, event.FromClient, garbage, ""},
		{"zeros on port 53", 40000, 53, event.FromClient, make([]byte, 64), ""},
		{"NetBIOS names", 137, 137, event.FromClient, nbns, ""},
		{"mDNS", 5353, 5353, event.FromClient, mdnsAnswer(t), "mdns"},
		{"LLMNR", 50000, 5355, event.FromClient, query, "llmnr"},
		{"time request", 123, 123, event.FromClient, append([]byte{0x23}, make([]byte, 47)...), "ntp"},
		{"bare time request on another port", 40000, 4123, event.FromClient, append([]byte{0x1b}, make([]byte, 47)...), "ntp"},
		{"zeros on another port", 40000, 4123, event.FromClient, make([]byte, 48), ""},
		{"text on port 123", 40000, 123, event.FromClient, garbage, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			for _, k := range Datagrams() {
				if udp(tc.client, tc.server).recognise(k, tc.from, tc.data) == wire.Yes {
					got += k.Name
				}
			}
			if got != tc.want {
				t.Errorf("recognised %q, want %q", got, tc.want)
			}
		})
	}
}

func TestStreamRecognition(t *testing.T) {
	query := frame(bytesOf(t, queryA))
	cases := []struct {
		name  string
		port  uint16
		first []byte
		want  wire.Match
	}{
		{"whole question", 53, query, wire.Yes},
		{"beginning of a question", 53, query[:9], wire.Maybe},
		{"whole question elsewhere", 9053, query, wire.Yes},
		{"beginning of a question elsewhere", 9053, query[:9], wire.Maybe},
		{"TLS record", 53, []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0, 0, 0}, wire.Maybe},
		{"text", 53, []byte("GET / HTTP/1.1\r\n"), wire.No},
		{"text elsewhere", 9053, []byte("GET / HTTP/1.1\r\n"), wire.No},
		{"length too small", 53, []byte{0, 3}, wire.No},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := recogniseStream(tcp(40000, tc.port).conn, event.FromClient, tc.first); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}
