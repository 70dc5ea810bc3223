package trial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/run/plan"
)

// mover is a device that finds its way after the cable was pulled, after it was switched
// on, or never.
type mover struct {
	puppet
	after string // "cable", "relay", "never"
	here  int    // the plan, 0 for home
	addrs []netip.Addr
	count int
	said  []string
}

func (m *mover) Seen(context.Context) (Seen, error) {
	return Seen{Addresses: m.addrs, Opens: m.count}, nil
}

func (m *mover) started(how string) {
	m.said = append(m.said, how)
	if m.here == 0 || how == m.after {
		m.addrs, m.count = append(m.addrs, netip.AddrFrom4([4]byte{10, 0, byte(m.here), 9})), m.count+1
	}
}

func (m *mover) Power(context.Context, func(string)) (string, error) {
	m.started("relay")
	return "relay", nil
}

func (m *mover) experiment() Renumber {
	return Renumber{
		Plans: 2,
		Change: func(_ context.Context, n int) (AddressPlan, error) {
			m.here = n + 1
			m.said = append(m.said, fmt.Sprint("plan ", m.here))
			return AddressPlan{IPv4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(m.here), 1}), 24)}, nil
		},
		Home: func(context.Context) error {
			m.here, m.said = 0, append(m.said, "home")
			return nil
		},
		Cable: func(context.Context) error {
			m.started("cable")
			return nil
		},
		Told: func(string) {},
	}
}

var moving = plan.Step{Network: "N2", Experiment: plan.Renumber, Window: 2 * time.Second}

func TestMoves(t *testing.T) {
	for after, want := range map[string]string{
		"cable": "plan 1, cable, plan 2, cable, home, cable",
		"relay": "plan 1, cable, relay, plan 2, cable, relay, home, cable",
		"never": "plan 1, cable, relay, plan 2, cable, relay, home, cable",
	} {
		t.Run(after, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mover{after: after}
				time.AfterFunc(time.Second, func() { m.count++ })
				if err := m.experiment().Run(t.Context(), m, moving, turn(m)); err != nil {
					t.Error(err)
				}
				if got := strings.Join(m.said, ", "); got != want {
					t.Errorf("it went\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

// TestGoesHomeWhateverHappens: an end in the middle leaves the usual addresses.
func TestGoesHomeWhateverHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		m := &mover{after: "never"}
		time.AfterFunc(time.Second, func() { m.count++ })
		time.AfterFunc(20*time.Second, func() { cancel(errors.New("the operator skipped it")) })
		err := m.experiment().Run(ctx, m, moving, turn(m))
		if err == nil || !strings.HasPrefix(err.Error(), "the operator skipped it") || m.said[len(m.said)-1] != "home" {
			t.Errorf("error %v after %v", err, m.said)
		}
	})
}
