package fact

import (
	"net/netip"
	"testing"
	"time"

	"assay/internal/assess/event"
)

func TestManners(t *testing.T) {
	used := event.AddressUsed{Addr: mustAddr(opaqueGUA)}
	far := event.RouterAdvertised{HopLimit: 64, Lifetime: time.Hour, Prefixes: []event.AdvertisedPrefix{{
		Prefix: netip.MustParsePrefix("2001:db8:6::/64"), Autonomous: true, Valid: time.Hour,
	}}}
	for _, c := range []struct {
		name string
		s    *netScene
		want map[string]any
	}{
		{"checked", newNetScene().joins().advertises(255).forms(opaqueGUA), map[string]any{"manners.unchecked": []string{}}},
		{"unchecked", newNetScene().joins().advertises(255).tell(cam, used), map[string]any{"manners.unchecked": []string{opaqueGUA}}},
		{"in use before the log began", newNetScene().tell(cam, used).joins().advertises(255), map[string]any{"manners.unchecked": []string{}}},
		{"offered before it joined", newNetScene().tell(cam, event.ARPSeen{}).advertises(255).joins().tell(cam, used),
			map[string]any{"manners.unchecked": []string{}}},
		{"an advertisement from elsewhere ignored", newNetScene().joins().tell(routerMAC, far), map[string]any{
			"manners.far_prefixes": []string{"2001:db8:6::/64"}, "manners.far_used": []string{},
		}},
		{"addresses of its own", newNetScene().joins().advertises(255).forms(opaqueGUA).tell(routerMAC, far).wait(5*time.Second).tell(cam, used),
			map[string]any{"manners.near_used": []string{opaqueGUA}, "manners.far_seconds": 6.0, "manners.far_used": []string{}}},
		{"an advertisement from elsewhere believed", newNetScene().joins().tell(routerMAC, far).forms("2001:db8:6::7"),
			map[string]any{"manners.far_used": []string{"2001:db8:6::7"}}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.s.sheet(), c.want) })
	}
}
