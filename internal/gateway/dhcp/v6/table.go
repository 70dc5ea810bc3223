package v6

import (
	"container/list"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	maxLeases      = 4096 // remembered at one time; the one renewed longest ago is forgotten first
	maxQuarantine  = 256  // addresses that somebody else uses
	quarantineTime = time.Hour
	maxTries       = 8 // addresses that are tried for one client
)

// key is a client's interface association: DUID and IAID name one address.
type key struct {
	duid string
	iaid [4]byte
}

// binding is a lease. Forgetting one does no harm: the same client gets the same
// address again.
type binding struct {
	key
	addr  netip.Addr
	from  netip.Addr // the client's link-local address
	until time.Duration
	host  string
}

// table remembers leases. Time is a duration since the server began, so that a
// clock set forwards or back ends no lease.
type table struct {
	secret  [32]byte
	byKey   map[key]*list.Element
	byAddr  map[netip.Addr]*list.Element
	byFrom  map[netip.Addr]int // leases of a link-local address
	renewed list.List          // of *binding, renewed longest ago first
	taken   map[netip.Addr]time.Duration
}

func newTable(secret [32]byte) *table {
	return &table{
		secret: secret, byKey: map[key]*list.Element{}, byAddr: map[netip.Addr]*list.Element{},
		byFrom: map[netip.Addr]int{}, taken: map[netip.Addr]time.Duration{},
	}
}

// address is what a client has or would get in a prefix; the zero Addr when all
// its addresses are in quarantine.
func (t *table) address(k key, prefix netip.Prefix, now time.Duration) netip.Addr {
	if e := t.byKey[k]; e != nil && prefix.Contains(e.Value.(*binding).addr) {
		return e.Value.(*binding).addr
	}
	for try := range byte(maxTries) {
		a := t.candidate(k, prefix, try)
		until, bad := t.taken[a]
		if other := t.byAddr[a]; other == nil && (!bad || until <= now) {
			return a
		}
	}
	return netip.Addr{}
}

// candidate is a keyed hash of the client in the prefix. Its interface identifier
// is kept away from the small numbers that routers use, and from the reserved ones
// (RFC 5453).
func (t *table) candidate(k key, prefix netip.Prefix, try byte) netip.Addr {
	h := hmac.New(sha256.New, t.secret[:])
	a := prefix.Addr().As16()
	h.Write(a[:8])
	h.Write(k.iaid[:])
	h.Write([]byte{try})
	h.Write([]byte(k.duid))
	id := binary.BigEndian.Uint64(h.Sum(nil))
	if id>>32 == 0 || id>>32 == 0xfdffffff {
		id ^= 1 << 62
	}
	binary.BigEndian.PutUint64(a[8:], id)
	return netip.AddrFrom16(a)
}

// lease confirms an address to a client, and reports whether that is news.
func (t *table) lease(b binding) bool {
	old := t.byKey[b.key]
	news := old == nil || old.Value.(*binding).addr != b.addr
	if old != nil {
		t.forget(old)
	}
	for t.renewed.Len() >= maxLeases {
		t.forget(t.renewed.Front())
	}
	e := t.renewed.PushBack(&b)
	t.byKey[b.key], t.byAddr[b.addr] = e, e
	t.byFrom[b.from]++
	return news
}

func (t *table) forget(e *list.Element) {
	b := t.renewed.Remove(e).(*binding)
	delete(t.byKey, b.key)
	delete(t.byAddr, b.addr)
	if t.byFrom[b.from]--; t.byFrom[b.from] <= 0 {
		delete(t.byFrom, b.from)
	}
}

// expire forgets the leases that are over. All live equally long, so the one
// renewed longest ago ends first.
func (t *table) expire(now time.Duration) {
	for e := t.renewed.Front(); e != nil && e.Value.(*binding).until <= now; e = t.renewed.Front() {
		t.forget(e)
	}
}

// holds finds the lease of exactly this address.
func (t *table) holds(k key, a netip.Addr) *list.Element {
	if e := t.byKey[k]; e != nil && e.Value.(*binding).addr == a {
		return e
	}
	return nil
}

// quarantine keeps an address from everybody for an hour. When the quarantine is
// full it takes no more: then the address is offered again, and declined again.
func (t *table) quarantine(a netip.Addr, now time.Duration) {
	for old, until := range t.taken {
		if until <= now {
			delete(t.taken, old)
		}
	}
	if len(t.taken) < maxQuarantine {
		t.taken[a] = now + quarantineTime
	}
}
