package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

const (
	lanClock = "192.168.1.1"
	farClock = "203.0.113.123"
)

// tick asks a server for the time n times, and lets it answer.
func (s *nameScene) tick(server string, n int, every time.Duration) {
	for range n {
		s.random()
		s.add(server, 123, event.TimeAsked{Version: 4, Mode: 3, Poll: 6})
		s.add(server, 123, event.TimeAnswered{Version: 4, Mode: 4, Stratum: 2})
		s.wait(every - 2*time.Millisecond)
	}
}

func TestTimeTwins(t *testing.T) {
	cases := []struct {
		name string
		do   func(*nameScene)
		want map[string]any
	}{
		{"a server on the local network", func(s *nameScene) { s.tick(lanClock, 10, 64*time.Second) },
			map[string]any{"time.queries": 10, "time.answers": 10, "time.servers_offered": 1, "time.interval": 64.0,
				"time.port_123": 0, "time.poll_claimed": 6}},
		{"an offered server", func(s *nameScene) {
			s.add("", 0, event.DHCP4{FromServer: true, Type: 5, NTP: []netip.Addr{netip.MustParseAddr(farClock)}})
			s.tick(farClock, 10, 64*time.Second)
		}, map[string]any{"time.offered": 1, "time.servers_offered": 1, "time.servers_literal": 0}},
		{"a server by name", func(s *nameScene) {
			s.resolve(homeResolver, "time.vendor.example.", farClock)
			s.tick(farClock, 10, 64*time.Second)
		}, map[string]any{"time.servers_named": 1, "time.servers_offered": 0, "time.servers_literal": 0}},
		{"a built-in address", func(s *nameScene) { s.tick(farClock, 10, 64*time.Second) },
			map[string]any{"time.servers_literal": 1, "time.servers_unsure": 0}},
		{"a burst at the beginning", func(s *nameScene) {
			s.tick(lanClock, 8, 2*time.Second)
			s.tick(lanClock, 10, 64*time.Second)
		}, map[string]any{"time.queries": 18, "time.interval": 64.0}},
		{"all the time", func(s *nameScene) { s.tick(lanClock, 100, 5*time.Second) },
			map[string]any{"time.interval": 5.0}},
		{"once", func(s *nameScene) {
			s.tick(lanClock, 1, time.Hour)
			s.resolve(homeResolver, "a.example.", "198.51.100.1")
		}, map[string]any{"time.queries": 1, "time.servers": 1}},
		{"too short to tell", func(s *nameScene) { s.tick(lanClock, 3, 5*time.Second) },
			map[string]any{"time.interval": nil, "time.queries": 3}},
		{"nothing", func(*nameScene) {}, map[string]any{"time.queries": 0, "time.interval": nil, "time.poll_claimed": nil}},
		{"authenticated", func(s *nameScene) {
			s.add(farClock, 4460, event.ClientHello{ALPN: []string{"ntske/1"}})
			s.add(farClock, 123, event.TimeAsked{Version: 4, Mode: 3, NTS: true})
			s.add(farClock, 123, event.TimeAnswered{Version: 4, Mode: 4, NTS: true})
		}, map[string]any{"time.nts": 1, "time.nts_answers": 1, "time.ntske": 1}},
		{"asks for the option", func(s *nameScene) { s.add("", 0, event.DHCP4{Type: 1, Parameters: []uint8{1, 42}}) },
			map[string]any{"time.option_asked": true}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := newNameScene()
			s.boot()
			tc.do(s)
			wantFacts(t, s.sheet(), tc.want)
		})
	}
}

func TestTimeWithoutStart(t *testing.T) {
	s := newNameScene()
	s.tick(farClock, 10, 64*time.Second)
	wantFacts(t, s.sheet(), map[string]any{"time.servers_literal": 0, "time.servers_unsure": 1})
}

func TestSilentServerHasNoInterval(t *testing.T) {
	s := newNameScene()
	s.boot()
	for range 100 {
		s.add(lanClock, 123, event.TimeAsked{Version: 4, Mode: 3})
		s.wait(5 * time.Second)
	}
	wantFacts(t, s.sheet(), map[string]any{"time.queries": 100, "time.interval": nil})
}

func TestPoolNames(t *testing.T) {
	for name, bare := range map[string]bool{
		"pool.ntp.org.": true, "2.pool.ntp.org.": true, "de.pool.ntp.org.": true, "0.europe.pool.ntp.org.": true,
		"0.vendor.pool.ntp.org.": false, "vendor.pool.ntp.org.": false, "time.example.": false, "pool.ntp.org.example.": false,
		"xpool.ntp.org.": false, "0.android.pool.ntp.org.": false,
	} {
		if got := isBarePool(name); got != bare {
			t.Errorf("%s: got %t, want %t", name, got, bare)
		}
	}
}
