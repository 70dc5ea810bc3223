package fact

import (
	"encoding/json"
	"net/netip"
	"testing"

	"assay/internal/assess/event"
)

const (
	from10 = "10.83.17.9:40000"
	plan10 = "10.83.17.0/24 with an MTU of 1400"
)

// renumbers lets the box tell of a plan.
func (s *netScene) renumbers(phase event.Phase, fresh string) *netScene {
	b, err := json.Marshal(event.RenumberNote{Phase: phase, Fresh: fresh, IPv4: netip.MustParsePrefix("10.83.17.0/24"), MTU: 1400})
	if err != nil {
		panic(err)
	}
	return s.says(event.NoteRenumber, string(b))
}

// lends lets the box's DHCP answer with an address, or with a no.
func (s *netScene) lends(addr string, kind uint8) *netScene {
	return s.tell(cam, event.DHCP4{FromServer: true, Type: kind, YourAddr: netip.MustParseAddr(addr)})
}

func TestAddressPlans(t *testing.T) {
	home := func() *netScene { return newNetScene().moves("N2", "relay").joins().talks(fromV4, cloud4) }
	moved := func() *netScene { return home().renumbers(event.Begun, "").renumbers("", "cable") }
	none, ten := []string{}, []string{plan10}
	for name, c := range map[string]struct {
		s                                      *netScene
		plans, worked, restarted, never, maybe []string
	}{
		"without a restart":              {moved().lends("10.83.17.9", 5).talks(from10, cloud4), ten, ten, none, none, none},
		"after a restart":                {moved().lends("10.83.17.9", 5).renumbers("", "relay").talks(from10, cloud4), ten, none, ten, none, none},
		"never":                          {moved().lends("0.0.0.0", 6).renumbers("", "relay").talks(fromV4, cloud4), ten, none, none, ten, none},
		"never, and nobody restarted it": {moved().lends("0.0.0.0", 6).talks(fromV4, cloud4), ten, none, none, none, ten},
		"a plan that was only noted":     {moved().renumbers("", "relay").talks(fromV4, cloud4), none, none, none, none, none},
		"asked and not answered":         {moved().lends("10.83.17.9", 5).renumbers("", "relay").silent(from10, cloud4), ten, none, none, ten, none},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, c.s.renumbers(event.Ended, "").talks(fromV4, cloud4).sheet(), map[string]any{
				"renumber.plans": c.plans, "renumber.worked": c.worked, "renumber.worked_restarted": c.restarted,
				"renumber.never": c.never, "renumber.unsettled": c.maybe, "renumber.before": int64(1), "renumber.after": int64(1),
			})
		})
	}
	want(t, moved().lends("0.0.0.0", 6).renumbers("", "relay").talks(fromV4, cloud4).sheet(), map[string]any{"renumber.stuck": []string{"192.168.1.9"}})
}
