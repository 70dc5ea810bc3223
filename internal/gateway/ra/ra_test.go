package ra

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"

	"assay/internal/assess/evidence"
)

// heard is an advertisement that the wire carried.
type heard struct {
	at time.Duration
	to netip.Addr
	*ndp.RouterAdvertisement
}

// wire is a Conn in memory.
type wire struct {
	begun   time.Time
	closing chan struct{}
	once    sync.Once
	asked   chan []byte

	mu   sync.Mutex
	sent []heard
}

func newWire() *wire {
	return &wire{begun: time.Now(), closing: make(chan struct{}), asked: make(chan []byte)}
}

func (w *wire) ReadRaw(b []byte) (int, *ipv6.ControlMessage, netip.Addr, error) {
	select {
	case <-w.closing:
		return 0, nil, netip.Addr{}, errors.New("closed")
	case p := <-w.asked:
		return copy(b, p), &ipv6.ControlMessage{HopLimit: 255}, device, nil
	}
}

func (w *wire) WriteTo(m ndp.Message, _ *ipv6.ControlMessage, dst netip.Addr) error {
	b, err := ndp.MarshalMessage(m)
	if err != nil {
		return err
	}
	read, err := ndp.ParseMessage(b)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, heard{time.Since(w.begun), dst, read.(*ndp.RouterAdvertisement)})
	return nil
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closing) })
	return nil
}

func (w *wire) take() []heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.sent
	w.sent = nil
	return out
}

var (
	device  = netip.MustParseAddr("fe80::1234")
	solicit = []byte{133, 0, 0, 0, 0, 0, 0, 0}
	home    = Prefix{Prefix: netip.MustParsePrefix("2001:db8:77::/64"), OnLink: true, Autonomous: true}
	moved   = Prefix{Prefix: netip.MustParsePrefix("2001:db8:78::/64"), OnLink: true, Autonomous: true}
)

func network(prefixes ...Prefix) Network {
	return Network{Prefixes: prefixes, RDNSS: []netip.Addr{netip.MustParseAddr("fd77::1")}, PREF64: netip.MustParsePrefix("64:ff9b::/96")}
}

// serve runs a server in the bubble of a synctest and hands it to the test.
func serve(t *testing.T, n Network, test func(*Server, *wire)) *wire {
	t.Helper()
	w := newWire()
	s, err := New(Config{Network: n, Open: func() (Conn, error) { return w, nil }, Random: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	synctest.Wait()
	test(s, w)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	return w
}

// lives is what an advertisement says of each prefix: valid/preferred.
func (h heard) lives() map[string]string {
	out := map[string]string{}
	for _, o := range h.Options {
		switch o := o.(type) {
		case *ndp.PrefixInformation:
			out[o.Prefix.String()] = o.ValidLifetime.String() + "/" + o.PreferredLifetime.String()
		case *ndp.RecursiveDNSServer:
			out["rdnss "+o.Servers[0].String()] = o.Lifetime.String()
		case *ndp.PREF64:
			out["pref64 "+o.Prefix.String()] = o.Lifetime.String()
		}
	}
	return out
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// TestTimes: three quick ones, then one within the interval of RFC 4861.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, network(home), func(_ *Server, w *wire) {
			<-time.After(2000 * time.Second)
			var at []time.Duration
			for _, h := range w.take() {
				at = append(at, h.at)
			}
			want := []time.Duration{0, 16 * time.Second, 32 * time.Second, 48 * time.Second, 448 * time.Second, 848 * time.Second, 1248 * time.Second, 1648 * time.Second}
			if len(at) != len(want) {
				t.Fatalf("advertised at %v, want %v", at, want)
			}
			for i := range want {
				if at[i] != want[i] {
					t.Errorf("advertised at %v, want %v", at, want)
					break
				}
			}
		})
		last := w.take()
		if len(last) != 2 || last[0].RouterLifetime != 0 {
			t.Fatalf("at the end it said %v", last)
		}
		same(t, "at the end", last[0].lives(), map[string]string{
			"2001:db8:77::": "1h30m0s/0s", "rdnss fd77::1": "0s", "pref64 64:ff9b::/96": "0s",
		})
	})
}

