package fact

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/assess/event"
)

func TestOrdinaryDevice(t *testing.T) {
	wantFacts(t, ordinary().sheet(), map[string]any{
		"dns.queries": 6, "dns.queries_edns": 0, "dns.queries_do": 0, "dns.do_share": 0.0,
		"dns.names": 6, "dns.names_resolved": 6, "dns.names_aaaa": 0, "dns.aaaa_share": 0.0, "dns.chain_share": 0.0,
		"dns.boots": 1, "dns.start_seen": true, "dns.coverage": 1.0, "dns.connections": 6, "dns.connections_early": 0,
		"resolver.offered": 1, "resolver.offered_healthy": true, "resolver.foreign": 0,
		"resolver.names_offered": 6, "resolver.names_bypass": 0, "resolver.names_fallback": 0,
		"literal.named": 6, "literal.services": 0, "literal.unsure": 0, "dns.encrypted": 0,
		"dns.id_queries": 6, "dns.id_sequences": 1, "dns.id_distinct": 6, "dns.id_run": 0, "dns.ports": 6,
	})
}

// nameTwins differ from an ordinary device in one trait; want is what must differ
// with it.
var nameTwins = []struct {
	name string
	bend func(*nameScene)
	want map[string]any
}{
	{"asks with DO", func(s *nameScene) {
		s.random()
		s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 28, EDNS: true, DO: true, CD: true, AD: true})
	}, map[string]any{"dns.queries": 7, "dns.queries_edns": 1, "dns.queries_do": 1, "dns.queries_cd": 1,
		"dns.queries_ad": 1, "dns.names_do": 1, "dns.names_aaaa": 1, "dns.do_share": 1.0 / 7}},
	{"the same question again", func(s *nameScene) {
		s.random()
		for range 3 {
			s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
			s.wait(2 * time.Second)
		}
	}, map[string]any{"dns.queries": 7, "resolver.queries_offered": 9, "resolver.offered_healthy": false}},
	{"the same question to another resolver from another port", func(s *nameScene) {
		s.random()
		for _, r := range []string{homeResolver, farResolver} {
			s.port ^= 0x101
			s.ask(r, event.DNSAsked{Name: "g.example.", Type: 1})
			s.wait(5 * time.Second)
		}
	}, map[string]any{"dns.queries": 7, "resolver.foreign": 1}},
	{"the same ID from another port", func(s *nameScene) {
		s.random()
		for range 2 {
			s.port ^= 0x101
			s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
			s.wait(5 * time.Second)
		}
	}, map[string]any{"dns.queries": 8, "dns.id_distinct": 7}},
	{"another resolver answers a question that is not in the log", func(s *nameScene) {
		s.random()
		s.answer(farResolver, "g.example.", 0, 300, "198.51.100.9")
	}, map[string]any{"resolver.foreign": 0, "resolver.unasked": 1, "dns.queries": 6, "dns.answers_unasked": 1}},
	{"the offered resolver answers a question that is not in the log", func(s *nameScene) {
		s.random()
		s.answer(homeResolver, "g.example.", 0, 300, "198.51.100.9")
	}, map[string]any{"resolver.unasked": 0, "dns.queries": 6}},
	{"asks itself on the wire", func(s *nameScene) {
		s.ask("::1", event.DNSAsked{Name: "g.example.", Type: 1})
	}, map[string]any{"resolver.foreign": 0}},
	{"the same question again with DO", func(s *nameScene) {
		s.random()
		s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
		s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1, EDNS: true, DO: true})
	}, map[string]any{"dns.queries": 8, "dns.queries_do": 1}},
	{"the same question after its answer", func(s *nameScene) {
		s.random()
		for range 3 {
			q := s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
			s.answer(homeResolver, "g.example.", q, 300, "198.51.100.9")
			s.wait(2 * time.Second)
		}
	}, map[string]any{"dns.queries": 9, "dns.asks_per_ttl": 3, "dns.id_distinct": 7}},
	{"mDNS is not DNS", func(s *nameScene) {
		s.add("224.0.0.251", 5353, event.DNSAsked{Kind: event.MDNS, Transport: event.UDP, Name: "x.local.", Type: 28})
	}, map[string]any{"dns.queries": 6, "dns.names": 6, "dns.names_aaaa": 0}},
	{"fetches keys", func(s *nameScene) {
		for _, q := range []event.DNSAsked{{Name: "example.", Type: 48, DO: true, EDNS: true}, {Name: "example.", Type: 43}} {
			s.random()
			s.ask(homeResolver, q)
		}
	}, map[string]any{"dns.queries_dnskey": 1, "dns.queries_ds": 1, "dns.chain_share": 1.0, "dns.names": 6}},
	{"tells its root key", func(s *nameScene) {
		s.ask(homeResolver, event.DNSAsked{Name: "_ta-4f66-9728.", Type: 10})
		s.random()
		s.ask(homeResolver, event.DNSAsked{Name: ".", Type: 48, EDNS: true, Options: []uint16{14}, KeyTags: []uint16{7}})
	}, map[string]any{"dns.trust_signals": 2, "dns.names": 6}},
	{"reverse look-up", func(s *nameScene) {
		s.random()
		s.ask(homeResolver, event.DNSAsked{Name: "9.100.51.198.in-addr.arpa.", Type: 12})
	}, map[string]any{"dns.names": 7, "dns.names_reverse": 1, "dns.names_address": 6}},
	{"malformed question", func(s *nameScene) {
		s.add(homeResolver, 53, event.Malformed{Layer: "dns", Why: "x"})
		s.add(homeResolver, 53, event.Malformed{Layer: "tls", Why: "x"})
	}, map[string]any{"dns.malformed": 1}},
	{"joins again after a while", func(s *nameScene) {
		s.wait(5 * time.Minute)
		s.boot()
		s.add("", 0, event.NeighbourSolicited{From: netip.IPv6Unspecified(), Target: netip.MustParseAddr("fe80::1")})
	}, map[string]any{"dns.boots": 2}},
	{"renews its lease", func(s *nameScene) {
		s.add("", 0, event.DHCP4{Type: 3, ClientAt: netip.MustParseAddr("192.168.1.50")})
	}, map[string]any{"dns.boots": 1}},
	{"starts with a remembered address", func(s *nameScene) {
		s.add("", 0, event.DHCP4{Type: 3, ClientAt: netip.IPv4Unspecified(), Requested: netip.MustParseAddr("192.168.1.50")})
	}, map[string]any{"dns.boots": 2}},
	{"asks DISCOVER twice in a row", func(s *nameScene) {
		s.boot()
		s.boot()
	}, map[string]any{"dns.boots": 2}},
}

