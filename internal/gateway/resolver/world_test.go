package resolver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"assay/internal/assess/evidence"
	"assay/testbench/internet/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an upstream resolver behind pipes and what it was asked, and the
// notes of the resolver under test.
type world struct {
	t      testing.TB
	answer func(q *dns.Msg) *dns.Msg // nil message: silence
	mu     sync.Mutex
	asked  []dns.Question
	notes  []evidence.Note
}

var errUnreachable = errors.New("network is unreachable")

func (w *world) dial(_ context.Context, network, _ string) (net.Conn, error) {
	w.mu.Lock()
	gone := w.answer == nil
	w.mu.Unlock()
	if gone {
		return nil, &net.OpError{Op: "dial", Err: errUnreachable}
	}
	ours, theirs := net.Pipe()
	if network == "udp" {
		go w.datagrams(theirs)
	} else {
		go w.stream(theirs)
	}
	return ours, nil
}

func (w *world) datagrams(c net.Conn) {
	defer c.Close()
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if reply := w.reply(b[:n], 1232); reply != nil {
			if _, err := c.Write(reply); err != nil {
				return
			}
		}
	}
}

func (w *world) stream(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if reply := w.reply(b, 65535); reply != nil {
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
		}
	}
}

func (w *world) reply(b []byte, size int) []byte {
	q := new(dns.Msg)
	if err := q.Unpack(b); err != nil {
		w.t.Errorf("the resolver sends what cannot be read: %v", err)
		return nil
	}
	w.mu.Lock()
	w.asked = append(w.asked, q.Question[0])
	answer := w.answer
	w.mu.Unlock()
	m := answer(q)
	if m == nil {
		return nil
	}
	m.Truncate(size)
	out, err := m.Pack()
	if err != nil {
		w.t.Errorf("the upstream of the test cannot pack: %v", err)
	}
	return out
}

func (w *world) note(n evidence.Note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, n)
}

// questions is how often the upstream was asked for a name and type.
func (w *world) questions(name string, qtype uint16) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, q := range w.asked {
		if q.Name == name && q.Qtype == qtype {
			n++
		}
	}
	return n
}

// noted gives the bodies of all notes of a kind, as JSON objects.
func (w *world) noted(kind string) []map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []map[string]any
	for _, n := range w.notes {
		body := map[string]any{}
		if n.Kind == kind && json.Unmarshal(n.Body, &body) == nil {
			out = append(out, body)
		}
	}
	return out
}

var upstreamAddr = netip.MustParseAddrPort("192.0.2.53:53")

// newWorld is a resolver whose upstream is the given function.
func newWorld(t testing.TB, answer func(*dns.Msg) *dns.Msg, cfg Config) (*world, *Resolver) {
	t.Helper()
	w := &world{t: t, answer: answer}
	if cfg.Dial == nil {
		cfg.Dial = w.dial
	}
	cfg.Note = w.note
	if cfg.Upstreams == nil {
		cfg.Upstreams = []Server{{Addr: upstreamAddr}}
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return w, r
}

// onInternet is a resolver whose upstream knows the small internet.
func onInternet(t testing.TB, cfg Config) (*world, *Resolver) {
	t.Helper()
	u, err := zone.NewUniverse(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Anchors = []dns.RR{u.RootDS()}
	return newWorld(t, u.Answer, cfg)
}

// unsigned is a resolver that takes nothing for signed, for tests of all else.
func unsigned(t testing.TB, answer func(*dns.Msg) *dns.Msg, cfg Config) (*world, *Resolver) {
	t.Helper()
	cfg.NegativeAnchors = []string{"test."}
	return newWorld(t, answer, cfg)
}

// question is a question as a client sends it.
type question struct {
	name       string
	qtype      uint16
	do, ad, cd bool
	size       uint16 // 0: no EDNS unless do
}

func (q question) msg() *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.qtype)
	m.AuthenticatedData, m.CheckingDisabled = q.ad, q.cd
	if q.do || q.size > 0 {
		m.SetEdns0(max(q.size, 1232), q.do)
	}
	return m
}

// over asks a question as if it came in a UDP packet.
func over(t testing.TB, r *Resolver, m *dns.Msg) *dns.Msg {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	reply := r.handle(ctx, b, netip.MustParseAddrPort("192.168.7.2:4000"), false)
	if reply == nil {
		return nil
	}
	out := new(dns.Msg)
	if err := out.Unpack(reply); err != nil {
		t.Fatalf("the answer to %v cannot be read: %v\n%x", m.Question, err, reply)
	}
	return out
}

func ede(m *dns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				return int(e.InfoCode)
			}
		}
	}
	return -1
}

func rrs(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var out []dns.RR
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

// fixed answers every question with the same records in the answer section.
func fixed(t testing.TB, lines ...string) func(*dns.Msg) *dns.Msg {
	answer := rrs(t, lines...)
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg)
		m.SetReply(q)
		m.RecursionAvailable = true
		for _, rr := range answer {
			m.Answer = append(m.Answer, dns.Copy(rr))
		}
		return m
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
