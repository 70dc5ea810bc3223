package v4

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"assay/internal/assess/evidence"
)

// homeNet is the network of most tests.
func homeNet() Network {
	at := netip.MustParseAddr
	return Network{
		Prefix: netip.MustParsePrefix("192.168.77.0/24"), Server: at("192.168.77.1"), Router: at("192.168.77.1"),
		First: at("192.168.77.100"), Last: at("192.168.77.199"),
		DNS: []netip.Addr{at("192.168.77.1")}, NTP: []netip.Addr{at("192.168.77.1")}, MTU: 1400,
	}
}

// notebook keeps notes.
type notebook struct {
	mu   sync.Mutex
	all  []evidence.Note
	news chan struct{}
}

func (n *notebook) add(note evidence.Note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, note)
	if n.news != nil {
		close(n.news)
		n.news = nil
	}
}

func (n *notebook) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines()
}

func (n *notebook) lines() string {
	var b strings.Builder
	for _, note := range n.all {
		line, _ := json.Marshal(note)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// await waits for a note that holds the word.
func (n *notebook) await(t *testing.T, word string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		n.mu.Lock()
		if strings.Contains(n.lines(), word) {
			n.mu.Unlock()
			return
		}
		if n.news == nil {
			n.news = make(chan struct{})
		}
		news := n.news
		n.mu.Unlock()
		select {
		case <-news:
		case <-deadline:
			t.Fatalf("no note says %q:\n%s", word, n.text())
		}
	}
}

// wire is a Link in memory: what is sent to it is kept.
type wire struct {
	sent [][]byte
	fail bool
}

func (w *wire) Receive([]byte) (int, error) { return 0, errors.New("not used") }
func (w *wire) Hear([]byte) (int, error)    { return 0, errors.New("not used") }
func (w *wire) Address() MAC                { return MAC{2, 0, 0, 0, 0, 1} }
func (w *wire) Close() error                { return nil }
func (w *wire) Send(f []byte) error {
	if w.fail {
		return errors.New("link is down")
	}
	w.sent = append(w.sent, append([]byte(nil), f...))
	return nil
}

// bench is a server on a wire in memory, with a clock that the test sets.
type bench struct {
	*Server
	*wire
	notes *notebook
	now   time.Time
}

func newBench(t testing.TB, change func(*Config)) *bench {
	t.Helper()
	b := &bench{wire: &wire{}, notes: &notebook{}, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	c := Config{
		Network: homeNet(), Probe: -1, Note: b.notes.add, Now: func() time.Time { return b.now },
		Open: func() (Link, error) { return b.wire, nil },
	}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = s
	s.attach(b.wire)
	return b
}

// say hands the server a message and returns its answer, nil when there is none.
func (b *bench) say(t testing.TB, mac MAC, kind dhcpv4.MessageType, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac[:]), dhcpv4.WithMessageType(kind)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	b.sent = nil
	b.handle(m.ToBytes())
	return b.answer(t)
}

// answer is the last frame that was sent, if it is DHCP.
func (b *bench) answer(t testing.TB) *dhcpv4.DHCPv4 {
	t.Helper()
	if len(b.sent) == 0 {
		return nil
	}
	f := b.sent[len(b.sent)-1]
	if len(f) == arpLen {
		return nil
	}
	m, err := dhcpv4.FromBytes(f[etherLen+28:])
	if err != nil {
		t.Fatalf("the answer cannot be read: %v", err)
	}
	return m
}

func at(a string) netip.Addr { return netip.MustParseAddr(a) }

func mac(n uint32) MAC { return MAC{2, 0x77, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }

func requested(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(at(a).AsSlice()))
}

func serverID(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(at(a).AsSlice()))
}

func from(a string) dhcpv4.Modifier { return dhcpv4.WithClientIP(at(a).AsSlice()) }
