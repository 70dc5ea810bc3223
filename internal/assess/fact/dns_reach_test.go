package fact

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/event"
)

func TestReachTwins(t *testing.T) {
	cases := []struct {
		name string
		bend func(*nameScene)
		want map[string]any
	}{
		{"an address out of nothing", func(s *nameScene) { s.connect("203.0.113.9", 443, event.TCP) },
			map[string]any{"dns.connections": 7, "dns.connections_unexplained": 1, "literal.services": 1, "literal.named": 6}},
		{"nobody answers there", func(s *nameScene) {
			s.add("203.0.113.9", 443, event.FlowStarted{Transport: event.TCP})
		}, map[string]any{"dns.connections_unexplained": 1, "literal.services": 0, "literal.unsure": 1}},
		{"told by a server, over UDP", func(s *nameScene) { s.connect("203.0.113.9", 40001, event.UDP) },
			map[string]any{"dns.connections_unexplained": 1, "literal.services": 0, "literal.unsure": 1}},
		{"joined midway", func(s *nameScene) {
			s.add("203.0.113.9", 443, event.FlowStarted{Transport: event.TCP, Midway: true})
		}, map[string]any{"dns.connections": 6, "dns.coverage": 1.0, "literal.services": 0, "literal.unsure": 1}},
		{"on the local network", func(s *nameScene) { s.connect("192.168.1.77", 80, event.TCP) },
			map[string]any{"dns.connections": 6, "literal.services": 0}},
		{"to everybody", func(s *nameScene) { s.connect("239.255.255.250", 1900, event.UDP) },
			map[string]any{"dns.connections": 6, "literal.unsure": 0}},
		{"a built-in resolver", func(s *nameScene) { s.resolve(farResolver, "a.example.", "198.51.100.1") },
			map[string]any{"dns.connections": 6, "dns.coverage": 1.0, "literal.resolvers": 1, "resolver.foreign": 1,
				"resolver.names_bypass": 0}},
		{"a built-in time server", func(s *nameScene) { s.connect("203.0.113.123", 123, event.UDP) },
			map[string]any{"dns.connections_unexplained": 1, "literal.clocks": 1, "literal.unsure": 0}},
		{"within the lifetime and the grace", func(s *nameScene) {
			s.wait(10 * time.Minute)
			s.connect("198.51.100.1", 443, event.TCP)
		}, map[string]any{"dns.connections_explained": 7}},
		{"long after the lifetime", func(s *nameScene) {
			s.wait(12 * time.Minute)
			s.connect("198.51.100.1", 443, event.TCP)
		}, map[string]any{"dns.connections_explained": 6, "dns.connections_unexplained": 1, "literal.named": 6, "literal.services": 0}},
		{"through NAT64", func(s *nameScene) { s.connect("64:ff9b::c633:6401", 443, event.TCP) },
			map[string]any{"dns.connections_explained": 7}},
		{"through the network's own NAT64", func(s *nameScene) {
			s.add("", 0, event.RouterAdvertised{HopLimit: 255, PREF64: []netip.Prefix{netip.MustParsePrefix("2001:db8:64::/96")}})
			s.connect("2001:db8:64::c633:6401", 443, event.TCP)
		}, map[string]any{"dns.connections_explained": 7}},
		{"an answer without its question", func(s *nameScene) {
			s.answer(homeResolver, "q.example.", 0, 60, "203.0.113.40")
			s.connect("203.0.113.40", 443, event.TCP)
		}, map[string]any{"dns.connections_unexplained": 1, "literal.services": 0, "literal.named": 7}},
		{"a refusal that carries an address", func(s *nameScene) {
			s.random()
			q := s.ask(homeResolver, event.DNSAsked{Name: "q.example.", Type: 1})
			s.add(homeResolver, 53, event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: "q.example.", Type: 1, RCode: 2, Question: q,
				Records: []event.Record{{Type: 1, TTL: 60, Addr: netip.MustParseAddr("203.0.113.41")}}})
			s.connect("203.0.113.41", 443, event.TCP)
		}, map[string]any{"dns.connections_unexplained": 1, "dns.names_resolved": 6, "resolver.offered_healthy": false}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := ordinary()
			tc.bend(s)
			wantFacts(t, s.sheet(), tc.want)
		})
	}
}