// TestSolicited: an answer to the asker within half a second, and no more than one
// to all nodes in three seconds however many ask.
func TestSolicited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve(t, network(home), func(s *Server, w *wire) {
			<-time.After(100 * time.Second)
			w.take()
			w.asked <- solicit
			<-time.After(maxDelay)
			if got := w.take(); len(got) != 1 || got[0].to != device || got[0].RouterLifetime != defaultRouter {
				t.Errorf("an asker got %v", got)
			}
			for range 100 {
				s.handle(solicit, 255, netip.IPv6Unspecified())
			}
			<-time.After(10 * time.Second)
			if got := w.take(); len(got) != 1 || got[0].to != netip.IPv6LinkLocalAllNodes() {
				t.Errorf("a hundred askers without address got %v", got)
			}
			for range 100 {
				s.handle(solicit, 255, device)
				<-time.After(time.Second)
			}
			if got := len(w.take()); got < 40 || got > 60 {
				t.Errorf("an asker at each of 100 seconds got %d answers, half as many are allowed", got)
			}
		})
	})
}

// TestManyAskers: answers wait in bounded memory.
func TestManyAskers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve(t, network(home), func(s *Server, w *wire) {
			<-time.After(100 * time.Second)
			w.take()
			for i := range 10000 {
				a := device.As16()
				a[14], a[15] = byte(i>>8), byte(i)
				s.handle(solicit, 255, netip.AddrFrom16(a))
			}
			<-time.After(time.Second)
			if got := len(w.take()); got != maxDirect {
				t.Errorf("ten thousand askers at once got %d answers", got)
			}
		})
	})
}

// TestChange: the old prefix is deprecated, the old resolver withdrawn, both at once.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve(t, network(home), func(s *Server, w *wire) {
			<-time.After(1000 * time.Second)
			w.take()
			n := network(moved)
			n.RDNSS, n.PREF64 = []netip.Addr{netip.MustParseAddr("fd78::1")}, netip.Prefix{}
			if err := s.Advertise(n); err != nil {
				t.Fatal(err)
			}
			<-time.After(60 * time.Second)
			got := w.take()
			if len(got) != 4 {
				t.Fatalf("after a change it said %d times", len(got))
			}
			same(t, "at once", got[0].lives(), map[string]string{
				"2001:db8:77::": "1h30m0s/0s", "2001:db8:78::": "1h30m0s/45m0s", "rdnss fd77::1": "0s", "rdnss fd78::1": "30m0s", "pref64 64:ff9b::/96": "0s",
			})
			same(t, "48 seconds later", got[3].lives(), map[string]string{
				"2001:db8:77::": "1h29m12s/0s", "2001:db8:78::": "1h30m0s/45m0s", "rdnss fd78::1": "30m0s",
			})
			<-time.After(100 * time.Minute)
			got = w.take()
			same(t, "when the old one is over", got[len(got)-1].lives(), map[string]string{"2001:db8:78::": "1h30m0s/45m0s", "rdnss fd78::1": "30m0s"})
			if err := s.Advertise(network(home)); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
			if got := w.take(); len(got) != 1 || got[0].lives()["2001:db8:77::"] != "1h30m0s/45m0s" {
				t.Errorf("a prefix that came back: %v", got)
			}
		})
	})
}

// TestSilence: the router takes itself back three times and is silent then, to
// those who ask too.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve(t, network(home), func(s *Server, w *wire) {
			<-time.After(100 * time.Second)
			w.take()
			if err := s.Advertise(Network{}); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
			w.asked <- solicit
			<-time.After(time.Minute)
			got := w.take()
			if len(got) != 3 {
				t.Fatalf("before silence it said %d times", len(got))
			}
			for i, h := range got {
				if h.RouterLifetime != 0 || h.ManagedConfiguration || h.lives()["rdnss fd77::1"] != "0s" || i > 0 && h.at-got[i-1].at < minDelay {
					t.Errorf("before silence it said %v at %v: %v", h.RouterAdvertisement, h.at, h.lives())
				}
			}
		})
	})
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Network{}, func(*Server, *wire) { <-time.After(time.Hour) })
		if got := w.take(); len(got) != 0 {
			t.Errorf("a silent server said %v", got)
		}
	})
}

