package nat64

import (
	"time"

	"assay/internal/gateway/nat64/siit"
)

// Errors of the translator's own (RFC 4443 section 2.4 (f)).
const (
	errorsRate  = 100 // each second
	errorsBurst = 100
)

// budget is a token bucket on the translator's clock; its zero value is full.
type budget struct {
	used float64
	at   time.Duration
}

func (b *budget) take(now time.Duration) bool {
	b.used = max(0, b.used-(now-b.at).Seconds()*errorsRate)
	b.at = now
	if b.used+1 > errorsBurst {
		return false
	}
	b.used++
	return true
}

// tell6 tells a device why its packet goes no further. Nobody is told about errors,
// later fragments and messages to many (RFC 4443 section 2.4 (e)).
func (t *translator) tell6(what siit.Trouble, p siit.Packet, about []byte, now time.Duration) {
	if p.Offset > 0 || p.Kind() == siit.Error || !t.told.take(now) {
		return
	}
	if own := t.cfg.Own(); own.Is6() {
		t.out = siit.Tell6(t.out[:0], what, own, p.Src, about, t.mtu.IPv4+siit.HeaderIPv6-siit.HeaderIPv4)
		t.send(t.out)
	}
}

// tell4 tells the far end why its packet goes no further.
func (t *translator) tell4(what siit.Trouble, p siit.Packet, about []byte, now time.Duration) {
	if p.Offset > 0 || p.Kind() == siit.Error || !t.told.take(now) {
		return
	}
	t.out = siit.Tell4(t.out[:0], what, t.cfg.Pool, p.Src, about, t.mtu.IPv6-siit.HeaderIPv6+siit.HeaderIPv4, t.nextID())
	t.send(t.out)
}
