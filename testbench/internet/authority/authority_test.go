package authority_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"assay/testbench/internet/authority"
	"assay/testbench/internet/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anyPort is a host on the loopback that takes whatever port is free.
type anyPort struct {
	mu       sync.Mutex
	udp, tcp string
}

func (h *anyPort) Listen(ctx context.Context, network, _ string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, network, "127.0.0.1:0")
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tcp = l.Addr().String()
	}
	return l, err
}

func (h *anyPort) ListenPacket(ctx context.Context, network, _ string) (net.PacketConn, error) {
	c, err := (&net.ListenConfig{}).ListenPacket(ctx, network, "127.0.0.1:0")
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.udp = c.LocalAddr().String()
	}
	return c, err
}

func (*anyPort) Assign(netip.Prefix) error { return nil }

// large answers with about 3,000 octets.
func large(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	for range 15 {
		m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET},
			Txt: []string{strings.Repeat("x", 190)}})
	}
	if q.IsEdns0() != nil {
		m.SetEdns0(1232, false)
	}
	return m
}

// TestSizes: a datagram is never larger than what the client can take, nor than
// 1232 octets, and says where something is missing; a stream has it all.
func TestSizes(t *testing.T) {
	h := &anyPort{}
	g := serve.NewGroup(h)
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := authority.Plain(t.Context(), g, netip.MustParseAddr("127.0.0.1"), large); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, network string
		edns          uint16
		most          int
		cut           bool
	}{
		{"without EDNS", "udp", 0, 512, true},
		{"EDNS with less than the least", "udp", 100, 512, true},
		{"EDNS 1232", "udp", 1232, 1232, true},
		{"EDNS 4096", "udp", 4096, 1232, true},
		{"stream", "tcp", 0, dns.MaxMsgSize, false},
	} {
		m, size := exchange(t, h, c.network, c.edns)
		if size > c.most || m.Truncated != c.cut || (m.IsEdns0() != nil) != (c.edns > 0) || !c.cut && len(m.Answer) != 15 {
			t.Errorf("%s: %d octets, TC %v, %d records", c.name, size, m.Truncated, len(m.Answer))
		}
	}
}

func exchange(t *testing.T, h *anyPort, network string, edns uint16) (*dns.Msg, int) {
	t.Helper()
	at := h.udp
	if network == "tcp" {
		at = h.tcp
	}
	raw, err := (&net.Dialer{}).DialContext(t.Context(), network, at)
	if err != nil {
		t.Fatal(err)
	}
	c := &dns.Conn{Conn: raw, UDPSize: dns.MaxMsgSize}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	q := new(dns.Msg).SetQuestion("big.example.", dns.TypeTXT)
	if edns > 0 {
		q.SetEdns0(edns, false)
	}
	if err := c.WriteMsg(q); err != nil {
		t.Fatal(err)
	}
	buf, err := c.ReadMsgHeader(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(buf); err != nil {
		t.Fatal(err)
	}
	return m, len(buf)
}

// TestCloseWithAClient: a client that stays connected does not keep the server.
func TestCloseWithAClient(t *testing.T) {
	h := &anyPort{}
	g := serve.NewGroup(h)
	if err := authority.Plain(t.Context(), g, netip.MustParseAddr("127.0.0.1"), large); err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