func TestRefusedSolicitations(t *testing.T) {
	withSource := append(append([]byte(nil), solicit...), 1, 1, 2, 0, 0, 0, 0, 1)
	advert := append([]byte{134}, make([]byte, 15)...)
	for name, c := range map[string]struct {
		packet []byte
		hops   int
		from   string
		reason string
	}{
		"good":                {withSource, 255, "fe80::1", ""},
		"short":               {solicit[:7], 255, "fe80::1", "malformed"},
		"over a router":       {solicit, 254, "fe80::1", "not from this link"},
		"code":                {[]byte{133, 1, 0, 0, 0, 0, 0, 0}, 255, "fe80::1", "malformed"},
		"option of no length": {append(solicit[:8:8], 1, 0, 0, 0, 0, 0, 0, 0), 255, "fe80::1", "malformed"},
		"option cut":          {append(solicit[:8:8], 1, 2, 0, 0, 0, 0, 0, 0), 255, "fe80::1", "malformed"},
		"trailing byte":       {append(solicit[:8:8], 1), 255, "fe80::1", "malformed"},
		"source without one":  {withSource, 255, "::", "a link-layer address without an address"},
		"from a multicast":    {solicit, 255, "ff02::1", "from an address that cannot be answered"},
		"other router":        {advert, 255, "fe80::bad", "another router advertises itself"},
		"neighbour message":   {append([]byte{135}, make([]byte, 23)...), 255, "fe80::1", "malformed"},
	} {
		var notes []evidence.Note
		s, err := New(Config{Network: network(home), Open: func() (Conn, error) { return nil, nil }, Note: func(n evidence.Note) { notes = append(notes, n) }})
		if err != nil {
			t.Fatal(err)
		}
		s.handle(c.packet, c.hops, netip.MustParseAddr(c.from))
		if c.reason == "" {
			if len(notes) != 0 || len(s.plan.direct) != 1 {
				t.Errorf("%s: noted %v", name, notes)
			}
			continue
		}
		if s.Counts()["refused: "+c.reason] != 1 || len(notes) != 1 || !bytes.Contains(notes[0].Body, []byte(c.reason)) || len(s.plan.direct) != 0 {
			t.Errorf("%s: counted %v, noted %s", name, s.Counts(), notes)
		}
	}
}

// TestBytes compares a whole advertisement with the figures of RFC 4861 section 4.2
// and 4.6, RFC 8106 section 5.1 and RFC 8781 section 4.
func TestBytes(t *testing.T) {
	n := network(home)
	n.MTU, n.Managed, n.Other = 1500, true, true
	b, err := ndp.MarshalMessage(n.withDefaults().message([6]byte{2, 0, 0, 0, 0, 1}, 30*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := "86000000" + "40c00708" + "0000000000000000" +
		"0101020000000001" + "05010000000005dc" +
		"030440c0" + "00001518" + "00000a8c" + "00000000" + "20010db8007700000000000000000000" +
		"19030000" + "00000708" + "fd770000000000000000000000000001" +
		"2602" + "0708" + "0064ff9b0000000000000000"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWrongSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		word   string
	}{
		"no port":         {func(c *Config) { c.Open = nil }, "Config.Open"},
		"interval":        {func(c *Config) { c.MaxInterval = time.Second }, "6.2.1"},
		"IPv4 prefix":     {func(c *Config) { c.Network.Prefixes[0].Prefix = netip.MustParsePrefix("192.0.2.0/24") }, "IPv6 prefix"},
		"SLAAC in a /56":  {func(c *Config) { c.Network.Prefixes[0].Prefix = netip.MustParsePrefix("2001:db8::/56") }, "64 bits"},
		"preferred":       {func(c *Config) { c.Network.Prefixes[0].Preferred = 24 * time.Hour }, "longer"},
		"IPv4 resolver":   {func(c *Config) { c.Network.RDNSS = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }, "IPv6 addresses"},
		"small MTU":       {func(c *Config) { c.Network.MTU = 1000 }, "1280"},
		"NAT64 length":    {func(c *Config) { c.Network.PREF64 = netip.MustParsePrefix("64:ff9b::/95") }, "pref64"},
		"router lifetime": {func(c *Config) { c.Network.Router = 3 * time.Hour }, "at most"},
		"long domains":    {func(c *Config) { c.Network.DNSSL = []string{strings.Repeat("a.", 100) + "example"} }, "shorten"},
	} {
		cfg := Config{Network: network(home), Open: func() (Conn, error) { return nil, nil }}
		c.change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(solicit, 255, true)
	f.Add(append(append([]byte(nil), solicit...), 1, 1, 2, 0, 0, 0, 0, 1), 255, false)
	f.Add(append([]byte{134}, make([]byte, 40)...), 255, true)
	f.Fuzz(func(t *testing.T, b []byte, hops int, named bool) {
		s, err := New(Config{Network: network(home), Open: func() (Conn, error) { return nil, nil }})
		if err != nil {
			t.Fatal(err)
		}
		from := netip.IPv6Unspecified()
		if named {
			from = device
		}
		s.handle(b, hops, from)
		if len(s.plan.direct) > 0 && (len(b) < 8 || b[0] != 133 || b[1] != 0 || hops != 255) {
			t.Errorf("answers %x with hop limit %d", b, hops)
		}
	})
}
