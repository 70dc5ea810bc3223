package v4

import (
	"net/netip"
	"time"
)

// state is what an address is doing.
type state uint8

const (
	free       state = iota // nobody's
	remembered              // nobody's, but kept for its last client while others are free
	offered                 // offered, not yet asked for: the first REQUEST has it
	leased
	held        // no lease, but kept for a device under test
	quarantined // somebody without a lease uses it
	states
)

// The times that an address stays in a state.
const (
	offerTime      = time.Minute
	quarantineTime = 10 * time.Minute
)

// slot is one address of the pool. Every slot is in exactly one list, that of
// its state, in the order in which it came there: because all leases of a
// network are equally long, the head of a list is always the next to expire.
type slot struct {
	prev, next *slot
	addr       netip.Addr
	mac        MAC // of the client, zero when there is none
	state      state
	until      time.Duration // on the table's own clock
	asked      time.Duration // when nobody answered to ARP for it, plus one; 0 for never
	info       client
}

// client is what a lease keeps of what the client said of itself.
type client struct {
	host string // option 12, hostile
}

// table gives each address to one client at most. Time is a duration since the
// table began, so that a clock set forwards or back ends no lease.
type table struct {
	slots  []slot // one for each address of the pool, in order
	first  uint32 // the address of slots[0]
	lists  [states]slot
	counts [states]int
	byMAC  map[MAC]*slot // a client has one slot at most
	marked map[MAC]bool  // devices under test
	spare  int           // addresses that only a device under test may have
}

// maxMarked bounds the devices under test at one time.
const maxMarked = 64

// emptyTable has no address to give.
func emptyTable() *table {
	t := &table{byMAC: map[MAC]*slot{}, marked: map[MAC]bool{}}
	for i := range t.lists {
		l := &t.lists[i]
		l.prev, l.next = l, l
	}
	return t
}

func newTable(n Network) *table {
	first := number(n.First)
	size := min(int(number(n.Last)-first)+1, maxPool)
	t := emptyTable()
	t.slots, t.first, t.spare = make([]slot, size), first, min(4, size/8)
	for i := range t.slots {
		s := &t.slots[i]
		s.addr = addrOf(first + uint32(i))
		if s.addr == n.Server || s.addr == n.Router {
			continue // in no list: it can be had by nobody
		}
		t.append(s, free)
	}
	return t
}

// append puts a slot that is in no list at the end of a state's list.
func (t *table) append(s *slot, to state) {
	head := &t.lists[to]
	s.state = to
	s.prev, s.next = head.prev, head
	head.prev.next, head.prev = s, s
	t.counts[to]++
}

// move takes a slot out of its list to the end of another, or of the same one.
func (t *table) move(s *slot, to state, until time.Duration) {
	s.prev.next, s.next.prev = s.next, s.prev
	t.counts[s.state]--
	s.until = until
	t.append(s, to)
}

// at is the slot of an address, nil when the pool does not have it.
func (t *table) at(a netip.Addr) *slot {
	if !a.Is4() || number(a) < t.first {
		return nil
	}
	i := number(a) - t.first
	if int64(i) >= int64(len(t.slots)) || t.slots[i].prev == nil {
		return nil
	}
	return &t.slots[i]
}

// expire ends what is over at the time now.
func (t *table) expire(now time.Duration) (ended []*slot) {
	for _, from := range [...]state{offered, leased, quarantined} {
		head := &t.lists[from]
		for s := head.next; s != head && s.until <= now; s = head.next {
			if from == leased {
				ended = append(ended, s)
			}
			t.rest(s)
		}
	}
	return ended
}

// rest puts a slot whose time is over where it waits for its client to return.
func (t *table) rest(s *slot) {
	switch {
	case s.mac == MAC{}:
		t.move(s, free, 0)
	case t.marked[s.mac]:
		t.move(s, held, 0)
	default:
		t.move(s, remembered, 0)
	}
}

// give hands a slot to a client, which loses the one it had before.
func (t *table) give(s *slot, mac MAC) {
	if s.mac == mac {
		return
	}
	if old := t.byMAC[mac]; old != nil {
		t.clear(old, free, 0)
	}
	if s.mac != (MAC{}) {
		delete(t.byMAC, s.mac)
	}
	s.mac, s.info = mac, client{}
	t.byMAC[mac] = s
}

// clear takes a slot away from its client.
func (t *table) clear(s *slot, to state, until time.Duration) {
	if s.mac != (MAC{}) {
		delete(t.byMAC, s.mac)
	}
	s.mac, s.info = MAC{}, client{}
	t.move(s, to, until)
}

// may reports whether a client may have a slot: nobody else holds it.
func (t *table) may(s *slot, mac MAC) bool {
	if s == nil || s.state == quarantined {
		return false
	}
	if s.mac == mac {
		return true
	}
	return s.state != leased && s.state != held && t.room(mac)
}

// room reports whether one more client may have an address: the last few are
// for devices under test.
func (t *table) room(mac MAC) bool {
	if t.marked[mac] {
		return true
	}
	usable := 0
	for _, n := range t.counts {
		usable += n
	}
	if own := t.byMAC[mac]; own != nil && own.state == leased {
		return true
	}
	return t.counts[leased]+t.counts[held] < usable-t.spare
}

// choose finds an address for a client: the one it has or had, the one it wishes,
// else one that is free, else the one that was given up longest ago, else the
// oldest offer that nobody took up, else the oldest quarantine. Nil when all
// addresses are leased.
func (t *table) choose(mac MAC, wish netip.Addr) *slot {
	if own := t.byMAC[mac]; own != nil && t.may(own, mac) {
		return own
	}
	if !t.room(mac) {
		return nil
	}
	if s := t.at(wish); s != nil && (s.state == free || s.state == remembered) {
		return s
	}
	for _, from := range [...]state{free, remembered, offered, quarantined} {
		if s := t.lists[from].next; s != &t.lists[from] {
			return s
		}
	}
	return nil
}

// offer reserves a slot for a client for a minute, unless it is leased to it
// already. An offer binds nobody: another client that is first with its REQUEST
// may still have the address.
func (t *table) offer(s *slot, mac MAC, now time.Duration) {
	t.give(s, mac)
	if s.state != leased {
		t.move(s, offered, now+offerTime)
	}
}

// lease confirms a slot to a client; the caller has asked may.
func (t *table) lease(s *slot, mac MAC, until time.Duration, info client) {
	t.give(s, mac)
	s.asked, s.info = 0, info
	t.move(s, leased, until)
}

// release ends a client's lease and remembers its address.
func (t *table) release(s *slot) { t.rest(s) }

// mark makes a client a device under test: what it has now or gets later stays
// its own.
func (t *table) mark(mac MAC) bool {
	if len(t.marked) >= maxMarked && !t.marked[mac] {
		return false
	}
	t.marked[mac] = true
	if s := t.byMAC[mac]; s != nil && s.state == remembered {
		t.move(s, held, 0)
	}
	return true
}

func (t *table) unmark(mac MAC) {
	delete(t.marked, mac)
	if s := t.byMAC[mac]; s != nil && s.state == held {
		t.move(s, remembered, 0)
	}
}

// quarantine keeps an address from everybody, because somebody uses it without
// a lease.
func (t *table) quarantine(s *slot, now time.Duration) {
	t.clear(s, quarantined, now+quarantineTime)
}