func TestNameTwins(t *testing.T) {
	for _, tc := range nameTwins {
		t.Run(tc.name, func(t *testing.T) {
			s := ordinary()
			tc.bend(s)
			wantFacts(t, s.sheet(), tc.want)
		})
	}
}

func TestKeyTags(t *testing.T) {
	s := ordinary()
	s.ask(homeResolver, event.DNSAsked{Name: "_ta-4f66-9728-zzzz.", Type: 10})
	if diff := cmp.Diff([]string{"20326", "38696"}, listOf(t, s.sheet(), "dns.key_tags")); diff != "" {
		t.Error(diff)
	}
}

// Without a device on the wire nothing is known, not zero.
func TestUnseenHost(t *testing.T) {
	if all := NewObserver().Sheet(dnsDevice, Closing{}).All(); len(all) != 0 {
		t.Errorf("%d facts about nobody", len(all))
	}
}

func TestNamesAreBounded(t *testing.T) {
	s := newNameScene()
	s.boot()
	for i := range nameLimit + 10 {
		s.resolve(homeResolver, fmt.Sprintf("n%d.example.", i), netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}).String())
	}
	wantFacts(t, s.sheet(), map[string]any{
		"dns.names": nil, "dns.names_resolved": nil, "dns.aaaa_share": nil, "dns.queries": nameLimit + 10,
		"resolver.names_offered": nil, "dns.id_queries": guessLimit,
	})
}

func TestCacheFacts(t *testing.T) {
	ask := func(s *nameScene, ttl uint32, wait time.Duration) {
		s.random()
		q := s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
		s.answer(homeResolver, "g.example.", q, ttl, "198.51.100.9")
		s.wait(wait)
	}
	cases := []struct {
		name string
		ttl  uint32
		wait time.Duration
		want map[string]any
	}{
		{"after its end", 60, 61 * time.Second, map[string]any{"dns.asks_per_ttl": 1, "dns.cache_windows": 9}},
		{"just before its end", 60, 58 * time.Second, map[string]any{"dns.asks_per_ttl": 1}},
		{"three times as often", 60, 20 * time.Second, map[string]any{"dns.asks_per_ttl": 3}},
		{"all the time", 600, 500 * time.Millisecond, map[string]any{"dns.asks_per_ttl": 10, "dns.asks_per_minute": 10}},
		{"too short to tell", 5, time.Second, map[string]any{"dns.asks_per_ttl": nil, "dns.cache_windows": 0}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := newNameScene()
			for range 10 {
				ask(s, tc.ttl, tc.wait)
			}
			s.wait(-tc.wait)
			wantFacts(t, s.sheet(), tc.want)
		})
	}
}

