package uplink

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/gateway/netos"
)

// stage4 is an uplink with DHCP on a kernel in memory, whose servers are a function. The
// time is the bubble's.
type stage4 struct {
	*Uplink
	kernel *netos.Fake
	mu     sync.Mutex
	said   []string
	begun  time.Time
}

var errSilence = errors.New("no answer")

func play(t *testing.T, dir string, talk4 func(way4, *lease4) (lease4, error), talk6 func(way6, delegation) (delegation, error)) *stage4 {
	t.Helper()
	k := netos.NewFake(netos.Link{Name: "wan0", Carrier: true})
	u, err := newUplink(Config{Kernel: k, Link: "wan0", Mode: DHCP, StateDir: dir})
	must(t, err)
	s := &stage4{Uplink: u, kernel: k, begun: time.Now()}
	u.talk4 = func(ctx context.Context, way way4, l *lease4) (lease4, error) {
		s.say([]string{"discover", "renew", "rebind", "release"}[way])
		next, err := talk4(way, l)
		next.at = time.Now()
		return next, silence(ctx, err)
	}
	u.talk6 = func(ctx context.Context, way way6, d delegation) (delegation, error) {
		if way != informing {
			s.say([]string{"solicit", "renew6", "rebind6", "release6"}[way])
		}
		next, err := talk6(way, d)
		next.at = time.Now()
		return next, silence(ctx, err)
	}
	must(t, u.start(t.Context()))
	return s
}

// silence takes as long as a real exchange without an answer.
func silence(ctx context.Context, err error) error {
	if errors.Is(err, errSilence) {
		wait(ctx, exchangeTime)
	}
	return err
}

func (s *stage4) say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf("%s %s", time.Since(s.begun), what))
}

func (s *stage4) story() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.said, "\n")
	s.said = nil
	return out
}

// pass lets time go by.
func (s *stage4) pass(d time.Duration) {
	wait(context.Background(), d)
	synctest.Wait()
}

func hour4() lease4 {
	return lease4{
		address: netip.MustParsePrefix("198.51.100.2/24"), routers: []netip.Addr{netip.MustParseAddr("198.51.100.1")},
		resolvers: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
		renew:     30 * time.Minute, rebind: 52*time.Minute + 30*time.Second, end: time.Hour,
	}
}

func no6(way6, delegation) (delegation, error) { return delegation{}, errAway }

func only4(story string) string {
	var out []string
	for line := range strings.Lines(story) {
		if !strings.Contains(line, "solicit") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

// TestLeaseRunsOut: the whole course of a lease whose server falls silent, with the
// pauses of RFC 2131 section 4.4.5, and what the state says of it.
func TestLeaseRunsOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		granted := false
		s := play(t, dir, func(way way4, _ *lease4) (lease4, error) {
			if granted {
				return lease4{}, errSilence
			}
			granted = true
			return hour4(), nil
		}, no6)
		s.pass(59*time.Minute + 59*time.Second)
		if st := s.State(); !st.Up || sprint(st.Resolvers) != "[192.0.2.53]" {
			t.Errorf("before its end: %+v", st)
		}
		want := `0s discover
30m0s renew
41m20s renew
47m0s renew
49m50s renew
51m15s renew
52m25s renew
52m30s rebind
56m20s rebind
58m15s rebind
59m25s rebind`
		if diff := cmp.Diff(want, only4(s.story())); diff != "" {
			t.Error(diff)
		}
		s.pass(2 * time.Second)
		if st := s.State(); st.Up || !st.Carrier || len(st.Addresses)+len(st.Gateways)+len(st.Resolvers) > 0 {
			t.Errorf("after its end: %+v", st)
		}
		s.pass(3 * time.Minute)
		want = `1h0m0s discover
1h0m11s discover
1h0m23s discover
1h0m37s discover
1h0m55s discover
1h1m21s discover
1h2m3s discover`
		if diff := cmp.Diff(want, only4(s.story())); diff != "" {
			t.Error(diff)
		}
		must(t, s.Stop(t.Context()))
		if got := only4(s.story()); got != "" {
			t.Errorf("at the end: %s", got)
		}
	})
}

