package name

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

// What the walk reads of a message is what miekg/dns reads of it as a whole.
func TestReadsAsMiekg(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		data, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var back dns.Msg
		if err := back.Unpack(data); err != nil {
			t.Fatal(err)
		}
		c := udp(40000, portDNS)
		if !newDNS().Packet(c, event.FromServer, data) {
			t.Fatal("was not read")
		}
		compare(t, &back, c.bodies[0].(event.DNSAnswered))
	})
}

func compare(t *rapid.T, want *dns.Msg, got event.DNSAnswered) {
	if got.ID != want.Id || int(got.RCode) != want.Rcode || got.TC != want.Truncated || got.AD != want.AuthenticatedData {
		t.Fatalf("header: got %+v, want %+v", got, want.MsgHdr)
	}
	q := want.Question[0]
	if got.Name != dns.CanonicalName(q.Name) || got.Type != q.Qtype || len(got.Records) != len(want.Answer) {
		t.Fatalf("got %+v, want %v", got, want)
	}
	for i, rr := range want.Answer {
		compareRecord(t, rr, got.Records[i])
	}
}

func compareRecord(t *rapid.T, want dns.RR, got event.Record) {
	h := want.Header()
	if got.Name != dns.CanonicalName(h.Name) || got.Type != h.Rrtype || got.TTL != h.Ttl {
		t.Fatalf("got %+v, want %v", got, want)
	}
	data := got.Target
	if got.Addr.IsValid() {
		data = got.Addr.String()
	}
	fields := strings.Fields(want.String())
	if text := fields[len(fields)-1]; h.Rrtype != dns.TypeTXT && data != strings.ToLower(text) {
		t.Fatalf("got %q, want %q", data, text)
	}
}

func drawMessage(t *rapid.T) *dns.Msg {
	name := rapid.StringMatching(`([a-zA-Z0-9_-]{1,12}\.){1,4}`)
	m := new(dns.Msg)
	m.SetQuestion(name.Draw(t, "name"), rapid.SampledFrom([]uint16{1, 28, 65, 16}).Draw(t, "type"))
	m.Response = true
	m.Compress = rapid.Bool().Draw(t, "compress")
	m.AuthenticatedData = rapid.Bool().Draw(t, "ad")
	if rapid.Bool().Draw(t, "edns") {
		m.SetEdns0(1232, true)
		m.Rcode = rapid.IntRange(0, 30).Draw(t, "rcode")
	}
	for range rapid.IntRange(0, 12).Draw(t, "records") {
		owner := name.Draw(t, "owner")
		data := rapid.SampledFrom([]string{
			"A 192.0.2.1", "AAAA 2001:db8::5", "CNAME Target.example.", "DNAME d.example.",
			"PTR p.example.", "MX 5 mail.example.", "SRV 1 2 3 srv.example.", "NS ns.example.", `TXT "a b"`,
		}).Draw(t, "data")
		rr, err := dns.NewRR(owner + " 77 IN " + data)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

func benchmarkAnswer(b *testing.B) []byte {
	m := new(dns.Msg)
	m.SetQuestion("device.iot.example.com.", dns.TypeA)
	m.Response = true
	m.SetEdns0(1232, false)
	for _, rr := range []string{
		"device.iot.example.com. 300 CNAME a1.cdn.example.net.", "a1.cdn.example.net. 60 CNAME b2.cdn.example.net.",
		"b2.cdn.example.net. 30 A 198.51.100.1", "b2.cdn.example.net. 30 A 198.51.100.2",
		"b2.cdn.example.net. 30 A 198.51.100.3", "b2.cdn.example.net. 30 A 198.51.100.4",
	} {
		m.Answer = append(m.Answer, record1(b, rr))
	}
	return packed(b, m)
}

func BenchmarkAnswer(b *testing.B) {
	data := benchmarkAnswer(b)
	b.ReportAllocs()
	c := udp(40000, portDNS)
	for b.Loop() {
		newDNS().Packet(c, event.FromServer, data)
		c.bodies, c.offs = c.bodies[:0], c.offs[:0]
	}
}

func BenchmarkAnswerByMiekg(b *testing.B) {
	data := benchmarkAnswer(b)
	b.ReportAllocs()
	for b.Loop() {
		var m dns.Msg
		if err := m.Unpack(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuestion(b *testing.B) {
	m := new(dns.Msg)
	m.SetQuestion("device.iot.example.com.", dns.TypeA)
	data := packed(b, m)
	b.ReportAllocs()
	c := udp(40000, portDNS)
	for b.Loop() {
		newDNS().Packet(c, event.FromClient, data)
		c.bodies, c.offs = c.bodies[:0], c.offs[:0]
	}
}

func BenchmarkQuestionByMiekg(b *testing.B) {
	m := new(dns.Msg)
	m.SetQuestion("device.iot.example.com.", dns.TypeA)
	data := packed(b, m)
	b.ReportAllocs()
	for b.Loop() {
		var m dns.Msg
		if err := m.Unpack(data); err != nil {
			b.Fatal(err)
		}
	}
}