// A log that does not hold the start proves no built-in address.
func TestNoStartProvesNothing(t *testing.T) {
	s := ordinary()
	s.connect("203.0.113.9", 443, event.TCP)
	got := sheetOf(s.evs[2:], Closing{})
	wantFacts(t, got, map[string]any{
		"dns.boots": 0, "dns.coverage": 1.0, "dns.connections": 6, "dns.connections_early": 1,
		"literal.services": 0, "literal.unsure": 1, "resolver.offered": 0, "resolver.names_offered": 0, "resolver.names_bypass": 6,
	})
}

// A device that joins anew in the middle of the log may know addresses from
// before: that proves nothing either.
func TestRejoinIsNoStart(t *testing.T) {
	s := newNameScene()
	s.connect("203.0.113.9", 443, event.TCP)
	s.boot()
	s.connect("203.0.113.10", 443, event.TCP)
	wantFacts(t, s.sheet(), map[string]any{
		"dns.boots": 1, "dns.start_seen": false, "literal.services": 0, "literal.unsure": 2, "dns.connections_early": 2, "dns.coverage": nil,
	})
}

// Without an internet connection coverage is unknown, not full.
func TestNoConnectionNoCoverage(t *testing.T) {
	s := newNameScene()
	s.boot()
	s.resolve(homeResolver, "a.example.", "198.51.100.1")
	wantFacts(t, s.sheet(), map[string]any{"dns.coverage": nil, "dns.connections": 0})
}

func TestDestinationsAreBounded(t *testing.T) {
	s := ordinary()
	for i := range reachLimit {
		s.add("203.0.113.9", uint16(i+1), event.FlowStarted{Transport: event.TCP})
	}
	wantFacts(t, s.sheet(), map[string]any{"dns.coverage": nil, "dns.connections": nil, "literal.services": nil})
}

func TestUnexplainedAreNamed(t *testing.T) {
	s := ordinary()
	s.connect("203.0.113.9", 443, event.TCP)
	want := []string{"203.0.113.9:443/TCP"}
	got := s.sheet()
	if diff := cmp.Diff(want, listOf(t, got, "dns.unexplained_list")); diff != "" {
		t.Error(diff)
	}
	f, _ := got.Get("literal.services")
	if len(f.Because) != 1 || f.Because[0].Server.Addr().String() != "203.0.113.9" {
		t.Errorf("rests on %v", f.Because)
	}
}