// TestLeaseIsProlongedAgainAndAgain: by its server, later by another one.
func TestLeaseIsProlongedAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		silent := false
		s := play(t, dir, func(way way4, _ *lease4) (lease4, error) {
			if silent && way == renewing {
				return lease4{}, errSilence
			}
			return hour4(), nil
		}, no6)
		s.pass(95 * time.Minute)
		silent = true
		s.pass(60 * time.Minute)
		want := `0s discover
30m0s renew
1h0m0s renew
1h30m0s renew
2h0m0s renew
2h11m20s renew
2h17m0s renew
2h19m50s renew
2h21m15s renew
2h22m25s renew
2h22m30s rebind`
		if diff := cmp.Diff(want, only4(s.story())); diff != "" {
			t.Error(diff)
		}
		if st := s.State(); !st.Up {
			t.Errorf("%+v", st)
		}
		must(t, s.Stop(t.Context()))
		if got := only4(s.story()); got != "2h35m0s release" {
			t.Errorf("at the end: %s", got)
		}
		if left := s.kernel.String(); strings.Contains(left, "198.51.100") {
			t.Errorf("left: %s", left)
		}
	})
}

// TestRefusalEndsALease: at once, and the next one is asked for without a wish.
func TestRefusalEndsALease(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var wishes []*lease4
		s := play(t, dir, func(way way4, former *lease4) (lease4, error) {
			switch way {
			case discovering:
				wishes = append(wishes, former)
				if len(wishes) > 1 {
					return lease4{}, errSilence
				}
				return hour4(), nil
			default:
				return lease4{}, errRefused
			}
		}, no6)
		s.pass(30*time.Minute + time.Second)
		if st := s.State(); st.Up || len(st.Addresses) > 0 {
			t.Errorf("%+v", st)
		}
		if len(wishes) != 2 || wishes[0] != nil || wishes[1] != nil {
			t.Errorf("wishes %v", wishes)
		}
		must(t, s.Stop(t.Context()))
	})
}

// TestCableOutAsksAgain: another cable may be another network, which is asked for the
// former address; when its time is over in the meantime it is not wished for.
func TestCableOutAsksAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var wishes []string
		s := play(t, dir, func(_ way4, former *lease4) (lease4, error) {
			wish := "nothing"
			if former != nil {
				wish = former.address.String()
			}
			wishes = append(wishes, wish)
			return hour4(), nil
		}, no6)
		for _, out := range []time.Duration{time.Minute, 2 * time.Hour} {
			s.pass(time.Minute)
			must(t, s.kernel.SetCarrier("wan0", false))
			s.pass(out)
			if st := s.State(); st.Up {
				t.Errorf("%+v", st)
			}
			must(t, s.kernel.SetCarrier("wan0", true))
			s.pass(time.Second)
		}
		if diff := cmp.Diff([]string{"nothing", "198.51.100.2/24", "nothing"}, wishes); diff != "" {
			t.Error(diff)
		}
		must(t, s.Stop(t.Context()))
	})
}

// TestKernelThatRefusesIsNotAFlood: an address that cannot be set is not asked for
// without a pause.
func TestKernelThatRefusesIsNotAFlood(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, dir, func(way4, *lease4) (lease4, error) { return hour4(), nil }, no6)
		s.kernel.Fail = func(change string) error {
			if strings.HasPrefix(change, "address") {
				return errors.New("no")
			}
			return nil
		}
		must(t, s.kernel.SetCarrier("wan0", false))
		s.pass(time.Minute)
		s.story()
		must(t, s.kernel.SetCarrier("wan0", true))
		s.pass(5 * time.Minute)
		if n := strings.Count(s.story(), "discover"); n < 2 || n > 12 {
			t.Errorf("asked %d times in 5 minutes", n)
		}
		must(t, s.Stop(t.Context()))
	})
}

// TestPrefixRunsOut: the same for a delegated prefix.
func TestPrefixRunsOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		granted := false
		s := play(t, dir, func(way4, *lease4) (lease4, error) { return lease4{}, errAway }, func(way6, delegation) (delegation, error) {
			if granted {
				return delegation{}, errSilence
			}
			granted = true
			return delegation{prefix: netip.MustParsePrefix("2001:db8:77::/56"), renew: 10 * time.Minute, rebind: 16 * time.Minute, end: 20 * time.Minute}, nil
		})
		s.pass(19*time.Minute + 59*time.Second)
		if st := s.State(); !st.Delegated.IsValid() || !st.DelegatedUntil.Equal(s.begun.Add(20*time.Minute)) {
			t.Errorf("before its end: %+v", st)
		}
		var got []string
		for line := range strings.Lines(s.story()) {
			if !strings.Contains(line, "discover") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		want := []string{"0s solicit", "10m0s renew6", "13m5s renew6", "14m37.5s renew6", "15m47.5s renew6", "16m0s rebind6", "18m5s rebind6", "19m15s rebind6"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		s.pass(2 * time.Second)
		if st := s.State(); st.Delegated.IsValid() || !st.DelegatedUntil.IsZero() {
			t.Errorf("after its end: %+v", st)
		}
		must(t, s.Stop(t.Context()))
	})
}
