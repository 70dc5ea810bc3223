// Package cache keeps answers for as long as their TTLs allow, within a bound
// of entries and bytes.
//
// It owns the memory and the choice of what to give up when it is full. It must
// not know clients, upstreams or how an answer was checked: it keeps the result
// of the check beside the answer. Times are durations on the owner's clock,
// which only goes forward; the wall clock may jump without harm.
package cache

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"assay/internal/gateway/resolver/wire"
)

// Status is what is known of an answer's authenticity (RFC 4035 section 4.3).
type Status uint8

// The states of an answer. The zero value says that nobody has looked.
const (
	Unchecked     Status = iota // fetched for a client that checks for itself
	Secure                      // a chain of signatures from a trust anchor
	Insecure                    // proof that there is no such chain
	Unvalidated                 // passed on by the operator's choice where nothing can be validated
	Indeterminate               // it could not be found out which of these holds
	Bogus                       // there should be a chain and it does not hold
	Failed                      // there is no answer at all
)

// String names the state in lower case, as in notes.
func (s Status) String() string {
	return [...]string{"unchecked", "secure", "insecure", "unvalidated", "indeterminate", "bogus", "failed"}[min(int(s), 6)]
}

// Packed is a message ready to be sent but for its id, flags, letter case and
// TTLs, which are patched into a copy. It holds no OPT record.
type Packed struct {
	Wire []byte
	TTLs []uint16 // offsets of the TTLs in Wire
}

// Entry is one answer. It is never written after Put.
type Entry struct {
	Full    Packed // with the records of DNSSEC
	Plain   Packed // without those nobody asked for; may share Full's memory
	EDE     wire.EDE
	Stored  time.Duration // when, on the owner's clock
	Expires time.Duration // first moment at which it may not be given out
	Stale   *Entry        // of a failure: the last good answer, if it is kept for that
	Status  Status
	Tries   uint8 // of a failure: how many there were in a row
	used    atomic.Bool
}

// overhead is what an entry costs beside its bytes: key, map slot, headers.
const overhead = 320

// Cost is the memory that is charged for the entry, in bytes.
func (e *Entry) Cost() int {
	n := overhead + len(e.Full.Wire) + 2*len(e.Full.TTLs) + len(e.EDE.Text)
	if len(e.Plain.Wire) > 0 && len(e.Full.Wire) > 0 && &e.Plain.Wire[0] != &e.Full.Wire[0] {
		n += len(e.Plain.Wire) + 2*len(e.Plain.TTLs)
	}
	if e.Stale != nil {
		n += e.Stale.Cost()
	}
	return n
}

const shards = 16

// Cache is safe for use by many goroutines.
type Cache struct {
	seed   maphash.Seed
	shards [shards]shard
}

// New makes a cache that holds at most entries answers and at most bytes of
// memory, each shared out evenly over its parts.
func New(entries, bytes int) *Cache {
	c := &Cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		s := &c.shards[i]
		s.maxEntries, s.maxBytes = max(1, entries/shards), max(1, bytes/shards)
		s.table = map[string]*slot{}
	}
	return c
}

func (c *Cache) shard(key []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, key)%shards]
}

// Get gives the answer for a key of wire.AppendKey while it is fresh, or nil.
func (c *Cache) Get(key []byte, now time.Duration) *Entry {
	e := c.Peek(key)
	if e == nil || now >= e.Expires {
		return nil
	}
	return e
}

// Peek gives the answer for a key, fresh or not, or nil.
func (c *Cache) Peek(key []byte) *Entry {
	s := c.shard(key)
	s.mu.RLock()
	found := s.table[string(key)]
	s.mu.RUnlock()
	if found == nil {
		return nil
	}
	e := found.entry
	if !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// Put keeps an answer, in place of an older one for the same key. An answer
// that would take more than a quarter of its part is not kept.
func (c *Cache) Put(key []byte, e *Entry) {
	c.shard(key).put(string(key), e)
}

// Clear forgets everything.
func (c *Cache) Clear() {
	for i := range c.shards {
		c.shards[i].clear()
	}
}

// Size is how many answers are kept and the memory charged for them, in bytes.
func (c *Cache) Size() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		entries += len(s.table)
		bytes += s.bytes
		s.mu.RUnlock()
	}
	return entries, bytes
}