func TestResolverPaths(t *testing.T) {
	fail := func(s *nameScene) {
		s.random()
		q := s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
		s.add(homeResolver, 53, event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: "g.example.", Type: 1, RCode: 2, Question: q})
	}
	cases := []struct {
		name string
		bend func(*nameScene)
		want map[string]any
	}{
		{"goes past a healthy resolver", func(s *nameScene) { s.resolve(farResolver, "g.example.", "203.0.113.1") },
			map[string]any{"resolver.names_bypass": 1, "resolver.names_fallback": 0, "resolver.offered_healthy": true}},
		{"after a failure", func(s *nameScene) {
			fail(s)
			s.resolve(farResolver, "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 0, "resolver.names_fallback": 1, "resolver.offered_healthy": false, "resolver.failures_offered": 1}},
		{"long after a failure", func(s *nameScene) {
			fail(s)
			s.wait(excuse + time.Second)
			s.resolve(farResolver, "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 1, "resolver.names_fallback": 0}},
		{"while the offered one is silent", func(s *nameScene) {
			s.random()
			s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
			s.wait(2 * time.Second)
			s.resolve(farResolver, "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 0, "resolver.names_fallback": 1, "resolver.offered_healthy": false}},
		{"excused once, but not again", func(s *nameScene) {
			fail(s)
			s.resolve(farResolver, "g.example.", "203.0.113.1")
			s.wait(excuse + time.Minute)
			s.resolve(farResolver, "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 1, "resolver.names_fallback": 0}},
		{"races both", func(s *nameScene) {
			s.resolve(farResolver, "g.example.", "203.0.113.1")
			s.resolve(homeResolver, "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 0, "resolver.foreign": 1, "resolver.names_offered": 7}},
		{"the router at another address", func(s *nameScene) {
			s.add("", 0, event.RouterAdvertised{HopLimit: 255, Lifetime: 1800})
			s.evs[len(s.evs)-1].Device = dnsRouter
			s.resolve("fe80::1", "g.example.", "203.0.113.1")
			s.resolve("192.168.1.254", "h.example.", "203.0.113.2")
		}, map[string]any{"resolver.names_bypass": 0, "resolver.foreign": 0, "resolver.router": 2, "resolver.names_router": 2}},
		{"far away behind the router", func(s *nameScene) {
			s.add("", 0, event.RouterAdvertised{HopLimit: 255, Lifetime: 1800})
			s.evs[len(s.evs)-1].Device = dnsRouter
			s.resolve("10.9.9.9", "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 1, "resolver.foreign": 1, "resolver.router": 0}},
		{"another host on the link", func(s *nameScene) {
			s.resolve("192.168.1.254", "g.example.", "203.0.113.1")
		}, map[string]any{"resolver.names_bypass": 1, "resolver.foreign": 1, "resolver.names_router": 0}},
		{"no such name is no failure", func(s *nameScene) {
			s.random()
			q := s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
			s.add(homeResolver, 53, event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: "g.example.", Type: 1, RCode: 3, Question: q})
		}, map[string]any{"resolver.offered_healthy": true, "resolver.failures_offered": 0, "dns.failures": 0}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := ordinary()
			tc.bend(s)
			wantFacts(t, s.sheet(), tc.want)
		})
	}
}

// TestAForgedNameIsNoFailure: a resolver that refuses a name because its signatures do
// not hold works; that the device then asked elsewhere is excused all the same.
func TestAForgedNameIsNoFailure(t *testing.T) {
	for code, healthy := range map[uint16]bool{6: true, 12: true, 5: false, 22: false, 23: false} {
		s := ordinary()
		s.random()
		q := s.ask(homeResolver, event.DNSAsked{Name: "g.example.", Type: 1})
		s.add(homeResolver, 53, event.DNSAnswered{Transport: event.UDP, ID: s.id, Name: "g.example.", Type: 1, RCode: 2, EDE: []uint16{code}, Question: q})
		s.resolve(farResolver, "g.example.", "203.0.113.1")
		failures := 1
		if healthy {
			failures = 0
		}
		wantFacts(t, s.sheet(), map[string]any{"resolver.names_bypass": 0, "resolver.names_fallback": 1,
			"resolver.offered_healthy": healthy, "resolver.failures_offered": failures})
	}
}

func TestEncryptedDNS(t *testing.T) {
	hello := func(server string, port uint16, h event.ClientHello) func(*nameScene) {
		return func(s *nameScene) { s.add(server, port, h) }
	}
	cases := []struct {
		name    string
		bend    func(*nameScene)
		all     int
		foreign int
	}{
		{"DNS over TLS", hello(farResolver, 853, event.ClientHello{Transport: event.TCP}), 1, 1},
		{"DNS over QUIC", hello("203.0.113.1", 443, event.ClientHello{Transport: event.QUIC, ALPN: []string{"doq"}}), 1, 1},
		{"DNS over HTTPS by name", hello("203.0.113.1", 443, event.ClientHello{SNI: "abc.DNS.nextdns.io"}), 1, 1},
		{"DNS over HTTPS by address", hello("1.1.1.1", 443, event.ClientHello{}), 1, 1},
		{"the offered resolver", hello(homeResolver, 853, event.ClientHello{}), 1, 0},
		{"the designated resolver", func(s *nameScene) {
			s.add("", 0, event.DHCP4{FromServer: true, Type: 5, DNR: []string{"dns.lab.example."}})
			s.add("203.0.113.1", 853, event.ClientHello{SNI: "dns.lab.example"})
		}, 1, 0},
		{"an ordinary site", hello("203.0.113.1", 443, event.ClientHello{SNI: "notdns.google"}), 0, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := ordinary()
			tc.bend(s)
			wantFacts(t, s.sheet(), map[string]any{"dns.encrypted": tc.all, "dns.encrypted_foreign": tc.foreign})
		})
	}
}
