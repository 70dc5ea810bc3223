package decode

import (
	"slices"
	"time"

	"assay/internal/assess/event"
)

// conversationLimit bounds the conversations that are followed at a time. With all
// of them in use, their buffers full and their readers at work, a Decoder stays
// under 128 MB.
const conversationLimit = 16384

// listID says how long a conversation may be silent, and what happens then.
type listID uint8

const (
	listHalf    listID = iota // TCP that was not answered
	listOpen                  // TCP in use
	listUDP                   // any UDP
	listClosing               // TCP that ended, waiting for the last packets
	listGhost                 // reported; kept so that stragglers do not look like a new one
	listCount
)

// silence is how long each list waits. RFC 5382 section 5 and RFC 4787 section
// 4.3 ask more of a NAT for TCP in use (2 h 4 min) and less for UDP (2 min).
var silence = [listCount]int64{
	listHalf:    int64(5 * time.Minute),
	listOpen:    int64(time.Hour),
	listUDP:     int64(3 * time.Minute),
	listClosing: int64(2 * time.Second),
	listGhost:   int64(2 * time.Minute),
}

// chain is a list of conversations, the one silent for longest first.
type chain struct{ head, tail *conversation }

// table finds conversations and knows which were silent for longest.
type table struct {
	byKey  map[flowKey]*conversation
	last   *conversation // the one that was found last: packets come in trains
	chains [listCount]chain
	count  event.FlowID
	// free are records that are used again. There are never more records, in use or
	// free, than conversationLimit.
	free []*conversation
}

func newTable() table { return table{byKey: map[flowKey]*conversation{}} }

func (t *table) nextID() event.FlowID {
	t.count++
	return t.count
}

// record is an empty record of a conversation.
func (t *table) record() *conversation {
	n := len(t.free)
	if n == 0 {
		return &conversation{}
	}
	c := t.free[n-1]
	t.free = t.free[:n-1]
	*c = conversation{}
	return c
}

func (t *table) full() bool { return len(t.byKey) >= conversationLimit }

func (t *table) find(k *flowKey) *conversation {
	if t.last != nil && t.last.key == *k {
		return t.last
	}
	c := t.byKey[*k]
	if c != nil {
		t.last = c
	}
	return c
}

func (t *table) add(c *conversation) {
	c.list = listHalf
	if c.key.kind&0xff == protoUDP {
		c.list = listUDP
	}
	t.byKey[c.key] = c
	t.last = c
	t.push(c)
}

func (t *table) remove(c *conversation) {
	t.cut(c)
	delete(t.byKey, c.key)
	t.last = nil
	t.free = append(t.free, c)
}

// move makes c the most recent of a list.
func (t *table) move(c *conversation, to listID) {
	if c.list == to && c.next == nil && t.chains[to].tail == c {
		return
	}
	t.cut(c)
	c.list = to
	t.push(c)
}

func (t *table) push(c *conversation) {
	l := &t.chains[c.list]
	c.prev, c.next = l.tail, nil
	if l.tail == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
}

func (t *table) cut(c *conversation) {
	l := &t.chains[c.list]
	if c.prev == nil {
		l.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// open lists what was not reported yet, in the order of first packets.
func (t *table) open() []*conversation {
	var out []*conversation
	for _, l := range t.chains {
		for c := l.head; c != nil; c = c.next {
			if !c.reported {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b *conversation) int { return int(int64(a.conn.Flow) - int64(b.conn.Flow)) })
	return out
}

// expire ends what was silent for too long.
func (d *Decoder) expire() {
	for id := range listCount {
		for c := d.table.chains[id].head; c != nil && d.nano-c.lastNano > silence[id]; c = d.table.chains[id].head {
			d.timeOut(c)
		}
	}
}

func (d *Decoder) timeOut(c *conversation) {
	switch c.list {
	case listClosing:
		d.endConversation(c, event.EndedByReset)
		d.table.move(c, listGhost)
	case listGhost:
		d.table.remove(c)
	default:
		d.endConversation(c, event.EndedBySilence)
		d.table.remove(c)
	}
}

// evict makes room: a conversation that is over, else the one silent for longest.
func (d *Decoder) evict() {
	victim := d.table.chains[listGhost].head
	if victim == nil {
		victim = d.table.chains[listClosing].head
	}
	if victim == nil {
		d.counts.Crowded++
		for _, id := range [...]listID{listHalf, listUDP, listOpen} {
			c := d.table.chains[id].head
			if c != nil && (victim == nil || c.lastNano < victim.lastNano) {
				victim = c
			}
		}
	}
	d.endConversation(victim, event.EndedByLimit)
	d.table.remove(victim)
}