// forgeable is a device that asks 30 names over several boots with IDs and ports
// of its own making.
func forgeable(boots int, id func(boot, i int) uint16, port func(boot, i int) uint16) *Sheet {
	s := newNameScene()
	for boot := range boots {
		s.boot()
		for i := range 30 {
			s.id, s.port = id(boot, i), port(boot, i)
			q := s.ask(homeResolver, event.DNSAsked{Name: fmt.Sprintf("n%d.example.", i), Type: 1})
			s.answer(homeResolver, fmt.Sprintf("n%d.example.", i), q, 60, "198.51.100.9")
		}
		s.wait(10 * time.Minute)
	}
	return s.sheet()
}

func TestForgeFacts(t *testing.T) {
	spread := func(boot, i int) uint16 { return uint16((boot*97+i)*40503 + 11) }
	same := func(_, i int) uint16 { return uint16(i*40503 + 11) }
	count := func(boot, i int) uint16 { return uint16(65520 + i + 2*boot) }
	fixed := func(int, int) uint16 { return 2 }
	cases := []struct {
		name     string
		id, port func(boot, i int) uint16
		want     map[string]any
	}{
		{"spread", spread, spread, map[string]any{"dns.id_queries": 60, "dns.id_sequences": 2, "dns.id_distinct_share": 1.0,
			"dns.id_run": 0, "dns.id_repeats": false, "dns.port_distinct_share": 1.0, "dns.port_lookups": 60}},
		{"always 2", fixed, spread, map[string]any{"dns.id_distinct": 1, "dns.id_max": 2, "dns.id_repeats": true}},
		{"counted up, over the end of the numbers", count, spread, map[string]any{"dns.id_run": 29, "dns.id_step_share": 1.0}},
		{"the same after every start", same, spread, map[string]any{"dns.id_repeats": true, "dns.id_run": 0}},
		{"one socket", spread, fixed, map[string]any{"dns.ports": 1, "dns.port_lookups": 60}},
		{"ports counted up", spread, count, map[string]any{"dns.port_run": 29}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) { wantFacts(t, forgeable(2, tc.id, tc.port), tc.want) })
	}
}

// A and AAAA of one name share a socket: that is one look-up, not a fixed port.
func TestLookupSharesSocket(t *testing.T) {
	s := newNameScene()
	for i := range 10 {
		s.random()
		name := fmt.Sprintf("n%d.example.", i)
		s.ask(homeResolver, event.DNSAsked{Name: name, Type: 1})
		s.id ^= 0x3333
		s.ask(homeResolver, event.DNSAsked{Name: name, Type: 28})
	}
	wantFacts(t, s.sheet(), map[string]any{"dns.id_queries": 20, "dns.port_lookups": 10, "dns.port_distinct_share": 1.0})
}

// Evidence that is missing never makes a device look better: leaving events out
// does not turn questions without signatures into questions with them, does not
// raise the share of spread IDs above what was seen, and never explains a
// connection.
func TestLosingEventsNeverExplains(t *testing.T) {
	s := ordinary()
	s.connect("203.0.113.99", 8443, event.TCP)
	s.resolve(farResolver, "z.example.", "203.0.113.5")
	rapid.Check(t, func(t *rapid.T) {
		var kept []event.Event
		for _, ev := range s.evs {
			if _, opens := ev.Body.(event.FlowStarted); opens || rapid.Bool().Draw(t, "keep") {
				kept = append(kept, ev)
			}
		}
		checkLost(t, sheetOf(kept, Closing{}))
	})
}

func checkLost(t *rapid.T, got *Sheet) {
	if n := countOf(got, "dns.connections_explained"); n > 6 {
		t.Fatalf("%d connections explained", n)
	}
	if n := countOf(got, "dns.queries_do"); n != 0 {
		t.Fatal("a question with DO out of nothing")
	}
	if countOf(got, "literal.services") > 0 && countOf(got, "dns.boots") == 0 {
		t.Fatal("a built-in address without a start in the log")
	}
	f, known := got.Get("dns.coverage")
	if known && f.Value.(float64) >= 1 && countOf(got, "dns.connections_early") == 0 {
		t.Fatal("full coverage although a connection is unexplained")
	}
}

// countOf is a count, 0 when it is unknown.
func countOf(s *Sheet, key string) int64 {
	f, _ := s.Get(key)
	n, _ := f.Value.(int64)
	return n
}

// The same events give the same facts, evidence included.
func TestNameFactsAreDeterministic(t *testing.T) {
	s := ordinary()
	for i := range 20 {
		s.resolve([]string{farResolver, "9.9.9.9", homeResolver}[i%3], fmt.Sprintf("n%d.example.", i%7), "203.0.113.5")
		s.connect(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String(), 443, event.TCP)
	}
	first := s.sheet().All()
	for range 5 {
		if diff := cmp.Diff(fmt.Sprint(first), fmt.Sprint(s.sheet().All())); diff != "" {
			t.Fatal(diff)
		}
	}
}
